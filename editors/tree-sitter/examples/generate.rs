//! Makes `src/` of `grammar.js`; needs `node` in the `PATH`.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    tree_sitter_generate::generate_parser_in_directory(folder, None, None, 14, None, None)?;
    Ok(())
}
