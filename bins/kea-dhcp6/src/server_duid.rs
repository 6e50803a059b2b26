//! The server's own DUID: from the configuration, from the file that keeps it, or made anew.
//!
//! What the configuration leaves open is taken from the stored DUID if that has the wanted type, and made up
//! otherwise: the hardware address of an interface, the time, random bytes. Without any usable hardware address a DUID
//! of type EN serves instead. Pure: the daemon reads and writes the file. Kea: `CfgDUID`; RFC 8415 section 11.

use libdhcp::{Duid, DuidBuf, DuidError};
use libdhcpsrv::config6::{ServerIdConfig, ServerIdKind};
use util::{Entropy, Now};

/// Name of the file in the data directory.
pub const FILE_NAME: &str = "kea-dhcp6-serverid";
/// Enterprise number of ISC, which Kea's own DUIDs of type EN carry.
const ENTERPRISE_ISC: u32 = 2495;
/// Random bytes of a DUID of type EN.
const EN_IDENTIFIER_LEN: usize = 6;
/// 2000-01-01 in seconds of the Unix clock: where the time of a DUID-LLT begins.
const EPOCH_2000: i64 = 946_684_800;
/// Ethernet.
const ETHERNET: u16 = 1;

/// What a stored DUID consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Parts<'a> {
    hw_type: Option<u16>,
    time: Option<u32>,
    enterprise: Option<u32>,
    identifier: Option<&'a [u8]>,
}

/// Makes the server's DUID.
///
/// `stored` is the content of the file, if there is one; `hardware` the hardware address (type and bytes) of an
/// interface that is up and no loopback.
///
/// # Errors
/// When the configured identifier is too long.
pub fn make(
    config: &ServerIdConfig,
    stored: Option<&[u8]>,
    hardware: Option<(u16, &[u8])>,
    now: Now,
    entropy: &mut dyn Entropy,
) -> Result<DuidBuf, DuidError> {
    let parts_of = |kind| stored.map(|stored| parts(kind, stored)).unwrap_or_default();
    let substitute = parts_of(ServerIdKind::En);
    let stored = parts_of(config.kind);
    let is_given = !config.identifier.is_empty();
    let identifier = is_given.then_some(config.identifier.as_slice()).or(stored.identifier);
    let address = identifier.or(hardware.map(|(_, address)| address));
    let fallback_type = match identifier {
        Some(_) => ETHERNET,
        None => hardware.map_or(ETHERNET, |(hw_type, _)| hw_type),
    };
    let hw_type = given(config.htype).or(stored.hw_type).unwrap_or(fallback_type);
    match (config.kind, address) {
        (ServerIdKind::Llt, Some(address)) => {
            let seconds = now.wall_s.saturating_sub(EPOCH_2000) as u32;
            let time = given(config.time).or(stored.time).unwrap_or(seconds);
            DuidBuf::llt(hw_type, time, address)
        }
        (ServerIdKind::Ll, Some(address)) => DuidBuf::ll(hw_type, address),
        (ServerIdKind::En, _) | (_, None) => {
            let enterprise =
                given(config.enterprise_id).or(substitute.enterprise).unwrap_or(ENTERPRISE_ISC);
            let identifier = identifier.or(substitute.identifier);
            let random = entropy.next_u64().to_be_bytes();
            let random = random.get(..EN_IDENTIFIER_LEN).unwrap_or(&random);
            DuidBuf::en(enterprise, identifier.unwrap_or(random))
        }
    }
}

/// Reads the text of the file: pairs of hexadecimal digits between colons. Nothing when it holds no DUID.
#[must_use]
pub fn read_file(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let mut bytes = [0; Duid::LEN_MAX];
    let len = util::hex::parse_colon_hex(text, &mut bytes)?;
    bytes.get(..len).filter(|bytes| bytes.len() >= Duid::LEN_MIN).map(<[u8]>::to_vec)
}

/// The text of the file.
#[must_use]
pub fn file_text(duid: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(3 * duid.len());
    util::hex::push_colon_hex(&mut text, duid);
    text
}

/// The parts of a DUID of this kind; none when it is of another.
fn parts(kind: ServerIdKind, stored: &[u8]) -> Parts<'_> {
    let Some((number, rest)) = stored.split_first_chunk() else { return Parts::default() };
    if u16::from_be_bytes(*number) != kind as u16 {
        return Parts::default();
    }
    match kind {
        ServerIdKind::En => {
            let Some((enterprise, identifier)) = rest.split_first_chunk() else {
                return Parts::default();
            };
            Parts {
                enterprise: Some(u32::from_be_bytes(*enterprise)),
                identifier: filled(identifier),
                ..Parts::default()
            }
        }
        ServerIdKind::Llt | ServerIdKind::Ll => {
            let Some((hw_type, rest)) = rest.split_first_chunk() else { return Parts::default() };
            let (time, address) = match kind {
                ServerIdKind::Llt => match rest.split_first_chunk() {
                    Some((time, address)) => (Some(u32::from_be_bytes(*time)), address),
                    None => return Parts::default(),
                },
                _ => (None, rest),
            };
            let hw_type = Some(u16::from_be_bytes(*hw_type));
            Parts { hw_type, time, identifier: filled(address), ..Parts::default() }
        }
    }
}

fn filled(bytes: &[u8]) -> Option<&[u8]> {
    (!bytes.is_empty()).then_some(bytes)
}

/// A number that is set: 0 stands for "as it comes".
fn given<T: Default + PartialEq>(number: T) -> Option<T> {
    (number != T::default()).then_some(number)
}

#[cfg(test)]
mod tests {
    use util::SplitMix;

    use super::*;

    const MAC: (u16, &[u8]) = (1, &[2, 0, 0, 0, 0, 7]);

    fn config(kind: ServerIdKind) -> ServerIdConfig {
        ServerIdConfig {
            kind,
            identifier: Vec::new(),
            htype: 0,
            time: 0,
            enterprise_id: 0,
            persist: true,
        }
    }

    fn made(config: &ServerIdConfig, stored: Option<&[u8]>, mac: Option<(u16, &[u8])>) -> String {
        let now = Now::from_secs((EPOCH_2000 + 0x0102) as u64);
        let duid = make(config, stored, mac, now, &mut SplitMix::new(1));
        String::from_utf8(file_text(duid.unwrap().bytes())).unwrap()
    }

    #[test]
    fn each_type_is_made_of_what_there_is() {
        let llt = config(ServerIdKind::Llt);
        assert_eq!(made(&llt, None, Some(MAC)), "00:01:00:01:00:00:01:02:02:00:00:00:00:07");
        let ll = config(ServerIdKind::Ll);
        assert_eq!(made(&ll, None, Some(MAC)), "00:03:00:01:02:00:00:00:00:07");
        let en = made(&config(ServerIdKind::En), None, Some(MAC));
        assert!(en.starts_with("00:02:00:00:09:bf:") && en.len() == 3 * 12 - 1, "{en}");
        assert!(made(&llt, None, None).starts_with("00:02:00:00:09:bf:"), "no hardware address");
    }

    #[test]
    fn without_hardware_address_the_stored_duid_stays() {
        for kind in [ServerIdKind::Llt, ServerIdKind::Ll] {
            let stored = read_file(b"00:02:00:00:09:bf:01:02:03:04:05:06").unwrap();
            let kept = made(&config(kind), Some(&stored), None);
            assert_eq!(kept.as_bytes(), file_text(&stored), "clients know the server by it");
        }
    }

    #[test]
    fn stored_duid_stays_unless_the_configuration_says_otherwise() {
        let stored = read_file(b"00:01:00:06:12:34:56:78:aa:bb:cc:dd:ee:ff\n").unwrap();
        let kept = made(&config(ServerIdKind::Llt), Some(&stored), Some(MAC));
        assert_eq!(kept, "00:01:00:06:12:34:56:78:aa:bb:cc:dd:ee:ff");
        let other = ServerIdConfig { time: 1, htype: 8, ..config(ServerIdKind::Llt) };
        let changed = made(&other, Some(&stored), Some(MAC));
        assert_eq!(changed, "00:01:00:08:00:00:00:01:aa:bb:cc:dd:ee:ff");
        let ll = made(&config(ServerIdKind::Ll), Some(&stored), Some(MAC));
        assert_eq!(ll, "00:03:00:01:02:00:00:00:00:07", "another type begins anew");
    }

    #[test]
    fn configured_identifier_wins() {
        let given = ServerIdConfig { identifier: vec![1, 2], ..config(ServerIdKind::Ll) };
        assert_eq!(made(&given, None, Some((6, &[9; 6]))), "00:03:00:01:01:02");
        let en =
            ServerIdConfig { identifier: vec![1, 2], enterprise_id: 1, ..config(ServerIdKind::En) };
        assert_eq!(made(&en, None, None), "00:02:00:00:00:01:01:02");
    }

    #[test]
    fn rubbish_in_the_file_is_no_duid() {
        for text in [&b""[..], b"00", b"zz:01", b"00:01:", &[0xff; 7]] {
            assert_eq!(read_file(text), None);
        }
        assert_eq!(read_file(b"00:03:00"), Some(vec![0, 3, 0]));
        assert!(read_file("01:".repeat(500).as_bytes()).is_none());
    }
}
