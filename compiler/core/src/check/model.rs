//! Model files: the network that a file holds, by a kernel's arithmetic, once for all that use it.

use crate::db::{BytesContent, DataFile, Db};
use crate::files::FileError;
use qnn_import::{FloatNetwork, ImportError, ImportedNetwork, ModelSummary, Options};
use std::path::Path;
use std::sync::Arc;

/// Why a model file is no network.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelError {
    /// The file can't be read.
    File(FileError),
    /// Its contents can't be imported.
    Import(ImportError),
}

/// The network of a model file.
#[salsa::tracked]
pub fn model(db: &dyn Db, file: DataFile, options: Options) -> Result<Arc<ImportedNetwork>, ModelError> {
    qnn_import::import(bytes(db, file)?, &options).map(Arc::new).map_err(ModelError::Import)
}

/// The network of floats of a model file, up to a tensor or to its outputs.
#[salsa::tracked]
pub fn float_model(db: &dyn Db, file: DataFile, until: Option<Arc<str>>) -> Result<Arc<FloatNetwork>, ModelError> {
    qnn_import::float_network(bytes(db, file)?, until.as_deref()).map(Arc::new).map_err(ModelError::Import)
}

/// What a model file holds, whatever runs it.
#[salsa::tracked]
pub fn model_summary(db: &dyn Db, file: DataFile) -> Result<Arc<ModelSummary>, ModelError> {
    let bytes = bytes(db, file)?;
    qnn_import::summary(bytes, extension(file.path(db))).map(Arc::new).map_err(ModelError::Import)
}

/// What follows the last dot of a path's name.
pub fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or("")
}

fn bytes(db: &dyn Db, file: DataFile) -> Result<&[u8], ModelError> {
    match &file.bytes(db).content {
        BytesContent::File(bytes) => Ok(bytes),
        BytesContent::Folder(_) => Err(ModelError::File(FileError::new("is a folder, not a model"))),
        BytesContent::Problem(problem) => Err(ModelError::File(problem.clone())),
    }
}
