//! qnn's own requests and commands, as `docs/protocol.md` documents them: what they answer, and what is shown to clients that show it not themselves.

use super::{Backend, Later};
use crate::answering::{answer, refused, run, take, work};
use crate::owner;
use crate::protocol::{
    CreateSpecArguments, ExplainArguments, Explained, ModelArguments, ModelFile, NetworkArguments, NetworkView,
    ReportArguments, SamplePictures, SamplesArguments, TensorFile, TensorsArguments, Trace, TraceArguments, Verdicts,
};
use crate::publisher::Message;
use crate::requests as r;
use crate::snapshot::Ask;
use serde::Serialize;
use serde_json::Value;
use std::sync::PoisonError;
use tower_lsp::jsonrpc::{Error, Result};

impl Backend {
    /// What the client can do.
    fn later(&self) -> Later {
        *self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a report of a document's verdicts, and has it shown unless the client does that.
    pub(super) async fn report(&self, arguments: ReportArguments) -> Result<Option<Value>> {
        let ask = Ask::Verdicts(arguments.uri.clone());
        let snapshot = take(self.events()?, ask).await?;
        let material = run("report", snapshot, move |s| r::report::material(s, &arguments)).await?;
        let reported = work("report", move || r::report::write(&material)).await?;
        if let Some(messages) = self.messages.get().filter(|_| !self.later().shows_reports) {
            let _ = messages.send(Message::Page(reported.uri.clone()));
        }
        answered(reported)
    }

    /// `qnn/verdicts`
    pub async fn verdicts(&self) -> Result<Verdicts> {
        owner::verdicts::answer(self.events()?).await
    }

    /// `qnn/explain`
    pub async fn explain(&self, arguments: ExplainArguments) -> Result<Explained> {
        Explained::of(&arguments.code).map_err(Error::invalid_params)
    }

    /// The page on a diagnostic's code, which is shown unless the client does that.
    pub(super) fn show_explained(&self, arguments: &ExplainArguments) -> Result<Option<Value>> {
        let page = Explained::of(&arguments.code).map_err(Error::invalid_params)?;
        if let Some(messages) = self.messages.get().filter(|_| !self.later().explains) {
            let _ = messages.send(Message::Text(page.code.clone(), page.text.clone()));
        }
        answered(page)
    }

    /// `qnn/model`
    pub async fn model(&self, arguments: ModelArguments) -> Result<ModelFile> {
        work("model", move || r::files::model(&arguments)).await
    }

    /// `qnn/tensors`
    pub async fn tensors(&self, arguments: TensorsArguments) -> Result<TensorFile> {
        work("tensors", move || r::files::tensors(&arguments)).await
    }

    /// `qnn/samples`
    pub async fn samples(&self, arguments: SamplesArguments) -> Result<SamplePictures> {
        work("samples", move || r::files::samples(&arguments)).await
    }

    /// `qnn/network`
    pub async fn network(&self, arguments: NetworkArguments) -> Result<NetworkView> {
        if r::network::is_model(&arguments.uri) {
            return work("network", move || r::network::of_model(&arguments)).await;
        }
        let uri = arguments.uri.clone();
        let found = answer(self.events()?, "network", Ask::Text(uri), move |s| r::network::of_spec(s, &arguments));
        found.await?.ok_or_else(|| refused("the spec is not open"))
    }

    /// `qnn/trace`
    pub async fn trace(&self, arguments: TraceArguments) -> Result<Trace> {
        let ask = Ask::Verdicts(arguments.uri.clone());
        let found = answer(self.events()?, "trace", ask, move |s| r::trace::answer(s, &arguments));
        found.await?.ok_or_else(|| refused("the spec is not open"))
    }

    /// The layers of a network, which are shown as a text unless the client shows them itself.
    pub(super) async fn show_network(&self, arguments: NetworkArguments) -> Result<Option<Value>> {
        let view = self.network(arguments).await?;
        if let Some(messages) = self.messages.get().filter(|_| !self.later().shows_networks) {
            let _ = messages.send(Message::Text(view.name.clone(), view.text()));
        }
        answered(view)
    }

    /// Writes a first spec beside a model, and has it opened unless the client does that.
    pub(super) async fn create_spec(&self, arguments: CreateSpecArguments) -> Result<Option<Value>> {
        let created = work("createSpec", move || r::files::create(&arguments)).await?;
        if let Some(messages) = self.messages.get().filter(|_| !self.later().opens_specs) {
            let _ = messages.send(Message::Document(created.uri.clone()));
        }
        answered(created)
    }
}

/// The result of a command.
fn answered(result: impl Serialize) -> Result<Option<Value>> {
    serde_json::to_value(result).map(Some).map_err(|error| refused(error.to_string()))
}
