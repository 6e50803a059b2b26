//! Files that the command line names.

use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use perfdhcp::dhcp4::Dhcp4;
use perfdhcp::dhcp6::Dhcp6;
use perfdhcp::options::{Family, Options, parse_mac};
use perfdhcp::template::{self, FILE_LEN_MAX, Offsets, Template, TemplateError};

/// Longest list of addresses, in bytes: some millions of lines.
const LIST_LEN_MAX: u64 = 64 << 20;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// No lines in it.
    #[error("file {path} with addresses is empty!")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A line that is no address.
    #[error("{path}, line {line}: {found:?} is no {expected}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Its number.
        line: usize,
        /// Its text.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// It cannot be read.
    #[error("unable to open file {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is no template.
    #[error("the template file {path}: {error}")]
    Template {
        /// The file.
        path: PathBuf,
        /// Why.
        error: TemplateError,
    },
    /// Too long.
    #[error("file {path} is longer than {max} bytes")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Most bytes.
        max: u64,
    },
    /// It cannot be written.
    #[error("unable to write file {path}: {error}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// Errors of templates found after they were read.
pub(crate) struct ReadTemplate;

impl ReadTemplate {
    /// Names the file of a template into which something does not fit.
    pub(crate) fn unfit(options: &Options, error: TemplateError) -> FileError {
        let path = options.templates.last().cloned().unwrap_or_default();
        FileError::Template { path, error }
    }
}

fn read(path: &Path, max: u64) -> Result<Vec<u8>, FileError> {
    let open = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path)?;
        std::io::Read::read_to_end(&mut std::io::Read::take(file, max + 1), &mut bytes)?;
        Ok(bytes)
    };
    let path = path.to_path_buf();
    let bytes = open().map_err(|error| FileError::Read { path: path.clone(), error })?;
    if bytes.len() as u64 > max { Err(FileError::TooLong { path, max }) } else { Ok(bytes) }
}

/// Reads a list of one value per line; blank lines do not count.
fn list<T>(
    path: &Path,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, FileError> {
    let text = String::from_utf8_lossy(&read(path, LIST_LEN_MAX)?).into_owned();
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    let all = lines.map(|(at, line)| {
        parse(line).ok_or_else(|| FileError::Line {
            path: path.to_path_buf(),
            line: at + 1,
            found: line.chars().take(40).collect(),
            expected,
        })
    });
    let all = all.collect::<Result<Vec<T>, _>>()?;
    if all.is_empty() { Err(FileError::Empty { path: path.to_path_buf() }) } else { Ok(all) }
}

/// `-M`.
pub(crate) fn mac_list(path: &Path) -> Result<Vec<[u8; 6]>, FileError> {
    list(path, "hardware address of six bytes", parse_mac)
}

/// `-J`.
pub(crate) fn addresses(path: &Path, v4: bool) -> Result<Vec<IpAddr>, FileError> {
    let expected = if v4 { "IPv4 address" } else { "IPv6 address" };
    list(path, expected, |line| line.parse().ok().filter(|ip: &IpAddr| ip.is_ipv4() == v4))
}

/// `-T` with the offsets that belong to it.
pub(crate) fn templates(options: &Options) -> Result<Vec<Template>, FileError> {
    let (xid, random, elapsed, server_id, address) = match options.family {
        Family::V4 => Dhcp4::OFFSETS,
        Family::V6 => Dhcp6::OFFSETS,
    };
    let files = options.templates.iter().enumerate().map(|(at, path)| {
        let text = read(path, FILE_LEN_MAX as u64)?;
        let bytes = template::parse(&text)
            .map_err(|error| FileError::Template { path: path.clone(), error })?;
        let offsets = Offsets {
            xid: options.xid_offsets.get(at).copied().unwrap_or(xid),
            random: options.random_offsets.get(at).copied().unwrap_or(random),
            elapsed: Some(options.time_offset.unwrap_or(elapsed)).filter(|at| *at > 0),
            server_id: options.server_id_offset.unwrap_or(server_id),
            address: options.address_offset.unwrap_or(address),
        };
        Ok(Template { bytes, offsets })
    });
    files.collect()
}

/// Writes a result; `-` is standard output.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), FileError> {
    let done = match path == Path::new("-") {
        true => std::io::stdout().lock().write_all(text.as_bytes()),
        false => std::fs::write(path, text),
    };
    done.map_err(|error| FileError::Write { path: path.to_path_buf(), error })
}
