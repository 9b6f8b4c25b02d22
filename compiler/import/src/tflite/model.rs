//! The model of a file: its tensors and operators, checked so far that indices are valid and sizes are what the file holds.
//!
//! In: the bytes of a file. Out: a [`Model`] that borrows the weights from them. Invariant: every tensor index of an operator is one of a tensor;
//! every operator comes after those that it reads; the data of a constant have the length that its shape and type say. Nothing is allocated by a
//! size that the file merely states. As lenient as the runtimes: whatever no operator looks at is not looked at here.

use super::operators;
use super::schema_generated::tflite as schema;
use crate::{ImportError, Storage};
use qnn_ir::rational::from_f64;
use std::sync::Arc;

/// The most numbers of a tensor.
pub(super) const MAX_ELEMENTS: usize = 1 << 24;

/// The most operators of a model.
const MAX_OPERATORS: usize = 10_000;

/// The element types that an import knows, and the others by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Float32,
    Int32,
    Uint8,
    Int64,
    Bool,
    Int16,
    Int8,
    Int4,
    Other(i8),
}

impl Element {
    fn new(code: i8) -> Element {
        match code {
            0 => Element::Float32,
            2 => Element::Int32,
            3 => Element::Uint8,
            4 => Element::Int64,
            6 => Element::Bool,
            7 => Element::Int16,
            9 => Element::Int8,
            17 => Element::Int4,
            other => Element::Other(other),
        }
    }

    /// The name in the vocabulary of TensorFlow.
    pub(super) fn name(self) -> &'static str {
        const OTHERS: [&str; 23] = [
            "float32",
            "float16",
            "int32",
            "uint8",
            "int64",
            "string",
            "bool",
            "int16",
            "complex64",
            "int8",
            "float64",
            "complex128",
            "uint64",
            "resource",
            "variant",
            "uint32",
            "uint16",
            "int4",
            "bfloat16",
            "int2",
            "uint4",
            "float8_e4m3fn",
            "float8_e5m2",
        ];
        match self {
            Element::Float32 => "float32",
            Element::Int32 => "int32",
            Element::Uint8 => "uint8",
            Element::Int64 => "int64",
            Element::Bool => "bool",
            Element::Int16 => "int16",
            Element::Int8 => "int8",
            Element::Int4 => "int4",
            Element::Other(code) => {
                usize::try_from(code).ok().and_then(|code| OTHERS.get(code).copied()).unwrap_or("of an unknown type")
            }
        }
    }

    /// Bytes of `elements` of them.
    fn bytes(self, elements: usize) -> Option<usize> {
        match self {
            Element::Float32 | Element::Int32 => elements.checked_mul(4),
            Element::Int64 => elements.checked_mul(8),
            Element::Int16 => elements.checked_mul(2),
            Element::Uint8 | Element::Bool | Element::Int8 => Some(elements),
            Element::Int4 => Some(elements.div_ceil(2)),
            Element::Other(_) => None,
        }
    }
}

/// value = (stored − zero) · scale; one of each, or one for each index of axis `dimension`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Quantization {
    pub(super) scale: Vec<f32>,
    pub(super) zero: Vec<i64>,
    pub(super) dimension: i32,
}

/// A tensor of the model.
#[derive(Clone, Debug)]
pub(super) struct Tensor<'a> {
    pub(super) name: Arc<str>,
    pub(super) element: Element,
    /// As the file has it, the batch axis included.
    pub(super) shape: Vec<usize>,
    /// The axes whose size the file leaves open.
    pub(super) open: Vec<bool>,
    /// Whether it keeps a state between two runs.
    pub(super) is_variable: bool,
    /// Whether its data are stored in a format for sparse tensors.
    pub(super) is_sparse: bool,
    /// The data of a constant.
    pub(super) data: Option<&'a [u8]>,
    pub(super) quantization: Quantization,
}

impl Tensor<'_> {
    /// How many numbers it has.
    pub(super) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Scale and zero point of a tensor that has one of each.
    ///
    /// # Errors
    /// Where it has none, several, or a scale that is no positive number.
    pub(super) fn quantized(&self) -> Result<(f32, i64), ImportError> {
        let error = |what: &str| Err(ImportError::new(format!("tensor {:?} {what}", &*self.name)));
        let zero = match self.quantization.zero[..] {
            [] => 0,
            [zero] => zero,
            _ => return error("has several zero points"),
        };
        match self.quantization.scale[..] {
            [] => error("is not quantized"),
            [scale] if scale.is_normal() && scale > 0.0 => Ok((scale, zero)),
            [_] => error("has a scale that is no positive number of full precision"),
            _ => error("has several scales"),
        }
    }

    /// How its integers are stored; `None` where it is not quantized, or not by one scale.
    pub(super) fn storage(&self) -> Option<Storage> {
        let (width, signed) = match self.element {
            Element::Int8 => (8, true),
            Element::Uint8 => (8, false),
            Element::Int16 => (16, true),
            Element::Int4 => (4, true),
            Element::Int32 => (32, true),
            _ => return None,
        };
        let (scale, zero) = self.quantized().ok()?;
        Some(Storage { width, signed, scale: from_f64(f64::from(scale))?, zero, symmetric: false })
    }
}

/// An operator of the model.
#[derive(Clone, Debug)]
pub(super) struct Operator<'a> {
    /// Its number in the schema.
    pub(super) code: i32,
    /// Tensors; `None` where an optional one is not given.
    pub(super) inputs: Vec<Option<usize>>,
    pub(super) outputs: Vec<usize>,
    /// What the file says beside it: strides, paddings.
    pub(super) options: schema::Operator<'a>,
}

impl Operator<'_> {
    /// Its name in the schema.
    pub(super) fn name(&self) -> &'static str {
        operators::name(self.code)
    }
}

/// A checked model.
#[derive(Debug)]
pub(super) struct Model<'a> {
    pub(super) tensors: Vec<Tensor<'a>>,
    pub(super) operators: Vec<Operator<'a>>,
    pub(super) inputs: Vec<usize>,
    pub(super) outputs: Vec<usize>,
}

/// Reads a file.
///
/// # Errors
/// What is no TFLite file, is cut off, or contradicts itself.
pub(super) fn read(bytes: &[u8]) -> Result<Model<'_>, ImportError> {
    if bytes.get(4..8) != Some(b"TFL3".as_slice()) {
        return Err(ImportError::new("this is no TFLite file: the identifier \"TFL3\" is missing at byte 4")
            .help("convert the model with TensorFlow Lite's converter of 2017 or later"));
    }
    let model = flatbuffers::root::<schema::Model>(bytes)
        .map_err(|error| ImportError::new(format!("the file is damaged: {}", first_line(&error.to_string()))))?;
    let graphs = model.subgraphs().ok_or_else(|| ImportError::new("the file has no graph"))?;
    if graphs.is_empty() {
        return Err(ImportError::new("the file has no graph"));
    }
    let graph = graphs.get(0);
    let tensors: Vec<Tensor<'_>> = match graph.tensors() {
        Some(tensors) => tensors.iter().map(|t| tensor(bytes, &model, t)).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let operators = operators(&model, &graph, tensors.len())?;
    let list = |indices: Option<flatbuffers::Vector<'_, i32>>, what: &str| -> Result<Vec<usize>, ImportError> {
        let indices = indices.map(|v| v.iter().collect::<Vec<_>>()).unwrap_or_default();
        indices
            .into_iter()
            .map(|i| {
                index(i, tensors.len()).ok_or_else(|| ImportError::new(format!("the graph's {what} {i} is no tensor")))
            })
            .collect()
    };
    let (inputs, outputs) = (list(graph.inputs(), "input")?, list(graph.outputs(), "output")?);
    Ok(Model { tensors, operators, inputs, outputs })
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.trim_end_matches(['.', ':']).chars().take(200).collect()
}

fn index(i: i32, count: usize) -> Option<usize> {
    usize::try_from(i).ok().filter(|i| *i < count)
}

fn operators<'a>(
    model: &schema::Model<'a>,
    graph: &schema::SubGraph<'a>,
    tensors: usize,
) -> Result<Vec<Operator<'a>>, ImportError> {
    let Some(operators) = graph.operators() else { return Ok(Vec::new()) };
    if operators.len() > MAX_OPERATORS {
        return Err(ImportError::new(format!("the network is too large: more than {MAX_OPERATORS} operators")));
    }
    let mut result = Vec::new();
    for (at, operator) in operators.iter().enumerate() {
        let damaged = |what: &str| ImportError::new(what.to_string()).of(|| format!("operator {at}"));
        let codes = model.operator_codes().ok_or_else(|| damaged("the file lists no operator codes"))?;
        let code = usize::try_from(operator.opcode_index()).ok().filter(|i| *i < codes.len());
        let code = codes.get(code.ok_or_else(|| damaged("its code is not in the file's list"))?);
        // Files before 2020 have the code in a field of one byte only.
        let code = code.builtin_code().max(i32::from(code.deprecated_builtin_code()));
        let inputs = operator.inputs().map(|v| v.iter().collect::<Vec<_>>()).unwrap_or_default();
        let inputs = inputs.into_iter().map(|i| match i {
            -1 => Ok(None),
            i => index(i, tensors).map(Some).ok_or_else(|| damaged("an input is no tensor")),
        });
        let outputs = operator.outputs().map(|v| v.iter().collect::<Vec<_>>()).unwrap_or_default();
        let outputs = outputs.into_iter().map(|i| index(i, tensors).ok_or_else(|| damaged("an output is no tensor")));
        result.push(Operator {
            code,
            inputs: inputs.collect::<Result<_, _>>()?,
            outputs: outputs.collect::<Result<_, _>>()?,
            options: operator,
        });
    }
    Ok(result)
}

fn tensor<'a>(
    bytes: &'a [u8],
    model: &schema::Model<'a>,
    tensor: schema::Tensor<'a>,
) -> Result<Tensor<'a>, ImportError> {
    let name: Arc<str> = tensor.name().unwrap_or_default().into();
    let damaged = |what: &str| ImportError::new(format!("tensor {:?} {what}", &*name));
    let mut shape = Vec::new();
    let mut elements = 1usize;
    for size in tensor.shape().iter().flatten() {
        let size = usize::try_from(size).map_err(|_| damaged("has an axis of a negative size"))?;
        elements = elements
            .checked_mul(size)
            .filter(|e| *e <= MAX_ELEMENTS)
            .ok_or_else(|| damaged(&format!("is too large: more than {MAX_ELEMENTS} numbers")))?;
        shape.push(size);
    }
    let signature: Vec<i32> = tensor.shape_signature().iter().flatten().collect();
    let open = (0..shape.len()).map(|axis| signature.len() == shape.len() && signature[axis] < 0).collect();
    let element = Element::new(tensor.type_());
    let data = data(bytes, model, &tensor).map_err(damaged)?;
    let is_sparse = tensor.sparsity().is_some();
    if let Some(data) = data
        && !is_sparse
        && element.bytes(elements).is_some_and(|expected| expected != data.len())
    {
        return Err(damaged("has more or fewer bytes than its shape and type say"));
    }
    let quantization = tensor.quantization().map(|q| Quantization {
        scale: q.scale().map(|v| v.iter().collect()).unwrap_or_default(),
        zero: q.zero_point().map(|v| v.iter().collect()).unwrap_or_default(),
        dimension: q.quantized_dimension(),
    });
    let quantization = quantization.unwrap_or_default();
    let is_variable = tensor.is_variable();
    Ok(Tensor { name, element, shape, open, is_variable, is_sparse, data, quantization })
}

/// The bytes of a constant: in a buffer, or (files of more than 2 GB) somewhere behind the tables. A tensor that is computed has none.
fn data<'a>(
    bytes: &'a [u8],
    model: &schema::Model<'a>,
    tensor: &schema::Tensor<'a>,
) -> Result<Option<&'a [u8]>, &'static str> {
    if tensor.external_buffer() != 0 {
        return Err("has its data in another file");
    }
    let at = tensor.buffer() as usize;
    let Some(buffers) = model.buffers().filter(|b| at < b.len()) else {
        return if at == 0 { Ok(None) } else { Err("has data that the file lacks") };
    };
    let buffer = buffers.get(at);
    if buffer.offset() > 1 {
        let begin = usize::try_from(buffer.offset()).ok();
        let size = usize::try_from(buffer.size()).ok();
        let range = begin.zip(size).and_then(|(begin, size)| Some(begin..begin.checked_add(size)?));
        return range.and_then(|range| bytes.get(range)).map(Some).ok_or("has data beyond the end of the file");
    }
    Ok(buffer.data().map(|data| data.bytes()).filter(|data| !data.is_empty()))
}
