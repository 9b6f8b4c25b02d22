//! Snapshots of the state, for requests.

use super::state::Owner;
use crate::snapshot::{Ask, DocumentView, Snapshot, Workspace};
use std::path::{Path, PathBuf};

impl Owner {
    /// Hands out the snapshots that are asked for. A request for verdicts waits for the analysis of the text as it is: a lens of an
    /// earlier one would flicker, or tell what is no longer so.
    pub(super) fn hand_out(&mut self) {
        // One at a time: what breaks over one loses no other.
        let mut index = 0;
        while let Some((ask, reply)) = self.asked.get(index) {
            let waits = match ask {
                Ask::Verdicts(uri) => {
                    let document = self.documents.get(&self.path(uri));
                    document.is_some_and(|d| !d.is_analysed_at(self.generation))
                }
                Ask::Text(_) | Ask::Workspace => false,
            };
            if waits && !reply.is_closed() {
                index += 1;
                continue;
            }
            let (ask, reply) = self.asked.remove(index);
            if !reply.is_closed() {
                let _ = reply.send(self.snapshot(&ask));
            }
        }
    }

    fn snapshot(&mut self, ask: &Ask) -> Snapshot {
        let document = match ask {
            Ask::Workspace => None,
            Ask::Text(uri) | Ask::Verdicts(uri) => self.view(&self.path(uri), matches!(ask, Ask::Verdicts(_))),
        };
        Snapshot {
            db: self.db.clone(),
            settings: self.settings.clone(),
            encoding: self.setup.encoding,
            images: self.setup.images,
            snippets: self.setup.snippets,
            links: self.setup.links,
            hints: self.setup.hints,
            explains: self.setup.explains,
            document,
            neurons: self.neurons.clone(),
        }
    }

    fn view(&mut self, path: &Path, verdicts: bool) -> Option<DocumentView> {
        let status = if verdicts { self.status_of(path) } else { None };
        let document = self.documents.get(path)?;
        Some(DocumentView {
            uri: document.uri.clone(),
            file: document.file,
            version: document.version,
            status,
            results: if verdicts { document.current_results() } else { Vec::new() },
        })
    }

    /// For `qnn/verdicts`.
    pub(super) fn workspace(&mut self) -> Workspace {
        self.look_at_disk();
        let paths: Vec<PathBuf> = self.documents.keys().cloned().collect();
        let mut options = self.options.clone();
        options.offline = true;
        Workspace {
            options,
            encoding: self.setup.encoding,
            folders: self.folders.clone(),
            open: paths.into_iter().filter_map(|path| self.status_of(&path).map(|status| (path, status))).collect(),
            remembered: self.remembered.clone(),
        }
    }
}
