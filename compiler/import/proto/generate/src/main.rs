//! Writes `src/onnx/proto.rs` from `proto/onnx.proto`: `cargo run` in this folder, then `cargo fmt --all` in the repository.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("a folder above")?.to_owned();
    let out = std::env::temp_dir().join(format!("generate-onnx-{}", std::process::id()));
    std::fs::create_dir_all(&out)?;
    let files = protox::compile([folder.join("onnx.proto")], [&folder])?;
    prost_build::Config::new().bytes(["."]).out_dir(&out).compile_fds(files)?;
    let header = "//! The messages of an ONNX file, generated from `proto/onnx.proto` by `proto/generate`.\n\n";
    let code = std::fs::read_to_string(out.join("onnx.rs"))?;
    std::fs::write(folder.parent().ok_or("a folder above")?.join("src/onnx/proto.rs"), format!("{header}{code}"))?;
    std::fs::remove_dir_all(&out)?;
    Ok(())
}
