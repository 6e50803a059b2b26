//! Tables of the standard options.
//!
//! Rows only, one file per family and group; looked up by code through an index array or a binary
//! search, and by name through a search. Spaces belong to a family: both have a `vendor-4491`. Facts
//! are from RFC 2132, RFC 8415 and their successors, names from Kea.

mod sub4;
mod sub6;
mod v4;
mod v6;

use crate::Universe;
use crate::definition::{AGENT_OPTIONS, DHCP4, DHCP6, DataType, OptionDefinition, V6_NTP_SERVER};

/// The standard definition of a code in a space.
#[must_use]
pub fn by_code(universe: Universe, space: &str, code: u16) -> Option<&'static OptionDefinition> {
    if universe == Universe::V4 && space == DHCP4 {
        let slot = *V4_INDEX.get(usize::from(code))?;
        return v4::DHCP4.get(usize::from(slot));
    }
    let rows = of_space(universe, space);
    let found = rows.binary_search_by_key(&code, |definition| definition.code).ok()?;
    rows.get(found)
}

/// The standard definition of a name in a space.
#[must_use]
pub fn by_name(universe: Universe, space: &str, name: &str) -> Option<&'static OptionDefinition> {
    of_space(universe, space).iter().find(|definition| definition.name == name)
}

/// All standard definitions of a space, ascending by code; none for unknown spaces.
#[must_use]
pub fn of_space(universe: Universe, space: &str) -> &'static [OptionDefinition] {
    match universe {
        Universe::V4 => match space {
            DHCP4 => &v4::DHCP4,
            AGENT_OPTIONS => &sub4::AGENT,
            "cablelabs-client-conf" => &sub4::CABLELABS_CLIENT,
            "docsis3-v4" | "vendor-4491" => &sub4::VENDOR_4491,
            _ => &[],
        },
        Universe::V6 => match space {
            DHCP6 => &v6::DHCP6,
            "docsis3-v6" | "vendor-4491" => &sub6::VENDOR_4491,
            "rsoo-opts" => &sub6::RSOO,
            "s46-cont-lw-options" => &sub6::S46_LW,
            "s46-cont-mape-options" => &sub6::S46_MAPE,
            "s46-cont-mapt-options" => &sub6::S46_MAPT,
            "s46-rule-options" | "s46-v4v6bind-options" => &sub6::S46_PORTS,
            V6_NTP_SERVER => &sub6::NTP_SERVER,
            "vendor-2495" => &sub6::VENDOR_2495,
            _ => &[],
        },
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

/// A row of the top level.
const fn row(code: u16, name: &'static str, data_type: DataType) -> OptionDefinition {
    OptionDefinition::table_row(code, name, data_type)
}

/// A row of another space, where Kea 1.1 knew next to nothing.
const fn sub_row(code: u16, name: &'static str, data_type: DataType) -> OptionDefinition {
    row(code, name, data_type).redefinable()
}

#[cfg(test)]
mod tests {
    use super::{by_code, by_name, of_space};
    use crate::Universe::{self, V4, V6};
    use crate::definition::{DataType, is_valid_name};

    const SPACES: [(Universe, &str); 16] = [
        (V4, "dhcp4"),
        (V4, "dhcp-agent-options-space"),
        (V4, "cablelabs-client-conf"),
        (V4, "docsis3-v4"),
        (V4, "vendor-4491"),
        (V6, "dhcp6"),
        (V6, "rsoo-opts"),
        (V6, "s46-cont-lw-options"),
        (V6, "s46-cont-mape-options"),
        (V6, "s46-cont-mapt-options"),
        (V6, "s46-rule-options"),
        (V6, "s46-v4v6bind-options"),
        (V6, "v6-ntp-server-suboptions"),
        (V6, "docsis3-v6"),
        (V6, "vendor-2495"),
        (V6, "vendor-4491"),
    ];

    #[test]
    fn tables_are_sorted_and_found_by_code_and_name() {
        for (universe, space) in SPACES {
            let rows = of_space(universe, space);
            assert!(!rows.is_empty() && rows.is_sorted_by(|a, b| a.code < b.code), "{space}");
            for row in rows {
                assert_eq!(by_code(universe, space, row.code), Some(row));
                assert_eq!(by_name(universe, space, &row.name), Some(row));
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
            let definition = by_code(V4, "dhcp4", code).unwrap_or_else(|| panic!("{code}"));
            assert_eq!(definition.redefinable, code == 43, "{code}");
        }
        let name = |code| &*by_code(V4, "dhcp4", code).unwrap().name;
        let mut names = [64, 65, 68, 76, 93, 94, 97].map(name);
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
    fn v6_codes_of_kea_1_1_are_kept_for_them_and_later_ones_are_not() {
        let early = [1..=9, 11..=34, 36..=48, 59..=62, 65..=66, 79..=79, 87..=88];
        for code in early.into_iter().flatten() {
            assert!(!by_code(V6, "dhcp6", code).unwrap().redefinable, "{code}");
        }
        let later = [51..=53, 56..=58, 64..=64, 67..=67, 74..=74, 80..=80, 82..=83, 94..=96];
        let latest = [103..=103, 135..=136, 143..=144, 148..=148, 701..=704];
        for code in later.into_iter().chain(latest).flatten() {
            assert!(by_code(V6, "dhcp6", code).unwrap().redefinable, "{code}");
        }
        // RFC 7598 knows these inside containers only.
        assert!((89..=93).all(|code| by_code(V6, "dhcp6", code).is_none()));
    }

    #[test]
    fn families_do_not_see_each_other() {
        assert!(by_code(V6, "dhcp4", 3).is_none() && by_code(V4, "dhcp6", 3).is_none());
        let oro = |universe| by_name(universe, "vendor-4491", "oro").unwrap().data_type;
        assert_eq!((oro(V4), oro(V6)), (DataType::Uint8, DataType::Uint16));
    }

    #[test]
    fn unknown_codes_and_names_have_no_definition() {
        assert!(by_code(V4, "dhcp4", 0).is_none() && by_code(V4, "dhcp4", 255).is_none());
        assert!(by_code(V4, "dhcp4", 224).is_none() && by_code(V4, "dhcp4", 300).is_none());
        assert!(by_name(V4, "dhcp4", "nonsense").is_none() && by_code(V4, "other", 1).is_none());
        assert!(by_code(V6, "dhcp6", 0).is_none() && by_code(V6, "dhcp6", 10).is_none());
    }
}
