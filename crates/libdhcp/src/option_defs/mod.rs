//! Tables of the standard options.
//!
//! Rows only, one file per family and group; looked up by code through an index array and by name
//! through a search. Facts are from RFC 2132 and its successors, names from Kea.

mod sub;
mod v4;

use crate::definition::{AGENT_OPTIONS, DHCP4, OptionDefinition};

const CABLELABS_CLIENT: &str = "cablelabs-client-conf";
const VENDOR_4491: &str = "vendor-4491";

/// The standard definition of a code in a space.
#[must_use]
pub fn by_code(space: &str, code: u16) -> Option<&'static OptionDefinition> {
    if space == DHCP4 {
        let slot = *V4_INDEX.get(usize::from(code))?;
        return v4::DHCP4.get(usize::from(slot));
    }
    of_space(space).iter().find(|definition| definition.code == code)
}

/// The standard definition of a name in a space.
#[must_use]
pub fn by_name(space: &str, name: &str) -> Option<&'static OptionDefinition> {
    of_space(space).iter().find(|definition| definition.name == name)
}

/// All standard definitions of a space, ascending by code; none for unknown spaces.
#[must_use]
pub fn of_space(space: &str) -> &'static [OptionDefinition] {
    match space {
        DHCP4 => &v4::DHCP4,
        AGENT_OPTIONS => &sub::AGENT,
        CABLELABS_CLIENT => &sub::CABLELABS_CLIENT,
        VENDOR_4491 => &sub::VENDOR_4491,
        _ => &[],
    }
}

/// Place of each code in the table; [`NO_SLOT`] for codes without definition.
static V4_INDEX: [u8; 256] = {
    let mut index = [NO_SLOT; 256];
    let mut slot = 0;
    while slot < v4::DHCP4.len() {
        index[v4::DHCP4[slot].code as usize] = slot as u8;
        slot += 1;
    }
    index
};

const NO_SLOT: u8 = u8::MAX;

#[cfg(test)]
mod tests {
    use super::{by_code, by_name, of_space};
    use crate::definition::{DataType, is_valid_name};

    const SPACES: [&str; 4] =
        ["dhcp4", "dhcp-agent-options-space", "cablelabs-client-conf", "vendor-4491"];

    #[test]
    fn tables_are_sorted_and_found_by_code_and_name() {
        for space in SPACES {
            let rows = of_space(space);
            assert!(rows.is_sorted_by(|a, b| a.code < b.code), "{space}");
            for row in rows {
                assert_eq!(by_code(space, row.code), Some(row));
                assert_eq!(by_name(space, &row.name), Some(row));
                assert!(is_valid_name(&row.name));
                assert_eq!(row.data_type == DataType::Record, !row.record.is_empty());
                let last = row.record.last().copied().unwrap_or(row.data_type);
                assert!(!row.array || !last.takes_rest() || last == DataType::Internal);
            }
        }
    }

    #[test]
    fn codes_that_kea_1_1_defines_are_all_there_and_kept_for_them() {
        let ranges = [1..=77, 81..=82, 90..=94, 97..=97, 118..=119, 124..=125];
        for code in ranges.into_iter().flatten() {
            let definition = by_code("dhcp4", code).unwrap_or_else(|| panic!("{code}"));
            assert_eq!(definition.redefinable, code == 43, "{code}");
        }
        let mut names =
            [64, 65, 68, 76, 93, 94, 97].map(|code| &*by_code("dhcp4", code).unwrap().name);
        names.sort_unstable();
        let expected = [
            "client-ndi",
            "client-system",
            "mobile-ip-home-agent",
            "nisplus-domain-name",
            "nisplus-servers",
            "streettalk-directory-assistance-server",
            "uuid-guid",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn unknown_codes_and_names_have_no_definition() {
        assert!(by_code("dhcp4", 0).is_none() && by_code("dhcp4", 255).is_none());
        assert!(by_code("dhcp4", 224).is_none() && by_code("dhcp4", 300).is_none());
        assert!(by_name("dhcp4", "nonsense").is_none() && by_code("other", 1).is_none());
    }
}
