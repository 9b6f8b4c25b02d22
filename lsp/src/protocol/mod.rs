//! What goes over the wire beside standard LSP: one notification, the arguments and results of commands and requests.
//!
//! In: results of the compiler. Out: values that serialise as `docs/protocol.md` documents them. The extension's types
//! (`editors/vscode/src/protocol.generated.ts`) are made from the types here by a test.

mod commands;
mod counterexample;
mod files;
mod measure;
mod mood;
mod network;
mod progress;
#[cfg(test)]
mod range;
mod state;
mod status;
mod trace;

pub use commands::{
    Cancelled, Cleared, EXPLAIN, ExplainArguments, Explained, ReportArguments, Reported, ShowArguments, Shown, Started,
    StatusArguments, VERDICTS, Verdicts, VerifyArguments,
};
pub use counterexample::CounterexampleStatus;
pub use files::{
    CreateSpecArguments, CreatedSpec, FileProblem, MODEL, ModelArguments, ModelFile, SAMPLES, SampleFile,
    SamplePicture, SamplePictures, SamplesArguments, TENSORS, TensorFile, TensorsArguments,
};
pub use measure::{MeasureStatus, between};
pub use mood::Mood;
pub use network::{LayerRole, LayerView, NETWORK, NetworkArguments, NetworkView, PlaceInText, ReachView};
pub use progress::Progress;
pub use state::{Counts, State};
pub use status::{
    InstanceStatus, MOST_COUNTEREXAMPLES, MOST_NUMBERS, PropertyStatus, Status, TrustStatus, VERSION,
    VerificationStatus,
};
pub use trace::{TRACE, Trace, TraceArguments};
