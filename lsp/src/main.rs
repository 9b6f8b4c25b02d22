//! The language server of qnn: the one crate that knows LSP. It starts, says who it is, and stops; it offers no feature.

use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{InitializeParams, InitializeResult, ServerInfo};
use tower_lsp::{LanguageServer, LspService, Server};

struct Qnn;

#[tower_lsp::async_trait]
impl LanguageServer for Qnn {
    async fn initialize(&self, _: InitializeParams) -> Result<InitializeResult> {
        let server_info =
            ServerInfo { name: "qnn-lsp".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) };
        Ok(InitializeResult { server_info: Some(server_info), ..InitializeResult::default() })
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}

#[tokio::main]
async fn main() {
    if std::env::args().nth(1).as_deref() == Some("--version") {
        println!("qnn-lsp {}", env!("CARGO_PKG_VERSION"));
        return;
    }
    let (service, socket) = LspService::new(|_| Qnn);
    Server::new(tokio::io::stdin(), tokio::io::stdout(), socket).serve(service).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn says_who_it_is() {
        let (service, _socket) = LspService::new(|_| Qnn);
        let answer = service.inner().initialize(InitializeParams::default()).await.expect("an answer");
        assert_eq!(answer.server_info.map(|info| info.name).as_deref(), Some("qnn-lsp"));
    }
}
