//! Log files: appending, rotation by size, survival of faults.
//!
//! Lines gather in a buffer that is written at the end of a batch, or when it is full if the output does not ask
//! for flushing. When a file has reached its size, `NAME` becomes `NAME.1`, `NAME.1` becomes `NAME.2`, and so on; the
//! oldest is overwritten. A file that cannot be opened or written never stops anybody: the fault is told once on
//! standard error, lines are lost, and the file is tried again every few seconds.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::config::{OutputConfig, ROTATION_SIZE_MIN};

/// Bytes gathered before they are written when the output does not ask for flushing.
const BUFFER_SIZE: usize = 64 * 1024;
/// Pause between attempts to open a file.
const RETRY: Duration = Duration::from_secs(5);

/// One log file.
#[derive(Debug)]
pub(crate) struct FileSink {
    path: PathBuf,
    /// Absent while the file cannot be opened.
    file: Option<File>,
    tried_at: Instant,
    is_fault_told: bool,
    size: u64,
    /// 0 for no rotation.
    max_size: u64,
    versions: u32,
    is_flushed: bool,
    pub(crate) buffer: Vec<u8>,
}

impl FileSink {
    /// Opens the file for appending.
    pub(crate) fn new(path: &Path, options: &OutputConfig) -> Self {
        let rotates = options.max_size >= ROTATION_SIZE_MIN;
        let mut sink = Self {
            path: path.to_owned(),
            file: None,
            tried_at: Instant::now(),
            is_fault_told: false,
            size: 0,
            max_size: if rotates { options.max_size } else { 0 },
            versions: options.max_versions.max(1),
            is_flushed: options.flush,
            buffer: Vec::with_capacity(BUFFER_SIZE),
        };
        sink.open();
        sink
    }

    /// To be called after every line: rotates when the file is full.
    pub(crate) fn end_line(&mut self) {
        let is_full = self.max_size > 0 && self.size + self.buffer.len() as u64 >= self.max_size;
        if is_full {
            self.write_out();
            self.rotate();
        } else if self.buffer.len() >= BUFFER_SIZE {
            self.write_out();
        }
    }

    /// To be called after a batch of lines.
    pub(crate) fn end_batch(&mut self) {
        if self.is_flushed {
            self.write_out();
        }
    }

    /// Hands everything to the operating system.
    pub(crate) fn write_out(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        if self.file.is_none() && self.tried_at.elapsed() >= RETRY {
            self.open();
        }
        if let Some(file) = &mut self.file {
            match file.write_all(&self.buffer) {
                Ok(()) => {
                    self.size += self.buffer.len() as u64;
                    self.is_fault_told = false;
                }
                Err(error) => self.tell("write", &error),
            }
        }
        self.buffer.clear();
    }

    fn open(&mut self) {
        self.tried_at = Instant::now();
        match OpenOptions::new().append(true).create(true).open(&self.path) {
            Ok(file) => {
                let metadata = file.metadata().ok();
                self.size = metadata.as_ref().map_or(0, fs::Metadata::len);
                // Devices and pipes are written to, but must never be renamed.
                if !metadata.is_some_and(|metadata| metadata.is_file()) {
                    self.max_size = 0;
                }
                self.file = Some(file);
            }
            Err(error) => self.tell("open", &error),
        }
    }

    fn rotate(&mut self) {
        if self.file.is_none() {
            return;
        }
        // Behind a symbolic link, the file is rotated and not the link.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        for number in (1..self.versions).rev() {
            // A version that does not exist yet cannot be moved; nothing is lost by that.
            let _ = fs::rename(version(&path, number), version(&path, number + 1));
        }
        match fs::rename(&path, version(&path, 1)) {
            Ok(()) => {
                self.file = None;
                self.open();
            }
            Err(error) => {
                self.tell("rotate", &error);
                // Goes on in the same file and tries again after as many bytes.
                self.size = 0;
            }
        }
    }

    fn tell(&mut self, action: &str, error: &io::Error) {
        if !self.is_fault_told {
            self.is_fault_told = true;
            let path = self.path.display();
            // Standard error may be closed; there is no other place to complain.
            let _ = writeln!(io::stderr(), "ERROR: unable to {action} log file {path}: {error}");
        }
    }
}

fn version(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::FileSink;
    use crate::config::{Destination, OutputConfig, ROTATION_SIZE_MIN};
    use std::fs;
    use std::path::Path;

    fn options(max_size: u64, max_versions: u32, flush: bool) -> OutputConfig {
        let base = OutputConfig::new(Destination::Stdout);
        OutputConfig { max_size, max_versions, flush, ..base }
    }

    fn write_lines(sink: &mut FileSink, count: usize, letter: u8) {
        for _ in 0..count {
            sink.buffer.extend(std::iter::repeat_n(letter, 1023));
            sink.buffer.push(b'\n');
            sink.end_line();
        }
        sink.end_batch();
    }

    fn size(path: &Path) -> u64 {
        fs::metadata(path).map_or(0, |metadata| metadata.len())
    }

    #[test]
    fn full_files_are_rotated_and_the_oldest_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kea.log");
        let mut sink = FileSink::new(&path, &options(ROTATION_SIZE_MIN, 2, true));
        for letter in [b'a', b'b', b'c', b'd'] {
            write_lines(&mut sink, 200, letter);
        }
        assert_eq!(size(&path), 0);
        assert!(fs::read(folder.path().join("kea.log.1")).unwrap().starts_with(b"ddd"));
        assert!(fs::read(folder.path().join("kea.log.2")).unwrap().starts_with(b"ccc"));
        assert_eq!(size(&folder.path().join("kea.log.1")), ROTATION_SIZE_MIN);
        assert!(!folder.path().join("kea.log.3").exists());
    }

    #[test]
    fn existing_content_counts_and_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kea.log");
        fs::write(&path, vec![b'x'; 204_000]).unwrap();
        let mut sink = FileSink::new(&path, &options(ROTATION_SIZE_MIN, 1, true));
        write_lines(&mut sink, 2, b'a');
        assert_eq!(size(&folder.path().join("kea.log.1")), 204_000 + 1024);
        assert_eq!(size(&path), 1024);
    }

    #[test]
    fn small_maxsize_means_no_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kea.log");
        let mut sink = FileSink::new(&path, &options(ROTATION_SIZE_MIN - 1, 1, true));
        write_lines(&mut sink, 300, b'a');
        assert_eq!(size(&path), 300 * 1024);
    }

    #[test]
    fn without_flush_lines_wait_in_the_buffer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kea.log");
        let mut sink = FileSink::new(&path, &options(0, 1, false));
        write_lines(&mut sink, 3, b'a');
        assert_eq!(size(&path), 0);
        sink.write_out();
        assert_eq!(size(&path), 3 * 1024);
    }

    #[test]
    fn devices_are_never_rotated_and_a_full_disk_is_survived() {
        for device in ["/dev/null", "/dev/full"] {
            let folder = tempfile::tempdir().unwrap();
            let link = folder.path().join("kea.log");
            std::os::unix::fs::symlink(device, &link).unwrap();
            let mut sink = FileSink::new(&link, &options(ROTATION_SIZE_MIN, 1, true));
            for _ in 0..3 {
                write_lines(&mut sink, 300, b'a');
            }
            assert!(sink.buffer.is_empty());
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn file_behind_a_link_is_rotated_at_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let (link, path) = (folder.path().join("link"), folder.path().join("kea.log"));
        fs::write(&path, "").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut sink = FileSink::new(&link, &options(ROTATION_SIZE_MIN, 1, true));
        write_lines(&mut sink, 201, b'a');
        assert_eq!(size(&folder.path().join("kea.log.1")), ROTATION_SIZE_MIN);
        assert_eq!(size(&path), 1024);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn unopenable_file_loses_lines_but_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/kea.log");
        let mut sink = FileSink::new(&path, &options(ROTATION_SIZE_MIN, 1, true));
        write_lines(&mut sink, 500, b'a');
        assert!(sink.buffer.is_empty());
        assert!(!path.exists());
    }
}
