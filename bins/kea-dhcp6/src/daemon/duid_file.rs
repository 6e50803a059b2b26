//! The file that keeps the server's DUID, so that clients know the server again after it has been restarted.
//!
//! A file that cannot be written costs the server its memory, not its service: it starts with a warning. The file is
//! replaced as a whole, so that a crash leaves the old one or the new one.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use dhcp_daemon::Surroundings;
use kea_dhcp6::messages::{loggers::*, *};
use kea_dhcp6::server_duid::{self, FILE_NAME};
use libdhcp::{DuidBuf, DuidError};
use libdhcpsrv::config6::ServerIdConfig;
use util::SplitMix;

/// More than the longest DUID takes as text.
const FILE_BYTES_MAX: u64 = 4096;

/// Makes the server's DUID of the configuration, the file and the interfaces, and stores it where it is new. Where there
/// is no file, the DUID so far (`former`) goes on, so that reloading the configuration makes no other server of it.
pub(super) fn server_duid(
    config: &ServerIdConfig,
    around: &Surroundings<'_>,
    former: Option<&[u8]>,
) -> Result<DuidBuf, DuidError> {
    let path = around.data.join(FILE_NAME);
    let stored = if config.persist { read(&path) } else { None };
    let mut usable = around
        .interfaces
        .interfaces()
        .iter()
        .rev()
        .filter(|interface| interface.is_up && !interface.is_loopback && interface.is_ethernet);
    let address = usable.find_map(|interface| {
        interface.link_address.map(|address| address.0).filter(|address| *address != [0; 6])
    });
    let hardware = address.as_ref().map(|address| (1, address.as_slice()));
    let mut entropy = SplitMix::new(around.seed);
    let known = stored.as_deref().or(former);
    let duid = server_duid::make(config, known, hardware, around.now, &mut entropy)?;
    let text = String::from_utf8(server_duid::file_text(duid.bytes())).unwrap_or_default();
    if config.persist
        && !around.is_read_only
        && stored.as_deref() != Some(duid.bytes())
        && let Err(error) = write(&path, text.as_bytes())
    {
        kea_log::log!(DHCP6, DHCP6_SERVERID_FILE_FAIL, path.display(), error);
    }
    kea_log::log!(DHCP6, DHCP6_USING_SERVERID, text, path.display());
    Ok(duid)
}

/// The DUID of the file; none when it cannot be read or holds something else, which is then replaced.
fn read(path: &Path) -> Option<Vec<u8>> {
    let file = fs::metadata(path).ok()?;
    if !file.is_file() || file.len() > FILE_BYTES_MAX {
        return None;
    }
    server_duid::read_file(&fs::read(path).ok()?)
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::File::create(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    process::lease_file::sync_folder(path)
}
