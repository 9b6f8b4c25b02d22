//! What a data file holds, tensor by tensor: names, shapes, element types, ranges, first values; and pictures of what is a stack of images.
//!
//! In: a file's contents. Out: rows for a table, and pictures. A tensor's header is always told; its elements are looked at until a limit on all of them
//! is reached, unless the tensor is asked for by its name.

use crate::files::{Element, FileContents, FileData, FileTensor};
use crate::report::image::{Picture, single};
use crate::report::terminal_picture::{PictureSize, image_size};
use qnn_ir::interrupt::work;
use qnn_ir::rational::show;

/// How many elements of all tensors are looked at where no tensor is named.
const MOST_ELEMENTS: usize = 1 << 22;
/// How many values are told, the first ones.
const FIRST: usize = 8;
/// The longest text that is told whole, in characters.
const LONGEST: usize = 40;
/// What integers are called that are classes of samples.
const LABELS: [&str; 4] = ["label", "class", "target", "y"];

/// A tensor as a table shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorRow {
    /// Its name; `None` for the only tensor of a file.
    pub name: Option<String>,
    /// Its element type in the file's own words.
    pub element: String,
    /// The sizes of its axes.
    pub shape: Vec<usize>,
    /// Why it can't be read: a sentence that lacks its subject.
    pub problem: Option<String>,
    /// What its elements are; `None` where they were not looked at.
    pub values: Option<Values>,
    /// The stack of images that it is, if it is one.
    pub pictures: Option<Stack>,
}

/// What the elements of a tensor are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// The least and the greatest number, as decimals; `None` where there is none.
    pub range: Option<(String, String)>,
    /// How many are no finite numbers.
    pub not_finite: usize,
    /// The first values, row-major.
    pub first: Vec<String>,
    /// How many there are.
    pub count: usize,
}

/// A tensor as images along its first axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stack {
    /// How many.
    pub count: usize,
    /// The size of each.
    pub size: PictureSize,
    /// Whether the channels are the last axis, as TensorFlow has them.
    pub channels_last: bool,
}

/// The tensors of a file in the order of their names; of one name only, if it is given.
pub fn rows(contents: &FileContents, only: Option<&str>) -> Vec<TensorRow> {
    let mut left = MOST_ELEMENTS;
    let mut row = |name: Option<&str>, tensor: &FileTensor| {
        let looked = only.is_some() || tensor.data.len() <= left;
        left = left.saturating_sub(tensor.data.len());
        TensorRow {
            name: name.map(str::to_owned),
            element: tensor.element_type.to_owned(),
            shape: tensor.shape.clone(),
            problem: None,
            values: looked.then(|| values(tensor)),
            pictures: stack(&tensor.shape),
        }
    };
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    match contents {
        FileContents::Tensor(tensor) => vec![row(None, tensor)],
        FileContents::Table(columns) => {
            columns.iter().filter(|(name, _)| wanted(name)).map(|(name, tensor)| row(Some(name), tensor)).collect()
        }
        FileContents::Folder(folder) => vec![row(Some("images"), &folder.images), row(Some("labels"), &folder.labels)],
        FileContents::Tensors(tensors) => {
            let mut unread = MOST_ELEMENTS;
            let mut all = Vec::new();
            for name in tensors.names().filter(|name| wanted(name)) {
                let header = match tensors.header(name) {
                    Some(Ok(header)) => header,
                    Some(Err(problem)) => {
                        all.push(damaged(name, String::new(), Vec::new(), problem.message));
                        continue;
                    }
                    None => continue,
                };
                let size = crate::files::tensor::count(&header.shape).unwrap_or(usize::MAX);
                if only.is_none() && size > unread {
                    let pictures = stack(&header.shape);
                    let unlooked =
                        TensorRow { pictures, ..damaged(name, header.element_type, header.shape, String::new()) };
                    all.push(TensorRow { problem: None, ..unlooked });
                    continue;
                }
                unread = unread.saturating_sub(size);
                all.push(match tensors.get(name) {
                    Some(Ok(tensor)) => row(Some(name), tensor),
                    Some(Err(problem)) => damaged(name, header.element_type, header.shape, problem.message.clone()),
                    None => continue,
                });
            }
            all
        }
    }
}

fn damaged(name: &str, element: String, shape: Vec<usize>, problem: String) -> TensorRow {
    TensorRow { name: Some(name.to_owned()), element, shape, problem: Some(problem), values: None, pictures: None }
}

/// A tensor of a file by its name; the only one, if no name is given. `None` if there is no such tensor, or it can't be read.
pub fn tensor<'a>(contents: &'a FileContents, name: Option<&str>) -> Option<&'a FileTensor> {
    match (contents, name) {
        (FileContents::Tensor(tensor), None) => Some(tensor),
        (FileContents::Tensors(tensors), Some(name)) => tensors.get(name)?.ok(),
        (FileContents::Table(columns), Some(name)) => columns.iter().find(|(n, _)| n == name).map(|(_, t)| t),
        (FileContents::Folder(folder), Some("images")) => Some(&folder.images),
        (FileContents::Folder(folder), Some("labels")) => Some(&folder.labels),
        _ => None,
    }
}

/// The tensor of the same file that holds a class for each of `count` samples, by its name and its shape.
pub fn labels<'a>(contents: &'a FileContents, of: Option<&str>, count: usize) -> Option<&'a FileTensor> {
    let FileContents::Tensors(tensors) = contents else {
        return tensor(contents, Some("labels")).filter(|labels| are_labels(labels, count));
    };
    let is_label = |name: &&str| {
        let name = name.to_ascii_lowercase();
        LABELS.iter().any(|label| if label.len() == 1 { name.starts_with(label) } else { name.contains(label) })
    };
    // `x_test` and `y_test`, `test_images` and `test_labels`: of several, the one with most in common.
    let alike =
        |name: &&str| of.map_or(0, |of| of.bytes().rev().zip(name.bytes().rev()).take_while(|(a, b)| a == b).count());
    let fits = |name: &&str| {
        tensors
            .header(name)
            .and_then(Result::ok)
            .is_some_and(|h| h.shape.first() == Some(&count) && h.shape.iter().skip(1).all(|n| *n == 1))
    };
    let name = tensors.names().filter(is_label).filter(fits).max_by_key(alike)?;
    tensors.get(name)?.ok().filter(|labels| are_labels(labels, count))
}

/// Whether a tensor can hold a class for each of `count` samples.
pub fn are_labels(tensor: &FileTensor, count: usize) -> bool {
    let text = matches!(tensor.data, FileData::Text(_));
    tensor.data.len() == count && tensor.shape.first() == Some(&count) && (text || tensor.data.is_integer())
}

/// An element as a person reads it.
pub fn shown(tensor: &FileTensor, index: usize) -> String {
    if let FileData::Floats(all) = &tensor.data {
        let Some(value) = all.get(index) else { return String::new() };
        return float(*value, tensor.element_type);
    }
    match tensor.data.get(index) {
        None => String::new(),
        Some(Element::Integer(n)) => n.to_string(),
        Some(Element::Real(value)) => show(&value),
        Some(Element::NotFinite(value)) => value.to_string(),
        Some(Element::Text(text)) if text.chars().count() > LONGEST => {
            format!("{}…", text.chars().take(LONGEST).collect::<String>())
        }
        Some(Element::Text(text)) => text.to_owned(),
    }
}

/// A float with the digits that tell it from its neighbours: those of its own type.
fn float(value: f64, element: &str) -> String {
    let size = value.abs();
    let plain = size == 0.0 || !value.is_finite() || (1e-5..1e15).contains(&size);
    match (element == "float64", plain) {
        (true, true) => value.to_string(),
        (true, false) => format!("{value:e}"),
        (false, true) => (value as f32).to_string(),
        (false, false) => format!("{:e}", value as f32),
    }
}

fn values(tensor: &FileTensor) -> Values {
    let count = tensor.data.len();
    work(count);
    let first = (0..count.min(FIRST)).map(|index| shown(tensor, index)).collect();
    let (mut not_finite, mut ends) = (0, None);
    match &tensor.data {
        FileData::Bytes(all) => {
            ends = all
                .iter()
                .min()
                .zip(all.iter().max())
                .map(|(least, greatest)| (least.to_string(), greatest.to_string()));
        }
        FileData::Integers(all) => {
            ends = all
                .iter()
                .min()
                .zip(all.iter().max())
                .map(|(least, greatest)| (least.to_string(), greatest.to_string()));
        }
        FileData::Floats(all) => {
            let finite = || all.iter().copied().filter(|value| value.is_finite());
            not_finite = count - finite().count();
            let both = finite().min_by(f64::total_cmp).zip(finite().max_by(f64::total_cmp));
            ends =
                both.map(|(least, greatest)| (float(least, tensor.element_type), float(greatest, tensor.element_type)));
        }
        FileData::Decimals(all) => {
            ends = all.iter().min().zip(all.iter().max()).map(|(least, greatest)| (show(least), show(greatest)));
        }
        FileData::Text(_) => {}
    }
    Values { range: ends, not_finite, first, count }
}

/// The images along the first axis of a shape, if it is a stack of some.
pub fn stack(shape: &[usize]) -> Option<Stack> {
    let (&count, rest) = shape.split_first()?;
    if count == 0 {
        return None;
    }
    if let Some(size) = image_size(rest) {
        return Some(Stack { count, size, channels_last: false });
    }
    let [height, width, channels @ (1 | 3)] = *rest else { return None };
    let size = image_size(&[channels, height, width])?;
    Some(Stack { count, size, channels_last: true })
}

/// An image of a stack; `None` where there is none of this index, or what it holds are no finite numbers.
pub fn picture(tensor: &FileTensor, stack: Stack, index: usize) -> Option<Picture> {
    let PictureSize { height, width, channels } = stack.size;
    let each = height * width * channels;
    let start = index.checked_mul(each).filter(|_| index < stack.count)?;
    let value = |at: usize| match &tensor.data {
        FileData::Bytes(all) => all.get(start + at).map(|byte| f64::from(*byte)),
        FileData::Integers(all) => all.get(start + at).map(|n| *n as f64),
        FileData::Floats(all) => all.get(start + at).copied().filter(|value| value.is_finite()),
        FileData::Decimals(_) | FileData::Text(_) => None,
    };
    let place = |at: usize| {
        let (channel, pixel) = (at / (height * width), at % (height * width));
        if stack.channels_last { pixel * channels + channel } else { at }
    };
    let pixels = (0..each).map(|at| value(place(at))).collect::<Option<Vec<f64>>>()?;
    single(&format!("sample {index}"), &[channels, height, width], pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::reader::read;

    fn contents(name: &str, bytes: &[u8]) -> FileContents {
        read(name, &bytes.into()).expect("it can be read")
    }

    fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn a_row_tells_shape_type_range_and_first_values() {
        let data: Vec<u8> = [0.1f32, f32::NAN, -2.5, 1e-9].iter().flat_map(|x| x.to_le_bytes()).collect();
        let [row] =
            <[TensorRow; 1]>::try_from(rows(&contents("a.npy", &npy("<f4", "(2, 2)", &data)), None)).expect("a row");
        assert_eq!((row.element.as_str(), row.shape.as_slice()), ("float32", [2, 2].as_slice()));
        let values = row.values.expect("they are looked at");
        assert_eq!(values.range, Some(("-2.5".to_owned(), "0.1".to_owned())));
        assert_eq!((values.not_finite, values.count), (1, 4));
        assert_eq!(values.first, ["0.1", "NaN", "-2.5", "1e-9"]);
    }

    #[test]
    fn stacks_of_images_are_known_by_their_shapes() {
        for (shape, size) in [
            (&[450, 8, 8][..], Some((8, 8, 1, false))),
            (&[10, 28, 28, 1], Some((28, 28, 1, true))),
            (&[10, 32, 32, 3], Some((32, 32, 3, true))),
            (&[10, 3, 32, 32], Some((32, 32, 3, false))),
            (&[450, 64], None),
            (&[0, 8, 8], None),
            (&[10, 96, 96, 1], None),
            (&[], None),
        ] {
            let found = stack(shape).map(|s| (s.size.height, s.size.width, s.size.channels, s.channels_last));
            assert_eq!(found, size, "{shape:?}");
        }
        // Channels that come last are put first.
        let bytes: Vec<u8> = (0..48).collect();
        let FileContents::Tensor(tensor) = contents("a.npy", &npy("|u1", "(1, 4, 4, 3)", &bytes)) else {
            panic!("a tensor")
        };
        let picture = picture(&tensor, stack(&tensor.shape).expect("images"), 0).expect("a picture");
        assert_eq!(picture.panels[0].pixels[..3], [0.0, 3.0, 6.0]);
        assert_eq!(picture.panels[0].pixels[16], 1.0);
        assert!(super::picture(&tensor, stack(&tensor.shape).expect("images"), 1).is_none());
    }

    #[test]
    fn a_large_tensor_is_looked_at_where_it_is_asked_for() {
        let bytes = npy("|u1", &format!("({},)", MOST_ELEMENTS + 1), &vec![7; MOST_ELEMENTS + 1]);
        let large = contents("a.npy", &bytes);
        assert!(rows(&large, None)[0].values.is_none());
        assert_eq!(
            rows(&large, Some("a"))[0].values.as_ref().expect("asked for").range,
            Some(("7".to_owned(), "7".to_owned()))
        );
    }

    #[test]
    fn labels_of_an_archive_are_found_by_name_and_shape() {
        let header = br#"{"x":{"dtype":"U8","shape":[2,4,4],"data_offsets":[0,32]},"y_test":{"dtype":"U8","shape":[2],"data_offsets":[32,34]},"z":{"dtype":"U8","shape":[2],"data_offsets":[34,36]}}"#;
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_slice(), &[0; 32], &[3, 4, 5, 6]].concat();
        let archive = contents("a.safetensors", &bytes);
        let found = labels(&archive, Some("x"), 2).expect("labels");
        assert_eq!(shown(found, 1), "4");
        assert!(labels(&archive, Some("x"), 3).is_none());
    }
}
