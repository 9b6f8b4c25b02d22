//! The published benchmark as a spec, and where data lies that is not part of the repository.

#![allow(dead_code, reason = "no test uses all of it")]

use std::path::{Path, PathBuf};

/// A part of the data beside the repository, in the folder that `QNN_SHARED` names or in `../shared`.
pub fn shared(part: &str) -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("QNN_SHARED").map_or(beside, PathBuf::from).join(part);
    folder.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
}

/// The published benchmark: a network of 784-64-32 at 6 bits.
pub fn benchmark_spec(folder: &Path, data: &Path, bench: &Path) -> PathBuf {
    let text = format!(
        r#"
type Pixel = ufixed<8, 8>;
dataset test {{
    image: Pixel[28, 28] from "{data}/t10k-images-idx3-ubyte.gz" raw;
    label: class<10> from "{data}/t10k-labels-idx1-ubyte.gz";
}}
network classifier(image: Pixel[28, 28]) -> fixed<6, 4>[32] {{
    params mnist = "{bench}/mnist_mlp.npz" {{
        *.weight: fixed<6, 5, round = half_away>;
        *.bias: fixed<6, 4, round = half_away>;
    }}
    let h = relu(dense(flatten(image), mnist.fc1)) as ufixed<6, 4>;
    dense(h, mnist.fc2) as fixed<6, 4>
}}
property robust(i in 0..400, eps in 1..=4)
    where i in 100 * (eps - 1)..100 * eps and argmax(classifier(test[i].image)) == test[i].label =
    forall x in ball(test[i].image, eps lsb): argmax(classifier(x)) == test[i].label;
"#,
        data = data.display(),
        bench = bench.display(),
    );
    let path = folder.join("aaai21.qnn");
    std::fs::write(&path, text).expect("the spec");
    path
}
