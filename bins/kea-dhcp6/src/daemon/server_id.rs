//! Keeping the server's DUID: it is read from its file, completed, and written back when it has changed.
//!
//! A DUID that must not be kept (`persist`) stays the same for the life of the process at least. A file that cannot be
//! written is no reason not to serve: clients of today are none the worse.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;

use dhcp_daemon::Surroundings;
use kea_dhcp6::messages::{loggers::*, *};
use kea_dhcp6::runtime::Runtime6;
use kea_dhcp6::server_duid::{self, FILE_NAME};
use libdhcp::DuidError;
use libdhcpsrv::config6::ServerIdConfig;
use util::SplitMix;

/// Gets the DUID that a configuration asks for.
///
/// # Errors
/// When the configured identifier is too long.
pub(super) fn prepare(
    config: &ServerIdConfig,
    around: &Surroundings<'_>,
    former: Option<&Runtime6>,
) -> Result<Box<[u8]>, DuidError> {
    let path = around.data.join(FILE_NAME);
    let text = if config.persist { fs::read(&path).ok() } else { None };
    let kept = text.as_deref().and_then(server_duid::read_file);
    let stored = kept.as_deref().or(former.map(|runtime| &*runtime.server_duid));
    let interfaces = around.interfaces.interfaces();
    let mut hardware = interfaces
        .iter()
        .filter(|interface| interface.is_up && !interface.is_loopback && interface.is_ethernet)
        .filter_map(|interface| interface.link_address);
    let hardware = hardware.next();
    let hardware = hardware.as_ref().map(|address| (server_duid::ETHERNET, &address.0[..]));
    let mut entropy = SplitMix::new(around.seed);
    let duid = server_duid::make(config, stored, hardware, around.now, &mut entropy)?;
    let mut keeper: &dyn Display = &"not kept";
    let place = path.display();
    if config.persist {
        keeper = &place;
        if kept.as_deref() != Some(duid.bytes())
            && let Err(error) = write(&path, &server_duid::file_text(duid.bytes()))
        {
            kea_log::log!(DHCP6, DHCP6_SERVERID_FILE_FAIL, place, error);
        }
    }
    let text = server_duid::file_text(duid.bytes());
    kea_log::log!(DHCP6, DHCP6_USING_SERVERID, String::from_utf8_lossy(&text), keeper);
    Ok(duid.bytes().into())
}

/// Replaces the file as a whole, so that a crash leaves the old one or the new one.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::File::open(&new)?.sync_all()?;
    fs::rename(&new, path)
}
