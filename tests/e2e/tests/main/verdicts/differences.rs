//! Files of which the verdicts differ, with the reasons.

use e2e::prelude::*;

/// Files that one of the two refuses.
#[derive(Debug)]
pub(super) struct Difference {
    /// The servers in question.
    pub(super) families: &'static [Family],
    /// `Kea` or `we`.
    pub(super) refused_by: &'static str,
    /// The names of the files contain one of these.
    pub(super) names: &'static [&'static str],
    /// Why it is right that the verdicts differ.
    #[expect(dead_code, reason = "for readers, and shown when the test fails")]
    pub(super) reason: &'static str,
}

impl Difference {
    pub(super) fn is_about(&self, name: &str) -> bool {
        self.names.iter().any(|part| name.contains(part))
    }
}

const BOTH: &[Family] = &[Family::V4, Family::V6];

pub(super) const ALL: &[Difference] = &[
    Difference {
        families: BOTH,
        refused_by: "Kea",
        names: &[
            " = {}",
            "= []",
            r#""mac-sources": []"#,
            "compatibility/lenient-option-parsing missing",
            "sanity-checks/lease-checks missing",
            "relay/ip-addresses missing",
        ],
        reason: "An empty list or map asks for nothing; its defaults are meant. Kea's grammar wants an entry.",
    },
    Difference {
        families: BOTH,
        refused_by: "Kea",
        names: &["multi-threading/enable-multi-threading missing"],
        reason: "Several workers are the default of Kea 3, so nothing is unclear.",
    },
    Difference {
        families: BOTH,
        refused_by: "Kea",
        names: &[
            "interfaces/0 = ",
            "subnet4/0/interface = ",
            "subnet6/0/interface = ",
            r#""interface": "nowhere0""#,
            "lo/fe80::1",
        ],
        reason: "Interfaces may appear after the start; they are waited for.",
    },
    Difference {
        families: BOTH,
        refused_by: "Kea",
        names: &["renew-timer missing"],
        reason: "Kea 3 and we send no T1 that is greater than T2, and say so in a warning.",
    },
    Difference {
        families: BOTH,
        refused_by: "Kea",
        names: &[
            "csv-format missing",
            r#""code": 250, "data": "0102" }"#,
            r#""code": 65535, "data""#,
        ],
        reason: "Kea 1.1 and 3 take the data of an option without definition for hexadecimal digits.",
    },
    Difference {
        families: BOTH,
        refused_by: "Kea",
        names: &[r#"[ "auto" ]"#],
        reason: "Kea 1.1 and its guide know `auto`.",
    },
    Difference {
        families: BOTH,
        refused_by: "Kea",
        names: &["contact-points"],
        reason: "Kea 1.1 takes what belongs to Cassandra for any database and ignores it; a warning says so.",
    },
    Difference {
        families: BOTH,
        refused_by: "we",
        names: &[
            r#""lease-database": { "type": "mysql" }"#,
            r#""mysql", "name": "kea", "connect-timeout": 0"#,
            r#""cert-file": "c" }"#,
            r#""hosts-database": { "type": "memfile""#,
        ],
        reason: "Kea finds it when it opens the database, and does not start then.",
    },
    Difference {
        families: &[Family::V4],
        refused_by: "Kea",
        names: &[r#"{ "client-id": "01:02:03", "hostname": "a" }, { "client-id""#],
        reason: "Kea 1.1 loads it, and an example of its own does it; a warning says which one counts.",
    },
    Difference {
        families: &[Family::V4],
        refused_by: "Kea",
        names: &[r#""space": "dhcp6" } ]"#],
        reason: "Nothing can refer to such a definition, so it does no harm.",
    },
    Difference {
        families: &[Family::V6],
        refused_by: "Kea",
        names: &["data-directory = "],
        reason: "Whether the directory can be used is found when the server starts, which fails then.",
    },
    Difference {
        families: BOTH,
        refused_by: "we",
        names: &["loggers/0/"],
        reason: "Kea does not look at loggers with -t; the server would not start as it is meant to.",
    },
    Difference {
        families: BOTH,
        refused_by: "we",
        names: &[
            "-valid-lifetime = ",
            "-preferred-lifetime = ",
            "statistic-default-sample-",
            "parked-packet-limit = ",
            "-percent = 1.5",
            "Dhcp4/next-server = ",
        ],
        reason: "Kea does not look at what all subnets override or nothing uses yet; it is wrong nevertheless.",
    },
    Difference {
        families: BOTH,
        refused_by: "we",
        names: &[r#""t1-percent": 0.9, "t2-percent": 0.8"#, "Dhcp6/preferred-lifetime missing"],
        reason: "Kea finds it when there is a subnet that does not override it.",
    },
    Difference {
        families: &[Family::V6],
        refused_by: "we",
        names: &[r#""preferred-lifetime": 10, "valid-lifetime": 5"#],
        reason: "RFC 8415 21.6: clients discard such addresses.",
    },
    Difference {
        families: BOTH,
        refused_by: "we",
        names: &[r#""boolean": "data": "'x'""#, r#""data": "+1""#],
        reason: "RFC 2132 knows two values of a flag, 0 and 1.",
    },
    Difference {
        families: BOTH,
        refused_by: "we",
        names: &[r#""data": "2001:db8::1""#],
        reason: "Sixteen bytes are no IPv4 address; clients would take them for four.",
    },
    Difference {
        families: BOTH,
        refused_by: "we",
        names: &["2001:db8::/129"],
        reason: "No prefix has more than 128 bits.",
    },
    Difference {
        families: BOTH,
        refused_by: "we",
        names: &["client-classes/0 "],
        reason: "A class without a name matches nothing; one given twice is likely a slip.",
    },
    Difference {
        families: &[Family::V4],
        refused_by: "we",
        names: &[r#""client-id": "01""#],
        reason: "RFC 2132 9.14: an identifier has two bytes at least, no client has this one.",
    },
    Difference {
        families: &[Family::V6],
        refused_by: "we",
        names: &[r#"{ "flex-id": "01:02:03", "hostname": "a" }, {"#],
        reason: "One of the two reservations would never count; Kea 3 refuses it.",
    },
    Difference {
        families: BOTH,
        refused_by: "we",
        names: &[
            r#""id": 2, "subnet": "192.0.2.7/24""#,
            r#""id": 2, "subnet": "2001:db8:1::7/64""#,
        ],
        reason: "Both are the same subnet, only host bits differ.",
    },
];
