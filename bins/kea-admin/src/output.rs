//! Where a dump goes: a file of its own, which is replaced as a whole when the dump is complete, or something that is
//! written to as it is: what is open already, a pipe, a device.
//!
//! Redirected standard output is written to even if it is a regular file: its earlier content (`>>`) belongs to whoever
//! opened it, and so does the place where writing goes on.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use process::lease_file::suffixed;

use crate::failure::Failure;

/// Links after which a path leads nowhere; as many as Linux follows.
const LINKS_MAX: usize = 40;
/// Names of the folder of what this process has open.
const DESCRIPTORS: [&str; 2] = ["/proc/self/fd", "/proc/thread-self/fd"];

/// Where a dump goes.
pub(crate) enum Output {
    /// A pipe or a device, to be opened.
    Device,
    /// A file of its own: where links end, and what is there.
    File { target: PathBuf, there: Option<Metadata> },
    /// What this process has open, by its number.
    Open(u32),
}

impl Output {
    /// Finds out what a path is; nothing is opened.
    pub(crate) fn find(path: &Path) -> io::Result<Self> {
        let there = match path.metadata() {
            Ok(there) => Some(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(there) = &there {
            let output = File::from(io::stdout().as_fd().try_clone_to_owned()?).metadata()?;
            if (there.dev(), there.ino()) == (output.dev(), output.ino()) {
                return Ok(Self::Open(1));
            }
        }
        Ok(match (End::of(path)?, there) {
            (End::Open(number), _) => Self::Open(number),
            (End::Path(_), Some(there)) if !there.is_file() => Self::Device,
            (End::Path(target), there) => Self::File { target, there },
        })
    }

    /// Whether messages on standard output are in nobody's way.
    pub(crate) fn is_file_of_its_own(path: &Path) -> bool {
        // What cannot be found out is told as an error before anything is written.
        Self::find(path).map_or(true, |output| matches!(output, Self::File { .. }))
    }
}

/// Opens what is open already, to go on where it is.
pub(crate) fn open_again(number: u32) -> io::Result<File> {
    match number {
        1 => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        2 => io::stderr().as_fd().try_clone_to_owned().map(File::from),
        // The system opens it anew, at its begin; what is there must stay.
        _ => OpenOptions::new().append(true).open(format!("/proc/self/fd/{number}")),
    }
}

/// Where the links of a path end.
enum End {
    /// At something that this process has open.
    Open(u32),
    /// At something that is no link; it may not exist.
    Path(PathBuf),
}

impl End {
    fn of(path: &Path) -> io::Result<Self> {
        let descriptors = DESCRIPTORS.map(|folder| Path::new(folder).canonicalize().ok());
        let mut path = path.to_owned();
        for _ in 0..LINKS_MAX {
            // What ends in a slash is meant to be a folder, and no file is made of it.
            let is_folder = path.as_os_str().as_bytes().ends_with(b"/");
            let Some(name) = path.file_name().filter(|_| !is_folder) else {
                return Ok(Self::Path(path));
            };
            let folder = match path.parent() {
                Some(folder) if folder != Path::new("") => folder,
                _ => Path::new("."),
            };
            let folder = folder.canonicalize()?;
            let number = name.to_str().and_then(|name| name.parse().ok());
            if let Some(number) = number
                && descriptors.iter().flatten().any(|known| *known == folder)
            {
                return Ok(Self::Open(number));
            }
            let here = folder.join(name);
            match here.read_link() {
                Ok(next) => path = folder.join(next),
                // It is no link, or there is nothing.
                Err(_) => return Ok(Self::Path(here)),
            }
        }
        Err(io::Error::other("too many links"))
    }
}

/// A file that is to replace another one; half a dump is of no use to anybody and is deleted.
pub(crate) struct Temporary {
    /// Its own name.
    pub(crate) path: PathBuf,
    /// What it replaces or becomes: what a link leads to, be it there or not, and never the link.
    target: PathBuf,
    is_done: bool,
}

impl Temporary {
    /// Makes it beside `target`, which is no link, for the same people as the file that is there.
    pub(crate) fn create(
        target: PathBuf,
        there: Option<&Metadata>,
    ) -> Result<(Self, File), Failure> {
        let path = suffixed(&target, &format!(".{}.tmp", std::process::id()));
        let io = Failure::file(&path);
        let mode = if there.is_some() { 0o600 } else { 0o666 };
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        let file = file.map_err(&io)?;
        let temporary = Self { path: path.clone(), target, is_done: false };
        if let Some(there) = there {
            // Only the superuser can give files away; the dump is worth more than its owner.
            let _ = fchown(&file, Some(there.uid()), Some(there.gid()));
            file.set_permissions(there.permissions()).map_err(&io)?;
        }
        Ok((temporary, file))
    }

    /// Puts it in place.
    pub(crate) fn replace(mut self) -> Result<(), Failure> {
        fs::rename(&self.path, &self.target).map_err(Failure::file(&self.target))?;
        self.is_done = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = fs::remove_file(&self.path);
        }
    }
}
