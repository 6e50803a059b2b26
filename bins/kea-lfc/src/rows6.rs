//! DHCPv6 leases: the last row of each address, kept as text.
//!
//! An address, or the base of a prefix, can have one lease only, whatever its type, so the address alone is the key.
//! Columns that are not needed here are not looked at, except that each row has the right number of them; missing
//! ones get their defaults, surplus ones are cut off.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::Ipv6Addr;
use std::path::Path;

use libdhcpsrv::lease4::csv4::{self, Header, RowError};
use libdhcpsrv::lease4::load::LoadError;
use util::csv;

use crate::files::{self, CleanupError, ROW_ERRORS_MAX, ReadStats};
use crate::rows4::WriteFile;

/// Names of the columns, in order.
const COLUMNS: [&str; 18] = [
    "address",
    "duid",
    "valid_lifetime",
    "expire",
    "subnet_id",
    "pref_lifetime",
    "lease_type",
    "iaid",
    "prefix_len",
    "fqdn_fwd",
    "fqdn_rev",
    "hostname",
    "hwaddr",
    "state",
    "user_context",
    "hwtype",
    "hwaddr_source",
    "pool_id",
];
/// Columns up to and including `hostname`: what every file must have.
const COLUMNS_MIN: usize = 12;
/// Values of the columns behind `hostname` in files that do not have them.
const DEFAULTS: [&str; COLUMNS.len() - COLUMNS_MIN] = ["", "0", "", "", "", "0"];
/// The longest row that is read.
const ROW_LEN_MAX: usize = 64 * 1024;

/// Text of a row.
type Text = Box<[u8]>;
/// Rows by address.
type Rows = BTreeMap<Ipv6Addr, Text>;

/// Reads the files in order and writes one row for each lease that is left.
pub(crate) fn compact(sources: &[&Path], write: &mut WriteFile<'_>) -> Result<u64, CleanupError> {
    let mut rows = Rows::new();
    for path in sources {
        let mut reader = Reader::new(path, &mut rows);
        if files::read_pieces(path, &mut |piece| reader.feed(piece))? {
            let stats = reader
                .finish()
                .map_err(|error| CleanupError::Load { path: (*path).to_owned(), error })?;
            files::log_read(path, stats);
        }
    }
    write(&mut |file: &mut File| {
        files::write_header(file, &COLUMNS)?;
        let mut out = BufWriter::with_capacity(1 << 16, file);
        for row in rows.values() {
            out.write_all(row)?;
        }
        out.flush()?;
        Ok(rows.len() as u64)
    })
}

/// One file on its way into the map.
struct Reader<'a> {
    path: &'a Path,
    rows: &'a mut Rows,
    header: Option<Header>,
    stats: ReadStats,
    line: u64,
    /// The beginning of a row whose end has not come yet.
    rest: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, rows: &'a mut Rows) -> Self {
        let stats = ReadStats::default();
        Self { path, rows, header: None, stats, line: 0, rest: Vec::new() }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.rest.extend_from_slice(piece);
            if self.rest.ends_with(b"\n") {
                let mut line = std::mem::take(&mut self.rest);
                line.pop();
                self.take(&line)?;
                line.clear();
                self.rest = line;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ReadStats, LoadError> {
        self.stats.is_torn = !self.rest.is_empty();
        if self.header.is_none() && !COLUMNS.join(",").as_bytes().starts_with(&self.rest) {
            csv4::read_header(&self.rest, &COLUMNS, COLUMNS_MIN)?;
        }
        Ok(self.stats)
    }

    fn take(&mut self, line: &[u8]) -> Result<(), LoadError> {
        self.line += 1;
        let Some(header) = self.header else {
            self.header = Some(csv4::read_header(line, &COLUMNS, COLUMNS_MIN)?);
            return Ok(());
        };
        if line.is_empty() {
            return Ok(());
        }
        self.stats.attempts += 1;
        match read_row(line, header) {
            Ok((address, row)) => {
                self.stats.leases += 1;
                match row {
                    Some(row) => self.rows.insert(address, row),
                    None => self.rows.remove(&address),
                };
                Ok(())
            }
            Err(error) => {
                self.stats.errors += 1;
                files::log_row_error(self.path, self.line, error);
                if self.stats.errors > u64::from(ROW_ERRORS_MAX) {
                    return Err(LoadError::TooManyErrors { max: ROW_ERRORS_MAX });
                }
                Ok(())
            }
        }
    }
}

/// Address and text of a row in today's columns; no text when the row deletes the address.
fn read_row(line: &[u8], header: Header) -> Result<(Ipv6Addr, Option<Text>), RowError> {
    if line.len() > ROW_LEN_MAX {
        return Err(RowError::TooLong { max: ROW_LEN_MAX });
    }
    let mut fields = [&b""[..]; COLUMNS.len()];
    let found = csv::split(line, &mut fields);
    let (min, max) = (header.columns.min(COLUMNS.len()), header.columns.max(COLUMNS.len()));
    if !(min..=max).contains(&found) {
        return Err(RowError::Columns { found, min, max });
    }
    let [address, duid, valid_lifetime, expire, ..] = fields;
    let bad = |column| RowError::Value { column };
    let number = |text, column| csv::parse_decimal(text).ok_or(bad(column));
    let address = std::str::from_utf8(address).ok().and_then(|text| text.parse().ok());
    let address = address.ok_or(bad("address"))?;
    let valid_lifetime = number(valid_lifetime, "valid_lifetime")?;
    number(expire, "expire")?;
    if duid.is_empty() {
        return Err(bad("duid"));
    }
    if valid_lifetime == 0 {
        return Ok((address, None));
    }
    let mut row = Vec::with_capacity(line.len() + 16);
    for (place, field) in fields.iter().enumerate() {
        let default = place.checked_sub(COLUMNS_MIN).and_then(|place| DEFAULTS.get(place));
        match default.filter(|_| place >= found) {
            Some(default) => row.extend_from_slice(default.as_bytes()),
            None => row.extend_from_slice(field),
        }
        row.push(b',');
    }
    row.pop();
    row.push(b'\n');
    Ok((address, Some(row.into())))
}
