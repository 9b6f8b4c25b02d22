//! A writer of ONNX files: what protobuf makes of a graph of floats with one input and one output.

/// An attribute of an operator.
pub enum Attribute {
    Float(f32),
    Integer(i64),
    Integers(Vec<i64>),
}

/// A graph under construction.
#[derive(Default)]
pub struct Graph {
    nodes: Vec<Vec<u8>>,
    initializers: Vec<Vec<u8>>,
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(field: u64, value: i64, out: &mut Vec<u8>) {
    varint(field << 3, out);
    varint(value as u64, out);
}

fn bytes(field: u64, value: &[u8], out: &mut Vec<u8>) {
    varint(field << 3 | 2, out);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

impl Graph {
    /// Appends an operator.
    pub fn node(&mut self, operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, Attribute)]) {
        let mut node = Vec::new();
        inputs.iter().for_each(|input| bytes(1, input.as_bytes(), &mut node));
        bytes(2, output.as_bytes(), &mut node);
        bytes(4, operator.as_bytes(), &mut node);
        for (name, value) in attributes {
            let mut attribute = Vec::new();
            bytes(1, name.as_bytes(), &mut attribute);
            match value {
                Attribute::Float(value) => {
                    varint(2 << 3 | 5, &mut attribute);
                    attribute.extend_from_slice(&value.to_le_bytes());
                    number(20, 1, &mut attribute);
                }
                Attribute::Integer(value) => {
                    number(3, *value, &mut attribute);
                    number(20, 2, &mut attribute);
                }
                Attribute::Integers(values) => {
                    values.iter().for_each(|value| number(8, *value, &mut attribute));
                    number(20, 7, &mut attribute);
                }
            }
            bytes(5, &attribute, &mut node);
        }
        self.nodes.push(node);
    }

    /// Appends a known tensor of floats.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, shape, 1, &raw);
    }

    /// Appends a known list of integers.
    pub fn integers(&mut self, name: &str, values: &[i64]) {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, &[values.len()], 7, &raw);
    }

    fn initializer(&mut self, name: &str, shape: &[usize], kind: i64, raw: &[u8]) {
        let mut tensor = Vec::new();
        shape.iter().for_each(|size| number(1, *size as i64, &mut tensor));
        number(2, kind, &mut tensor);
        bytes(8, name.as_bytes(), &mut tensor);
        bytes(9, raw, &mut tensor);
        self.initializers.push(tensor);
    }

    /// The file.
    pub fn file(&self, input: (&str, &[usize]), output: (&str, &[usize])) -> Vec<u8> {
        let port = |(name, shape): (&str, &[usize])| {
            let (mut axes, mut tensor, mut kind, mut port) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for size in shape {
                let mut axis = Vec::new();
                number(1, *size as i64, &mut axis);
                bytes(1, &axis, &mut axes);
            }
            number(1, 1, &mut tensor);
            bytes(2, &axes, &mut tensor);
            bytes(1, &tensor, &mut kind);
            bytes(1, name.as_bytes(), &mut port);
            bytes(2, &kind, &mut port);
            port
        };
        let (mut graph, mut opset, mut model) = (Vec::new(), Vec::new(), Vec::new());
        self.nodes.iter().for_each(|node| bytes(1, node, &mut graph));
        bytes(2, b"graph", &mut graph);
        self.initializers.iter().for_each(|tensor| bytes(5, tensor, &mut graph));
        bytes(11, &port(input), &mut graph);
        bytes(12, &port(output), &mut graph);
        number(2, 13, &mut opset);
        number(1, 8, &mut model);
        bytes(7, &graph, &mut model);
        bytes(8, &opset, &mut model);
        model
    }
}
