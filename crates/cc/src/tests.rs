//! Tests of the crate as a whole.

mod dialect;
mod limits;
mod maps;
mod properties;

use std::collections::HashMap;
use std::io;

use crate::{Diagnostics, Document, LoadError, Loader, write_json};

/// Files for includes; counts what was loaded.
#[derive(Default)]
struct MemoryFiles {
    files: HashMap<String, Vec<u8>>,
    loads: usize,
}

impl MemoryFiles {
    fn new(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect();
        Self { files, loads: 0 }
    }
}

impl Loader for MemoryFiles {
    fn load(&mut self, path: &str, _from_file: &str) -> Result<Vec<u8>, LoadError> {
        self.loads += 1;
        let found = self.files.get(path).cloned();
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file").into())
    }
}

/// The document as one line, if its structure is sound, and all findings.
fn read(source: impl AsRef<[u8]>) -> (Option<String>, String) {
    read_with(source, &mut MemoryFiles::default())
}

fn read_with(source: impl AsRef<[u8]>, files: &mut MemoryFiles) -> (Option<String>, String) {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(source, "kea.conf", files, &mut diagnostics);
    (document.map(|document| write_json(&document.root)), diagnostics.render())
}
