//! Items with their places to fill in.

use super::Completer;
use qnn_syntax::builtins::{ATTRIBUTES, Attribute};

/// The items of a file with their places to fill in: what is inserted, and what it is.
const ITEMS: [(&str, &str, &str); 20] = [
    ("use", "use \"${1:other.qnn}\";", "another spec's items"),
    ("type", "type ${1:Name} = ${2|ufixed,fixed|}<${3:8}, ${4:6}>;", "a format or a tensor by name"),
    ("enum", "enum ${1:Name} { ${2:first}, ${3:second} }", "names of an axis or of classes"),
    ("const", "const ${1:name} = $0;", "a constant"),
    (
        "dataset",
        "dataset ${1:test} {\n    ${2:image}: ${3:Pixel}[${4:28, 28}] from \"${5:images.npy}\" raw;\n    label: class<${6:10}> from \"${7:labels.npy}\";\n}",
        "samples from files",
    ),
    (
        "params",
        "params ${1:p} = \"${2:model.npz}\" {\n    *.weight: fixed<${3:8}, ${4:6}>;\n    *.bias:   fixed<${3:8}, ${4:6}>;\n}",
        "weights from a file",
    ),
    ("network", "network ${1:name}(${2:x}: ${3:Type}) -> ${4:Type} {\n    $0\n}", "what computes in bits"),
    (
        "network of any width",
        "network ${1:name}<bits>(${2:x}: ${3:Input}[${4:4}]) -> fixed<bits, bits - ${5:3}>[${6:2}] {\n    $0\n}",
        "a network whose formats have a parameter",
    ),
    (
        "network from a file",
        "network ${1:classifier}(${2:image}: ${3:Pixel}[${4:28, 28}]) -> ${5:Logit}[${6:10}] {\n    params ${7:p} = \"${8:model.npz}\" {\n        *.weight: fixed<${9:6}, ${10:5}>;\n        *.bias:   fixed<${9:6}, ${10:5}>;\n    }\n    let x = flatten(${2:image});\n    let h = relu(dense(x, ${7:p}.fc1)) as ${11:Act};\n    dense(h, ${7:p}.fc2) as ${5:Logit}\n}",
        "a network with its weights",
    ),
    (
        "network of a model",
        "network ${1:kws} = import \"${2:model.tflite}\" { kernel = ${3|tflm,xnnpack,litert_reference,ort,qonnx|} };",
        "a .tflite or .onnx file, bit for bit",
    ),
    (
        "network of floats",
        "network ${1:f}<bits> = import \"${2:float.onnx}\" {\n    weights = fixed<bits, bits - ${3:1}>,\n    activations = ufixed<bits, bits - ${4:2}>,\n    input = ${5:ufixed<8, 8>},\n};",
        "an .onnx file of floats, by formats of your own",
    ),
    ("def", "def ${1:name}(${2:x}: ${3:Type}) -> ${4|bool,real|} = $0;", "a condition or a number by name"),
    (
        "property",
        "property ${1:name} =\n    forall ${2:x in ball(${3:center}, ${4:1 lsb})}:\n        $0;",
        "what must hold",
    ),
    (
        "property family",
        "property ${1:name}(${2:i in 0..10}) =\n    forall ${3:x in ball(${4:center}, ${5:1 lsb})}:\n        $0;",
        "one verdict for each parameter",
    ),
    (
        "property robust",
        "property ${1:robust}(i in 0..${2:100}, eps in ${3:1..=2}) =\n    forall x in ball(${4:test}[i].${5:image}, eps lsb):\n        argmax(${6:classifier}(x)) == ${4:test}[i].label;",
        "robustness, by sample and radius",
    ),
    (
        "property fair",
        "property ${1:fair} =\n    forall a: ${2:Person}, b: ${2:Person}\n        where forall f in ${3:Feature}, f != ${3:Feature}.${4:gender}: a[f] == b[f]:\n        abs(${5:score}(a) - ${5:score}(b)) <= ${6:1};",
        "two inputs that differ in one field are treated alike",
    ),
    (
        "property close",
        "property ${1:close}(i in 0..${2:100}) =\n    forall x in ball(${3:test}[i].${4:image}, ${5:2} lsb):\n        maximum(abs(${6:first}(x) - ${7:second}(x))) <= ${8:0.25};",
        "two networks stay within a distance",
    ),
    (
        "find",
        "find ${1:name} =\n    ${2:x in ball(${3:center}, ${4:1 lsb})}\n    such that ${0};",
        "an input that one looks for",
    ),
    (
        "measure",
        "measure ${1:name} =\n    ${2|maximize,minimize|} ${3:objective}\n    over ${4:x}: ${5:Type};",
        "the greatest or the least value",
    ),
    (
        "measure largest",
        "measure ${1:name} =\n    largest ${2:eps} in ${3:0..=32} such that\n        $0;",
        "the largest integer for which something holds",
    ),
];

impl<'a> Completer<'a> {
    pub(super) fn items_of_file(&mut self) {
        for (label, snippet, detail) in ITEMS {
            self.snippet(label, snippet, detail, 0);
        }
        if self.word(1) != "]" {
            for Attribute { name, snippet, docs, .. } in ATTRIBUTES {
                self.snippet(&format!("#[{name}]"), &format!("#[{snippet}]"), docs, 1);
            }
        }
    }
}
