//! What LSP calls: each notification becomes an event for the owner, each request a snapshot and a function of [`crate::requests`].
//!
//! Invariants: a notification's handler sends its event before its first await; no handler awaits the client.

mod own;

use crate::Config;
use crate::answering::{answer, leaving, refused, run, take};
use crate::commands::{self, Request};
use crate::convert::{Encoding, path_of};
use crate::event::Event;
use crate::owner::{self, Setup};
use crate::publisher::{Abilities, Message, publish, run_of};
use crate::requests as r;
use crate::settings::Settings;
use crate::snapshot::Ask;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::*;
use tower_lsp::{Client, LanguageServer};

/// The server as tower-lsp sees it.
pub struct Backend {
    client: Client,
    config: Config,
    events: OnceLock<Sender<Event>>,
    messages: OnceLock<UnboundedSender<Message>>,
    /// What the client can do, of what matters after its initialization.
    later: Mutex<Later>,
}

/// Whether the client can be asked for settings, lets files and settings be watched, and shows reports.
#[derive(Clone, Copy, Default)]
struct Later {
    configuration: bool,
    watch: bool,
    changes: bool,
    /// The client shows reports itself.
    shows_reports: bool,
    /// The client shows the pages on codes itself.
    explains: bool,
    /// The client shows networks itself.
    shows_networks: bool,
    /// The client opens the specs that are written for it.
    opens_specs: bool,
}

impl Backend {
    /// A server that has not been initialized.
    pub fn new(client: Client, config: Config) -> Backend {
        Backend { client, config, events: OnceLock::new(), messages: OnceLock::new(), later: Mutex::default() }
    }

    fn events(&self) -> Result<&Sender<Event>> {
        self.events.get().ok_or_else(leaving)
    }

    /// Sends an event to the owner. Without an owner the connection is at its end, and the event is dropped.
    fn send(&self, event: Event) {
        if let Some(events) = self.events.get() {
            let _ = events.send(event);
        }
    }

    /// `window/workDoneProgress/cancel`
    pub async fn cancel_progress(&self, params: WorkDoneProgressCancelParams) {
        if let Some(run) = run_of(&params.token) {
            self.send(Event::CancelRun(run));
        }
    }
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(match encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
            ..TextDocumentSyncOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some([".", "\"", "/", "#", "(", "<", ":", " "].map(str::to_owned).to_vec()),
            ..CompletionOptions::default()
        }),
        signature_help_provider: Some(SignatureHelpOptions {
            trigger_characters: Some(vec!["(".to_owned(), ",".to_owned(), "<".to_owned()]),
            retrigger_characters: Some(vec![")".to_owned(), ">".to_owned()]),
            ..SignatureHelpOptions::default()
        }),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        workspace_symbol_provider: Some(OneOf::Left(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![
                CodeActionKind::QUICKFIX,
                CodeActionKind::REFACTOR,
                CodeActionKind::SOURCE_FIX_ALL,
            ]),
            ..CodeActionOptions::default()
        })),
        code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(false) }),
        document_formatting_provider: Some(OneOf::Left(true)),
        document_range_formatting_provider: Some(OneOf::Left(true)),
        document_on_type_formatting_provider: Some(DocumentOnTypeFormattingOptions {
            first_trigger_character: ";".to_owned(),
            more_trigger_character: Some(vec!["}".to_owned()]),
        }),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        document_link_provider: Some(DocumentLinkOptions {
            resolve_provider: Some(false),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        }),
        folding_range_provider: Some(FoldingRangeProviderCapability::Simple(true)),
        selection_range_provider: Some(SelectionRangeProviderCapability::Simple(true)),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: commands::NAMES.map(str::to_owned).to_vec(),
            ..ExecuteCommandOptions::default()
        }),
        semantic_tokens_provider: Some(SemanticTokensServerCapabilities::SemanticTokensOptions(
            SemanticTokensOptions {
                legend: r::semantic_tokens::legend(),
                range: Some(true),
                full: Some(SemanticTokensFullOptions::Bool(true)),
                ..SemanticTokensOptions::default()
            },
        )),
        inlay_hint_provider: Some(OneOf::Left(true)),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            file_operations: None,
        }),
        ..ServerCapabilities::default()
    }
}

/// The folders of a workspace.
#[allow(deprecated, reason = "clients of before LSP 3.6 give a root only")]
fn folders(params: &InitializeParams, here: &Path) -> Vec<PathBuf> {
    let mut all: Vec<&Url> = params.workspace_folders.iter().flatten().map(|folder| &folder.uri).collect();
    if all.is_empty() {
        all.extend(&params.root_uri);
    }
    all.into_iter().map(|uri| path_of(uri, here)).collect()
}

/// Files that specs name. Some clients understand no braces within braces.
const WATCHED: [&str; 2] = ["**/*.{qnn,npz,npy,csv,gz,safetensors,png,onnx,tflite}", "**/*-ubyte"];

/// A JSON boolean of the initialization options.
fn flag(options: Option<&Value>, name: &str) -> bool {
    options.and_then(|o| o.get(name)).and_then(Value::as_bool).unwrap_or(false)
}

#[tower_lsp::async_trait]
impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let general = params.capabilities.general.as_ref();
        let offered = general.and_then(|g| g.position_encodings.as_ref());
        let utf8 = offered.is_some_and(|all| all.contains(&PositionEncodingKind::UTF8));
        let encoding = if utf8 { Encoding::Utf8 } else { Encoding::Utf16 };
        let options = params.initialization_options.as_ref();
        let (settings, problems) = options.map(Settings::read).unwrap_or_default();
        let window = params.capabilities.window.as_ref();
        let workspace = params.capabilities.workspace.as_ref();
        let text = params.capabilities.text_document.as_ref();
        let watch = workspace.and_then(|w| w.did_change_watched_files).and_then(|w| w.dynamic_registration);
        let changes = workspace.and_then(|w| w.did_change_configuration).and_then(|w| w.dynamic_registration);
        let abilities = Abilities {
            progress: window.and_then(|w| w.work_done_progress).unwrap_or(false),
            lens_refresh: workspace.and_then(|w| w.code_lens.as_ref()).and_then(|c| c.refresh_support).unwrap_or(false),
            hint_refresh: workspace
                .and_then(|w| w.inlay_hint.as_ref())
                .and_then(|c| c.refresh_support)
                .unwrap_or(false),
            show_document: window.and_then(|w| w.show_document.as_ref()).is_some_and(|s| s.support),
        };
        let snippets = text
            .and_then(|t| t.completion.as_ref())
            .and_then(|c| c.completion_item.as_ref())
            .and_then(|i| i.snippet_support);
        *self.later.lock().unwrap_or_else(PoisonError::into_inner) = Later {
            configuration: workspace.and_then(|w| w.configuration).unwrap_or(false),
            watch: watch.unwrap_or(false),
            changes: changes.unwrap_or(false),
            shows_reports: flag(options, "clientShowsReports"),
            explains: flag(options, "clientExplains"),
            shows_networks: flag(options, "clientShowsNetworks"),
            opens_specs: flag(options, "clientOpensSpecs"),
        };
        let here = std::env::current_dir().unwrap_or_default();
        let folders = folders(&params, &here);
        let setup = Setup {
            encoding,
            folder: folders.first().cloned().unwrap_or(here),
            folders,
            settings,
            shows_counterexamples: flag(options, "clientShowsCounterexamples"),
            images: flag(options, "markdownImages"),
            explains: flag(options, "clientExplains"),
            snippets: snippets.unwrap_or(false),
            links: text.and_then(|t| t.definition).and_then(|d| d.link_support).unwrap_or(false),
            hints: text.is_some_and(|t| t.inlay_hint.is_some()),
            portfolio: self.config.portfolio.clone(),
            store: self.config.store.clone(),
        };
        let (messages, receiver) = unbounded_channel();
        let events = owner::start(setup, messages.clone()).map_err(|error| {
            tracing::error!(%error, "the owner's thread can't be started");
            Error::internal_error()
        })?;
        if self.events.set(events).is_err() {
            return Err(Error::invalid_request());
        }
        problems.into_iter().for_each(|problem| _ = messages.send(Message::Show(MessageType::WARNING, problem)));
        let _ = self.messages.set(messages);
        tokio::spawn(publish(self.client.clone(), abilities, receiver));
        let client = params.client_info.map_or_else(|| "a client".to_owned(), |c| c.name);
        tracing::info!(%client, ?encoding, "initialized");
        let server_info =
            ServerInfo { name: "qnn-lsp".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) };
        Ok(InitializeResult { capabilities: capabilities(encoding), server_info: Some(server_info) })
    }

    async fn initialized(&self, _: InitializedParams) {
        let later = *self.later.lock().unwrap_or_else(PoisonError::into_inner);
        let mut registrations = Vec::new();
        if later.watch {
            let watcher =
                |glob: &str| FileSystemWatcher { glob_pattern: GlobPattern::String(glob.to_owned()), kind: None };
            let options = DidChangeWatchedFilesRegistrationOptions { watchers: WATCHED.map(watcher).to_vec() };
            registrations.push(Registration {
                id: "qnn/watch".to_owned(),
                method: "workspace/didChangeWatchedFiles".to_owned(),
                register_options: serde_json::to_value(options).ok(),
            });
        }
        if later.changes {
            registrations.push(Registration {
                id: "qnn/settings".to_owned(),
                method: "workspace/didChangeConfiguration".to_owned(),
                register_options: Some(serde_json::json!({ "section": "qnn" })),
            });
        }
        if !registrations.is_empty()
            && let Some(messages) = self.messages.get()
        {
            let _ = messages.send(Message::Register(registrations));
        }
        if later.configuration {
            self.pull_configuration();
        }
    }

    async fn shutdown(&self) -> Result<()> {
        let (reply, done) = oneshot::channel();
        self.send(Event::Shutdown(reply));
        let _ = done.await;
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        self.send(Event::Open(document.uri, document.version, document.text));
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let document = params.text_document;
        self.send(Event::Change(document.uri, document.version, params.content_changes));
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        self.send(Event::Save(params.text_document.uri));
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.send(Event::Close(params.text_document.uri));
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        self.send(Event::Watched(params.changes.into_iter().map(|change| change.uri).collect()));
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let uris = |folders: Vec<WorkspaceFolder>| folders.into_iter().map(|folder| folder.uri).collect();
        self.send(Event::Folders(uris(params.event.added), uris(params.event.removed)));
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        let later = *self.later.lock().unwrap_or_else(PoisonError::into_inner);
        if later.configuration {
            self.pull_configuration();
        } else {
            self.send(Event::Configure(params.settings));
        }
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let uri = params.text_document_position_params.text_document.uri.clone();
        answer(self.events()?, "hover", Ask::Verdicts(uri), move |s| r::hover::answer(s, &params)).await
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let uri = params.text_document_position.text_document.uri.clone();
        answer(self.events()?, "completion", Ask::Text(uri), move |s| r::completion::answer(s, &params)).await
    }

    async fn signature_help(&self, params: SignatureHelpParams) -> Result<Option<SignatureHelp>> {
        let uri = params.text_document_position_params.text_document.uri.clone();
        answer(self.events()?, "signatureHelp", Ask::Text(uri), move |s| r::signature_help::answer(s, &params)).await
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        let uri = params.text_document_position_params.text_document.uri.clone();
        answer(self.events()?, "definition", Ask::Text(uri), move |s| r::definition::answer(s, &params)).await
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        let uri = params.text_document_position.text_document.uri.clone();
        answer(self.events()?, "references", Ask::Text(uri), move |s| r::references::answer(s, &params)).await
    }

    async fn document_highlight(&self, params: DocumentHighlightParams) -> Result<Option<Vec<DocumentHighlight>>> {
        let uri = params.text_document_position_params.text_document.uri.clone();
        answer(self.events()?, "documentHighlight", Ask::Text(uri), move |s| r::highlight::answer(s, &params)).await
    }

    async fn prepare_rename(&self, params: TextDocumentPositionParams) -> Result<Option<PrepareRenameResponse>> {
        let uri = params.text_document.uri.clone();
        answer(self.events()?, "prepareRename", Ask::Text(uri), move |s| r::rename::prepare(s, &params)).await
    }

    async fn rename(&self, params: RenameParams) -> Result<Option<WorkspaceEdit>> {
        let uri = params.text_document_position.text_document.uri.clone();
        answer(self.events()?, "rename", Ask::Text(uri), move |s| r::rename::answer(s, &params)).await
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        answer(self.events()?, "documentSymbol", Ask::Text(params.text_document.uri), r::document_symbols::answer).await
    }

    async fn symbol(&self, params: WorkspaceSymbolParams) -> Result<Option<Vec<SymbolInformation>>> {
        let snapshot = take(self.events()?, Ask::Workspace).await?;
        run("workspaceSymbol", snapshot, move |s| r::workspace_symbols::answer(s, &params)).await
    }

    async fn semantic_tokens_full(&self, params: SemanticTokensParams) -> Result<Option<SemanticTokensResult>> {
        let found = answer(self.events()?, "semanticTokens", Ask::Text(params.text_document.uri), |s| {
            r::semantic_tokens::answer(s, None)
        });
        Ok(found.await?.map(SemanticTokensResult::Tokens))
    }

    async fn semantic_tokens_range(
        &self,
        params: SemanticTokensRangeParams,
    ) -> Result<Option<SemanticTokensRangeResult>> {
        let found = answer(self.events()?, "semanticTokensRange", Ask::Text(params.text_document.uri), move |s| {
            r::semantic_tokens::answer(s, Some(params.range))
        });
        Ok(found.await?.map(SemanticTokensRangeResult::Tokens))
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
        answer(self.events()?, "foldingRange", Ask::Text(params.text_document.uri), r::folding::answer).await
    }

    async fn selection_range(&self, params: SelectionRangeParams) -> Result<Option<Vec<SelectionRange>>> {
        let uri = params.text_document.uri.clone();
        answer(self.events()?, "selectionRange", Ask::Text(uri), move |s| r::selection::answer(s, &params)).await
    }

    async fn document_link(&self, params: DocumentLinkParams) -> Result<Option<Vec<DocumentLink>>> {
        answer(self.events()?, "documentLink", Ask::Text(params.text_document.uri), r::document_links::answer).await
    }

    async fn formatting(&self, params: DocumentFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        answer(self.events()?, "formatting", Ask::Text(params.text_document.uri), |s| {
            r::formatting::answer(s, &r::formatting::What::All)
        })
        .await
    }

    async fn range_formatting(&self, params: DocumentRangeFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        let what = r::formatting::What::Range(params.range);
        answer(self.events()?, "rangeFormatting", Ask::Text(params.text_document.uri), move |s| {
            r::formatting::answer(s, &what)
        })
        .await
    }

    async fn on_type_formatting(&self, params: DocumentOnTypeFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        let what = r::formatting::What::ItemBefore(params.text_document_position.position);
        let uri = params.text_document_position.text_document.uri;
        answer(self.events()?, "onTypeFormatting", Ask::Text(uri), move |s| r::formatting::answer(s, &what)).await
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        let uri = params.text_document.uri.clone();
        answer(self.events()?, "inlayHint", Ask::Verdicts(uri), move |s| r::inlay_hints::answer(s, &params)).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        answer(self.events()?, "codeLens", Ask::Verdicts(params.text_document.uri), r::code_lens::answer).await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let uri = params.text_document.uri.clone();
        answer(self.events()?, "codeAction", Ask::Verdicts(uri), move |s| r::code_actions::answer(s, &params)).await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<Value>> {
        let command = match Request::read(&params.command, params.arguments).map_err(Error::invalid_params)? {
            Request::Owner(command) => command,
            Request::Report(arguments) => return self.report(arguments).await,
            Request::Explain(arguments) => return self.show_explained(&arguments),
            Request::Network(arguments) => return self.show_network(arguments).await,
            Request::CreateSpec(arguments) => return self.create_spec(arguments).await,
        };
        let (reply, result) = oneshot::channel();
        self.events()?.send(Event::Command(command, reply)).map_err(|_| leaving())?;
        result.await.map_err(|_| leaving())?.map(Some).map_err(refused)
    }
}

impl Backend {
    /// Has the client asked for its settings.
    fn pull_configuration(&self) {
        let (Some(messages), Some(events)) = (self.messages.get(), self.events.get().cloned()) else { return };
        let (reply, answer) = oneshot::channel();
        let _ = messages.send(Message::Settings(reply));
        tokio::spawn(async move {
            if let Ok(settings) = answer.await {
                let _ = events.send(Event::Configure(settings));
            }
        });
    }
}
