//! What the client does to documents, folders and settings, and what changes on disk.

use super::documents::Document;
use super::state::Owner;
use super::wanted::Wanted;
use crate::publisher::Message;
use crate::settings::{Settings, When};
use qnn::db::{Disk, FileSystem};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tower_lsp::lsp_types::{MessageType, TextDocumentContentChangeEvent, Url};

/// How long typing must pause before `onChange` verifies.
const PAUSE: Duration = Duration::from_millis(500);

impl Owner {
    pub(super) fn open(&mut self, uri: Url, version: i32, text: String) {
        let path = self.path(&uri);
        let text: Arc<str> = text.into();
        let file = self.db.set_text(&path, text.clone());
        self.changed();
        let mut document = Document::new(uri, version, file, text);
        if let Some(held) = self.remembered.remove(&path) {
            document.restore(held);
        }
        self.documents.insert(path.clone(), document);
        self.last = Some(path.clone());
        if self.settings.verification.run != When::Never {
            self.want(&path, Wanted::Auto, None, None);
        }
    }

    pub(super) fn change(&mut self, uri: &Url, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        let path = self.path(uri);
        let Some(document) = self.documents.get_mut(&path) else {
            tracing::warn!(%uri, "a change of a document that is not open");
            return;
        };
        let text = document.apply(version, changes, self.setup.encoding);
        let reloaded = document.caught_up();
        self.db.set_text(&path, text);
        self.changed();
        if self.settings.verification.run == When::OnChange {
            for path in self.with_users(&path) {
                if let Some(document) = self.documents.get_mut(&path) {
                    document.verify_at = Some(Instant::now() + PAUSE);
                }
            }
        }
        self.last = Some(path.clone());
        if reloaded {
            self.saved(&path);
        }
    }

    /// A document with those that use it.
    fn with_users(&self, path: &Path) -> Vec<PathBuf> {
        let uses = |(other, document): &(&PathBuf, &Document)| *other == path || document.uses.contains(path);
        self.documents.iter().filter(uses).map(|(path, _)| path.clone()).collect()
    }

    /// A document's text is what the disk has: it and those that use it are due.
    fn saved(&mut self, path: &Path) {
        if self.settings.verification.run != When::Never {
            for path in self.with_users(path) {
                self.want(&path, Wanted::Auto, None, None);
            }
        }
    }

    pub(super) fn save(&mut self, uri: &Url) {
        let path = self.path(uri);
        if !self.documents.contains_key(&path) {
            return;
        }
        self.look_at_disk();
        self.saved(&path);
    }

    pub(super) fn close(&mut self, uri: &Url) {
        let path = self.path(uri);
        self.cancel(&Wanted::Everything, Some(&path));
        let Some(document) = self.documents.remove(&path) else { return };
        document.refuse("the document was closed");
        self.say(Message::Diagnostics(document.uri.clone(), Vec::new(), None));
        let status = self.empty_status(document.uri.clone());
        self.say(Message::Status(Box::new(status)));
        self.remembered.insert(path.clone(), document.into_held());
        // The file counts again as it is on disk.
        if self.db.refresh(&path) {
            self.changed();
        }
    }

    pub(super) fn watched(&mut self, uris: &[Url]) {
        let (mut any, mut saved) = (false, Vec::new());
        for uri in uris {
            let path = self.path(uri);
            match self.documents.get_mut(&path) {
                // The client's text counts. It is as good as saved once it is what the disk has: by another program, or by git.
                Some(document) => {
                    if let Ok(text) = Disk.text(&path)
                        && document.is_on_disk(text)
                    {
                        saved.push(path);
                    }
                }
                None => {
                    any |= self.db.refresh(&path);
                    self.seen.remove(&path);
                }
            }
        }
        if any {
            self.files_changed();
        }
        saved.iter().for_each(|path| self.saved(path));
    }

    /// A model or a `use`d spec has another content: what depends on it is stale, and due.
    fn files_changed(&mut self) {
        self.changed();
        if self.settings.verification.run != When::Never {
            let paths: Vec<PathBuf> = self.documents.keys().cloned().collect();
            for path in paths {
                self.want(&path, Wanted::Auto, None, None);
            }
        }
    }

    /// Looks whether files that were read have another time or size by now, for clients that watch nothing.
    pub(super) fn look_at_disk(&mut self) {
        let mut paths = self.db.data_paths();
        paths.extend(self.db.sources().iter().map(|file| file.path(&self.db).to_owned()));
        paths.retain(|path| !self.documents.contains_key(path));
        let mut any = false;
        for path in paths {
            let now = stamp(&path);
            if self.seen.get(&path).is_some_and(|then| *then != now) {
                any |= self.db.refresh(&path);
                self.seen.insert(path, now);
            }
        }
        if any {
            self.files_changed();
        }
    }

    /// Remembers time and size of files that have been read meanwhile.
    pub(super) fn remember_stamps(&mut self) {
        let mut paths = self.db.data_paths();
        paths.extend(self.db.sources().iter().map(|file| file.path(&self.db).to_owned()));
        for path in paths {
            self.seen.entry(path).or_insert_with_key(|path| stamp(path));
        }
    }

    /// The workspace has other folders.
    pub(super) fn folders_changed(&mut self, added: &[Url], removed: &[Url]) {
        let [added, removed] = [added, removed].map(|uris| uris.iter().map(|uri| self.path(uri)).collect::<Vec<_>>());
        self.folders.retain(|folder| !removed.contains(folder));
        self.folders.extend(added);
    }

    pub(super) fn configure(&mut self, value: &Value) {
        let (settings, problems) = Settings::read(value);
        for problem in problems {
            self.say(Message::Show(MessageType::WARNING, problem));
        }
        if settings != self.settings {
            self.settings = settings;
            self.options = self.make_options();
            self.changed();
            self.refresh = true;
        }
    }
}

/// A file's time and size.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}
