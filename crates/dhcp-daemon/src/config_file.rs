//! Reading the configuration file and the files that it includes.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use cc::{Diagnostics, Document, LoadError, Loader};

use crate::Daemon;

/// Largest configuration file or include.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Reads included files from the disk; relative paths are taken from the folder of the including file.
struct DiskLoader;

impl Loader for DiskLoader {
    fn load(&mut self, path: &str, from_file: &str) -> Result<Vec<u8>, LoadError> {
        let path = Path::new(path);
        let folder = Path::new(from_file).parent().unwrap_or(Path::new(""));
        read_bounded(&if path.is_absolute() { path.to_owned() } else { folder.join(path) })
    }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, LoadError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(LoadError::TooLarge { bytes_max: FILE_BYTES_MAX });
    }
    Ok(bytes)
}

/// A configuration that was read, and the warnings about it.
#[derive(Debug)]
pub(crate) struct Loaded<D: Daemon> {
    /// The compiled configuration.
    pub config: D::Config,
    /// One line each.
    pub warnings: Vec<String>,
}

/// A configuration that cannot be used.
#[derive(Debug)]
pub(crate) struct Rejected {
    /// The first error.
    pub reason: String,
    /// All errors and warnings, one line each.
    pub lines: Vec<String>,
}

/// Reads and compiles a configuration file.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn load<D: Daemon>(path: &Path) -> Result<Loaded<D>, Rejected> {
    let name = path.display().to_string();
    let bytes = read_bounded(&PathBuf::from(path))
        .map_err(|error| format!("cannot read configuration file {name}: {error}"))
        .map_err(|reason| Rejected { lines: vec![reason.clone()], reason })?;
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(&bytes, &name, &mut DiskLoader, &mut diagnostics);
    let config = document.and_then(|document| D::read_config(&document, cpus, &mut diagnostics));
    let lines = || diagnostics.render().lines().map(str::to_owned).collect::<Vec<_>>();
    match config {
        Some(config) if !diagnostics.has_errors() => Ok(Loaded { config, warnings: lines() }),
        _ => {
            let first = diagnostics.first_error();
            let reason = first.map(|error| diagnostics.line(error)).unwrap_or_default();
            Err(Rejected { reason, lines: lines() })
        }
    }
}
