//! The files that the examples of the documentation read, made in memory. `tests/fixtures/README.md` lists them.

use flate2::{Compression, write::GzEncoder};
use qnn::db::{BytesContent, FileSystem};
use qnn::files::FileError;
use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::Arc;

/// A file system that holds the fixtures, in every folder.
pub struct Fixtures;

impl FileSystem for Fixtures {
    fn text(&self, path: &Path) -> Result<Arc<str>, FileError> {
        match path.file_name().and_then(|name| name.to_str()) {
            Some("formats.qnn") => Ok("type Pixel = ufixed<8, 8>;\ntype Act = ufixed<6, 4>;\n".into()),
            _ => Err(missing()),
        }
    }

    fn bytes(&self, path: &Path) -> BytesContent {
        match path.file_name().and_then(|name| name.to_str()) {
            Some("digits") => BytesContent::Folder(folder().into()),
            Some(name) => {
                file(name).map_or_else(|| BytesContent::Problem(missing()), |bytes| BytesContent::File(bytes.into()))
            }
            None => BytesContent::Problem(missing()),
        }
    }
}

fn missing() -> FileError {
    FileError::new("does not exist").help("check the path: it is relative to the spec's folder")
}

fn file(name: &str) -> Option<Vec<u8>> {
    Some(match name {
        "tiny.tflite" => include_bytes!("../fixtures/models/tiny.tflite").to_vec(),
        "tiny.onnx" => include_bytes!("../fixtures/models/tiny.onnx").to_vec(),
        "float.onnx" => include_bytes!("../fixtures/models/float.onnx").to_vec(),
        "cut.tflite" => include_bytes!("../fixtures/models/tiny.tflite")[..600].to_vec(),
        "model.npz" => npz(&[
            ("fc1.weight", floats(&[3, 2], |i| (i as f32 - 2.0) / 4.0)),
            ("fc1.bias", floats(&[3], |i| i as f32 / 16.0)),
            ("fc2.weight", floats(&[2, 3], |i| (3.0 - i as f32) / 8.0)),
            ("fc2.bias", floats(&[2], |i| (i as f32 - 1.0) / 8.0)),
        ]),
        "pixels.npz" => npz(&[
            ("fc1.weight", floats(&[3, 4], |i| ((i * 7 % 11) as f32 - 5.0) / 8.0)),
            ("fc1.bias", floats(&[3], |i| i as f32 / 16.0)),
            ("fc2.weight", floats(&[2, 3], |i| (3.0 - i as f32) / 8.0)),
            ("fc2.bias", floats(&[2], |i| (i as f32 - 1.0) / 8.0)),
        ]),
        "students.npz" => {
            npz(&[("fc.weight", floats(&[1, 3], |i| (i as f32 + 1.0) / 8.0)), ("fc.bias", floats(&[1], |_| 0.25))])
        }
        "conv.npz" => npz(&[
            ("conv.weight", floats(&[2, 1, 3, 3], |i| ((i % 5) as f32 - 2.0) / 4.0)),
            ("conv.bias", floats(&[2], |i| i as f32 / 8.0)),
            ("fc.weight", floats(&[2, 8], |i| ((i % 3) as f32 - 1.0) / 4.0)),
            ("fc.bias", floats(&[2], |_| 0.0)),
        ]),
        "norm.npz" => npz(&[
            ("conv.kernel", floats(&[2, 2, 1, 2], |i| (i as f32 - 3.0) / 4.0)),
            ("bn.gamma", floats(&[2], |i| [1.0, -0.5][i])),
            ("bn.beta", floats(&[2], |i| [0.25, 0.0][i])),
            ("bn.moving_mean", floats(&[2], |i| [0.5, -1.0][i])),
            ("bn.moving_variance", floats(&[2], |i| [3.75, 0.75][i])),
        ]),
        "keras.npz" => npz(&[
            ("dense/kernel", floats(&[2, 3], |i| (i as f32 - 2.0) / 4.0)),
            ("dense/bias", floats(&[3], |i| i as f32 / 4.0)),
            ("in.3x3.weights[0]", floats(&[3, 3], |i| (4.0 - i as f32) / 8.0)),
        ]),
        "int8.npz" => npz(&[
            ("fc.weight", npy("|i1", &[2, 2], &[10, 246, 100, 3])),
            ("fc.bias", npy("<i4", &[2], &[5, 0, 0, 0, 251, 255, 255, 255])),
        ]),
        "large.npz" => {
            npz(&[("fc.weight", floats(&[2, 2], |i| [0.5, 3.25, -2.5, 0.25][i])), ("fc.bias", floats(&[2], |_| 0.25))])
        }
        "nan.npz" => npz(&[("fc.weight", floats(&[2, 2], |i| if i == 2 { f32::NAN } else { 0.5 }))]),
        "empty.npz" => npz(&[("fc.weight", floats(&[0, 2], |_| 0.0))]),
        "cut.npz" => npz(&[("fc.weight", floats(&[2, 2], |_| 0.5))])[..100].to_vec(),
        "matrix.npy" => floats(&[2, 2], |i| i as f32 / 4.0),
        "points.npy" => floats(&[3, 2], |i| i as f32 / 10.0),
        "model.safetensors" => safetensors(),
        "images.npz" => npz(&[
            ("x", npy("|u1", &[4, 2, 2], &(0..16).map(|i| i * 15).collect::<Vec<u8>>())),
            ("y", npy("|u1", &[4], &[0, 1, 1, 0])),
        ]),
        "images-idx3-ubyte.gz" => gzip(&idx(&[4, 2, 2], &(0..16).map(|i| i * 15).collect::<Vec<u8>>())),
        "labels-idx1-ubyte.gz" => gzip(&idx(&[4], &[0, 1, 1, 0])),
        "three-labels-idx1-ubyte" => idx(&[3], &[0, 1, 1]),
        "ten-labels-idx1-ubyte" => idx(&[4], &[0, 7, 1, 9]),
        "students.csv" => {
            b"gender,lunch,score,grade,group\n0,1,7,pass,group A\n1,0,3,fail,group B\n1,1,12,pass,group A\n".to_vec()
        }
        _ => return None,
    })
}

/// Gray images of 2 × 2 pixels in folders named after their classes.
fn folder() -> Vec<(String, Arc<[u8]>)> {
    [("0/a.png", 10), ("0/b.png", 20), ("1/a.png", 200)]
        .map(|(path, value)| (path.to_owned(), png(value).into()))
        .into()
}

fn png(value: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 2, 2);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&[value, 0, 255, value]).expect("pixels");
    writer.finish().expect("an end");
    bytes
}

fn floats(shape: &[usize], value: impl Fn(usize) -> f32) -> Vec<u8> {
    let bytes: Vec<u8> = (0..shape.iter().product()).flat_map(|i| value(i).to_le_bytes()).collect();
    npy("<f4", shape, &bytes)
}

fn npy(descr: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size},")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn npz(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).expect("a member");
        archive.write_all(bytes).expect("its bytes");
    }
    archive.finish().expect("an end").into_inner()
}

fn safetensors() -> Vec<u8> {
    let header = r#"{"fc.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"fc.bias":{"dtype":"F32","shape":[2],"data_offsets":[16,24]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0.5f32, -0.5, 0.25, 0.75, 0.125, 0.0].iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

fn idx(shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(data);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}
