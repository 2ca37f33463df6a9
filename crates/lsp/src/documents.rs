//! Addresses of documents and paths of files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lsp_types::Uri;
use percent_encoding::percent_decode_str;

/// The documents that the client has opened, and under which addresses it knows files.
#[derive(Default)]
pub struct Documents {
    /// By canonical path. A file with links has several addresses.
    open: HashMap<PathBuf, Vec<OpenDocument>>,
}

struct OpenDocument {
    uri: Uri,
    version: i32,
}

impl Documents {
    pub fn open(&mut self, path: PathBuf, uri: Uri, version: i32) {
        let documents = self.open.entry(path).or_default();
        documents.retain(|known| known.uri != uri);
        documents.push(OpenDocument { uri, version });
    }

    pub fn set_version(&mut self, path: &Path, uri: &Uri, version: i32) {
        let documents = self.open.get_mut(path).into_iter().flatten();
        for document in documents.filter(|known| known.uri == *uri) {
            document.version = version;
        }
    }

    /// Whether the file is open under no other address.
    pub fn close(&mut self, path: &Path, uri: &Uri) -> bool {
        let Some(documents) = self.open.get_mut(path) else {
            return true;
        };
        documents.retain(|known| known.uri != *uri);
        let is_last = documents.is_empty();
        if is_last {
            self.open.remove(path);
        }
        is_last
    }

    pub fn version(&self, path: &Path) -> Option<i32> {
        self.latest(path).map(|document| document.version)
    }

    /// The address of a file: the one that the client uses if it has opened it.
    pub fn uri(&self, path: &Path) -> Option<Uri> {
        match self.latest(path) {
            Some(document) => Some(document.uri.clone()),
            None => uri_of(path),
        }
    }

    /// The paths of what is open.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.open.keys().map(PathBuf::as_path)
    }

    fn latest(&self, path: &Path) -> Option<&OpenDocument> {
        self.open.get(path)?.last()
    }
}

/// The address of a file.
pub fn uri_of(path: &Path) -> Option<Uri> {
    #[cfg(any(unix, windows))]
    if let Ok(uri) = Uri::from_file_path(path) {
        return Some(uri);
    }
    let path = path.to_string_lossy().replace('\\', "/");
    Uri::parse(&format!("file://{path}")).ok()
}

/// The path of a document. One that is in no file, such as a new one, gets a path below its scheme.
pub fn path_of(uri: &Uri) -> PathBuf {
    if uri.scheme() == "file" {
        #[cfg(any(unix, windows))]
        if let Ok(path) = uri.to_file_path() {
            return path;
        }
        let path = percent_decode_str(uri.path()).decode_utf8_lossy();
        return PathBuf::from(path.into_owned());
    }
    let path = percent_decode_str(uri.path()).decode_utf8_lossy();
    PathBuf::from(format!(
        "/{}:/{}",
        uri.scheme(),
        path.trim_start_matches('/')
    ))
}
