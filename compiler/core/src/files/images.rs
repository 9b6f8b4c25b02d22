//! PNG images: one, or a folder of them with the labels that its subfolders spell.
//!
//! A grayscale image is `[height, width]`, a colour image `[3, height, width]`: channels first, as networks take them.
//! Samples are the file's own, 0 to 255 or 0 to 65,535; gamma and colour profiles are left alone.

use super::budget::Budget;
use super::spelling::{counted, grouped, quoted};
use super::{FileData, FileError, FileTensor, gzip};
use png::{BitDepth, ColorType, Decoder, Limits, Transformations};
use qnn_ir::interrupt::work;
use std::io::Cursor;
use std::sync::Arc;

/// The most bytes of samples in one image: some 8,000 × 8,000 pixels of gray.
const MAX_IMAGE: usize = 64 << 20;

/// A folder of images.
#[derive(Clone, Debug, PartialEq)]
pub struct Folder {
    /// All images, of shape `[n, height, width]` or `[n, 3, height, width]`, in the order of their paths.
    pub images: FileTensor,
    /// The name of the folder that each image lies in, of shape `[n]`; empty texts if they lie in the folder itself.
    pub labels: FileTensor,
}

/// Reads a PNG image, gzipped or not: `[height, width]` if it is gray, `[3, height, width]` if it has colours or a palette.
///
/// 8-bit samples are bytes, 16-bit samples integers; fewer bits are scaled up to 8 (black stays 0, white becomes 255).
/// An alpha channel is dropped if it is opaque throughout and an error otherwise.
pub fn read(bytes: &[u8]) -> Result<FileTensor, FileError> {
    let bytes = gzip::unpack(bytes)?;
    let mut decoder = Decoder::new_with_limits(Cursor::new(&*bytes), Limits { bytes: MAX_IMAGE });
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let info = reader.info();
    check_palette(info)?;
    let (width, height) = info.size();
    let (width, height) = (width as usize, height as usize);
    if info.is_animated() {
        return Err(FileError::new("is an animated PNG, which holds several images")
            .help("save each image as a file of its own"));
    }
    // Deflate packs at most 1,032 to 1: a shorter file can't hold the image that it claims.
    let stored = u128::from(info.width) * u128::from(info.height) * info.bits_per_pixel() as u128 / 8;
    let possible = bytes.len() as u128 * 1032;
    let size =
        reader.output_buffer_size().filter(|size| *size <= MAX_IMAGE && stored <= possible).ok_or_else(|| {
            FileError::new(format!(
                "claims an image of {} × {} pixels, more than its {} or a limit of {} allow",
                grouped(width as u64),
                grouped(height as u64),
                counted(bytes.len() as u64, "byte"),
                counted(MAX_IMAGE as u64, "byte")
            ))
            .help("it is damaged, or too large for a network's input: scale it down")
        })?;
    work(8 * size);
    let mut samples = vec![0; size];
    let frame = reader.next_frame(&mut samples).map_err(damaged)?;
    reader.finish().map_err(damaged)?;
    let (channels, alpha) = match frame.color_type {
        ColorType::Grayscale => (1, false),
        ColorType::GrayscaleAlpha => (1, true),
        ColorType::Rgb => (3, false),
        ColorType::Rgba => (3, true),
        ColorType::Indexed => return Err(FileError::new("has a palette that can't be expanded")),
    };
    let (data, element_type) = match frame.bit_depth {
        BitDepth::Sixteen => {
            let samples: Vec<u16> = samples.as_chunks::<2>().0.iter().map(|raw| u16::from_be_bytes(*raw)).collect();
            let planes = planes(&samples, channels, alpha, width, u16::MAX)?;
            (FileData::Integers(planes.into_iter().map(i64::from).collect()), "uint16")
        }
        _ => (FileData::Bytes(planes(&samples, channels, alpha, width, u8::MAX)?.into()), "uint8"),
    };
    let shape = if channels == 1 { vec![height, width] } else { vec![channels, height, width] };
    Ok(FileTensor { shape, data, element_type })
}

/// Refuses palettes that the decoder does not check: it would read past their end.
fn check_palette(info: &png::Info<'_>) -> Result<(), FileError> {
    let Some(palette) = &info.palette else { return Ok(()) };
    let alphas =
        if info.color_type == ColorType::Indexed { info.trns.as_ref().map_or(0, |trns| trns.len()) } else { 0 };
    if palette.len() % 3 == 0 && palette.len() <= 3 * 256 && alphas <= palette.len() / 3 {
        return Ok(());
    }
    Err(FileError::new(format!(
        "has a damaged palette: {} for colours of 3 bytes, with {}",
        counted(palette.len() as u64, "byte"),
        counted(alphas as u64, "transparency")
    ))
    .help("download it again, or save the image as PNG"))
}

fn damaged(cause: png::DecodingError) -> FileError {
    match cause {
        png::DecodingError::LimitsExceeded => FileError::new("is a PNG image that takes too much memory to read")
            .help("scale it down, or save it again without its extra data"),
        cause => FileError::new(format!("is not a whole PNG image ({cause})"))
            .help("download it again, or save the image as PNG"),
    }
}

/// Pixel by pixel to channel by channel, without the alpha channel, which must be `opaque` everywhere.
fn planes<T: Copy + PartialEq>(
    samples: &[T],
    channels: usize,
    alpha: bool,
    width: usize,
    opaque: T,
) -> Result<Vec<T>, FileError> {
    let pixel = channels + usize::from(alpha);
    if alpha && let Some(at) = samples.chunks_exact(pixel).position(|pixel| pixel.last() != Some(&opaque)) {
        return Err(FileError::new(format!(
            "has transparent pixels, the first in row {}, column {}, both counted from 0",
            grouped((at / width.max(1)) as u64),
            grouped((at % width.max(1)) as u64)
        ))
        .help("save it without an alpha channel, on the background that the network was trained with"));
    }
    if pixel == 1 {
        return Ok(samples.to_vec());
    }
    Ok((0..channels).flat_map(|channel| samples.iter().skip(channel).step_by(pixel).copied()).collect())
}

/// Reads a folder of PNG images: `files` are the paths below it, separated by `/`, and their bytes.
///
/// Images are sorted by path, byte by byte; all must agree in size, colours and depth. Files whose names begin with a
/// dot, `Thumbs.db` and `desktop.ini` are passed over; any other file must be a PNG.
pub fn read_folder(files: &[(String, Arc<[u8]>)]) -> Result<Folder, FileError> {
    read_folder_within(files, Budget::new())
}

/// Whether a file or folder of this name is none of the images: hidden, or a file manager's own.
pub(crate) fn is_passed_over(name: &str) -> bool {
    name.starts_with('.') || name == "Thumbs.db" || name == "desktop.ini"
}

fn read_folder_within(files: &[(String, Arc<[u8]>)], mut budget: Budget) -> Result<Folder, FileError> {
    let mut files: Vec<(String, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (path.replace('\\', "/"), &**bytes))
        .filter(|(path, _)| !path.split('/').any(|part| part != "." && part != ".." && is_passed_over(part)))
        .collect();
    files.sort();
    let mut all = None;
    let mut labels: Vec<String> = Vec::new();
    for (path, bytes) in &files {
        let image = read(bytes).map_err(|error| error.inside(&quoted(path)))?;
        let label = path.rsplit('/').nth(1).unwrap_or_default();
        if let (Some((first, _)), Some(other)) = (files.first(), labels.first())
            && label.is_empty() != other.is_empty()
        {
            return Err(FileError::new(format!(
                "holds images both in subfolders and beside them: {} and {}",
                quoted(first),
                quoted(path)
            ))
            .help("put every image into a subfolder named after its class, or none"));
        }
        budget.take_elements(image.data.len(), if matches!(image.data, FileData::Bytes(_)) { 1 } else { 8 })?;
        labels.push(label.to_owned());
        match &mut all {
            None => all = Some(Stack::new(image)),
            Some(stack) => stack.push(&image).map_err(|()| {
                let first = files.first().map_or("", |(first, _)| first);
                let (one, other) = (stack.describe(), describe(&image.shape, image.element_type));
                FileError::new(format!(
                    "holds images that differ: {} is {one}, {} is {other}",
                    quoted(first),
                    quoted(path)
                ))
                .help("scale and convert all images alike")
            })?,
        }
    }
    let Some(stack) = all else {
        return Err(FileError::new("holds no PNG image")
            .help("put the images, as PNG files, into subfolders named after their classes"));
    };
    let count = labels.len();
    Ok(Folder {
        images: stack.finish(count),
        labels: FileTensor { shape: vec![count], data: FileData::Text(labels.into()), element_type: "text" },
    })
}

/// Images of one shape, one after the other.
struct Stack {
    shape: Vec<usize>,
    samples: PixelSamples,
    element_type: &'static str,
}

/// The samples so far.
enum PixelSamples {
    Bytes(Vec<u8>),
    Integers(Vec<i64>),
}

impl Stack {
    fn new(image: FileTensor) -> Stack {
        let samples = match image.data {
            FileData::Bytes(v) => PixelSamples::Bytes(v.to_vec()),
            FileData::Integers(v) => PixelSamples::Integers(v.to_vec()),
            FileData::Floats(_) | FileData::Decimals(_) | FileData::Text(_) => PixelSamples::Bytes(Vec::new()),
        };
        Stack { shape: image.shape, samples, element_type: image.element_type }
    }

    /// Adds an image, unless it differs in shape or type.
    fn push(&mut self, image: &FileTensor) -> Result<(), ()> {
        if image.shape != self.shape {
            return Err(());
        }
        match (&mut self.samples, &image.data) {
            (PixelSamples::Bytes(all), FileData::Bytes(v)) => all.extend_from_slice(v),
            (PixelSamples::Integers(all), FileData::Integers(v)) => all.extend_from_slice(v),
            _ => return Err(()),
        }
        Ok(())
    }

    fn describe(&self) -> String {
        describe(&self.shape, self.element_type)
    }

    fn finish(self, count: usize) -> FileTensor {
        let shape = [&[count], self.shape.as_slice()].concat();
        let data = match self.samples {
            PixelSamples::Bytes(v) => FileData::Bytes(v.into()),
            PixelSamples::Integers(v) => FileData::Integers(v.into()),
        };
        FileTensor { shape, data, element_type: self.element_type }
    }
}

/// `28 × 28 gray pixels of 8 bits`.
fn describe(shape: &[usize], element_type: &str) -> String {
    let bits = if element_type == "uint16" { 16 } else { 8 };
    match shape {
        [height, width] => format!("{width} × {height} gray pixels of {bits} bits"),
        [_, height, width] => format!("{width} × {height} colour pixels of {bits} bits"),
        _ => format!("{shape:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::corrupt;
    use super::*;

    /// A PNG of the given pixels, rows of `width`.
    fn png(
        color: ColorType,
        depth: BitDepth,
        width: u32,
        samples: &[u8],
        setup: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>),
    ) -> Vec<u8> {
        let row = color.samples() * width as usize * depth as usize / 8;
        let height = samples.len() / row.max(1);
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height as u32);
        encoder.set_color(color);
        encoder.set_depth(depth);
        setup(&mut encoder);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(samples).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn gray(width: u32, samples: &[u8]) -> Vec<u8> {
        png(ColorType::Grayscale, BitDepth::Eight, width, samples, |_| ())
    }

    fn message<T: std::fmt::Debug>(result: Result<T, FileError>) -> String {
        result.unwrap_err().message
    }

    /// Found by fuzzing: a palette of 59 bytes, with transparency, in an image that is whole otherwise.
    #[test]
    fn a_palette_of_broken_colours_is_refused() {
        let chunk = |kind: &[u8], data: &[u8]| {
            let mut crc = flate2::Crc::new();
            crc.update(kind);
            crc.update(data);
            [&(data.len() as u32).to_be_bytes(), kind, data, &crc.sum().to_be_bytes()].concat()
        };
        let bytes = [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(b"IHDR", &[0, 0, 0, 23, 0, 0, 0, 5, 2, 3, 0, 0, 0]),
            chunk(b"PLTE", &[7; 59]),
            chunk(b"tRNS", &[255, 0]),
            chunk(b"IDAT", &[0x78, 0x9c, 0x63, 0x60]),
        ];
        let error = read(&bytes.concat()).unwrap_err();
        assert!(error.message.contains("palette"), "{error:?}");
    }

    #[test]
    fn gray_colour_palette_and_depth() {
        let image = read(&gray(3, &[1, 2, 3, 4, 5, 6])).unwrap();
        assert_eq!((image.shape.as_slice(), image.element_type), ([2, 3].as_slice(), "uint8"));
        assert_eq!(image.data, FileData::Bytes([1, 2, 3, 4, 5, 6].into()));

        let deep = read(&png(ColorType::Grayscale, BitDepth::Sixteen, 1, &[1, 0, 255, 255], |_| ())).unwrap();
        assert_eq!((deep.data, deep.element_type), (FileData::Integers([256, 65535].into()), "uint16"));

        let colour = read(&png(ColorType::Rgb, BitDepth::Eight, 2, &[1, 2, 3, 4, 5, 6], |_| ())).unwrap();
        assert_eq!(
            (colour.shape.as_slice(), colour.data),
            ([3, 1, 2].as_slice(), FileData::Bytes([1, 4, 2, 5, 3, 6].into()))
        );

        let palette = |e: &mut png::Encoder<'_, &mut Vec<u8>>| e.set_palette(vec![9, 8, 7, 6, 5, 4]);
        let indexed = read(&png(ColorType::Indexed, BitDepth::Eight, 2, &[1, 0], palette)).unwrap();
        assert_eq!(
            (indexed.shape.as_slice(), indexed.data),
            ([3, 1, 2].as_slice(), FileData::Bytes([6, 9, 5, 8, 4, 7].into()))
        );

        let bits = read(&png(ColorType::Grayscale, BitDepth::One, 8, &[0b1010_0000], |_| ())).unwrap();
        assert_eq!(bits.data, FileData::Bytes([255, 0, 255, 0, 0, 0, 0, 0].into()));
        assert_eq!(read(&gzip::pack(&gray(1, &[7]))).unwrap().data, FileData::Bytes([7].into()));
    }

    #[test]
    fn alpha_must_be_opaque() {
        let opaque = png(ColorType::GrayscaleAlpha, BitDepth::Eight, 2, &[1, 255, 2, 255], |_| ());
        assert_eq!(read(&opaque).unwrap().data, FileData::Bytes([1, 2].into()));
        let opaque = png(ColorType::Rgba, BitDepth::Sixteen, 1, &[0, 1, 0, 2, 0, 3, 255, 255], |_| ());
        assert_eq!(read(&opaque).unwrap().data, FileData::Integers([1, 2, 3].into()));
        let glass = png(ColorType::Rgba, BitDepth::Eight, 1, &[1, 2, 3, 255, 1, 2, 3, 254], |_| ());
        assert_eq!(message(read(&glass)), "has transparent pixels, the first in row 1, column 0, both counted from 0");
    }

    #[test]
    fn claims_are_checked_before_memory_is_taken() {
        let mut image = gray(1, &[7]);
        image[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
        let crc = crc(&image[12..29]);
        image[29..33].copy_from_slice(&crc.to_be_bytes());
        assert!(message(read(&image)).starts_with("claims an image of 16,384 × 16,384 pixels, more than its"));
    }

    /// The checksum of PNG chunks.
    fn crc(bytes: &[u8]) -> u32 {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum()
    }

    #[test]
    fn damage_never_panics() {
        let rgb = png(ColorType::Rgb, BitDepth::Eight, 2, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], |_| ());
        corrupt::truncations(&rgb, |bytes| assert!(read(bytes).is_err(), "{}", bytes.len()));
        corrupt::mutations(&rgb, |bytes| drop(read(bytes)));
        assert!(message(read(b"GIF89a")).starts_with("is not a whole PNG image"));
    }

    fn folder(files: &[(&str, Vec<u8>)]) -> Vec<(String, Arc<[u8]>)> {
        files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.as_slice().into())).collect()
    }

    #[test]
    fn folders_label_images_by_their_parents() {
        let files = folder(&[
            ("test/1/b.png", gray(1, &[3, 4])),
            ("test/0/a.png", gray(1, &[1, 2])),
            (".DS_Store", vec![1]),
            ("test\\1\\c.png", gray(1, &[5, 6])),
            ("test/0/Thumbs.db", vec![]),
        ]);
        let folder = read_folder(&files).unwrap();
        assert_eq!(folder.images.shape, [3, 2, 1]);
        assert_eq!(folder.images.data, FileData::Bytes([1, 2, 3, 4, 5, 6].into()));
        assert_eq!(folder.labels.data, FileData::Text(["0", "1", "1"].map(str::to_owned).into()));
        assert!(message(read_folder_within(&files, Budget::of(5))).starts_with("needs more than 5 bytes"));
    }

    #[test]
    fn folders_say_what_is_wrong() {
        assert_eq!(message(read_folder(&[])), "holds no PNG image");
        let sizes = folder(&[("0/a.png", gray(1, &[1, 2])), ("0/b.png", gray(2, &[1, 2]))]);
        assert_eq!(
            message(read_folder(&sizes)),
            "holds images that differ: `0/a.png` is 1 × 2 gray pixels of 8 bits, `0/b.png` is 2 × 1 gray pixels of 8 bits"
        );
        let deep = png(ColorType::Grayscale, BitDepth::Sixteen, 1, &[0, 1, 0, 2], |_| ());
        let depths = folder(&[("a.png", gray(1, &[1, 2])), ("b.png", deep)]);
        assert!(message(read_folder(&depths)).ends_with("`b.png` is 1 × 2 gray pixels of 16 bits"));
        let mixed = folder(&[("0/a.png", gray(1, &[1])), ("b.png", gray(1, &[1]))]);
        assert_eq!(
            message(read_folder(&mixed)),
            "holds images both in subfolders and beside them: `0/a.png` and `b.png`"
        );
        let other = folder(&[("0/a.png", gray(1, &[1])), ("0/notes.txt", b"hello".to_vec())]);
        assert!(message(read_folder(&other)).starts_with("holds `0/notes.txt`, which is not a whole PNG image"));
    }
}
