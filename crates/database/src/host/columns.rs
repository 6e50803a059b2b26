//! The columns of hosts: which there must be, which there may be, and in which order rows have them.

use libdhcpsrv::hosts::HostKind;
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;

use crate::{DbError, Fault};

/// What the tables of the two protocols differ in.
pub trait HostFamily: HostKind {
    /// The column of the subnet in `hosts`.
    const SUBNET: &'static str;
    /// The table of options.
    const OPTIONS: &'static str;
    /// Whether hosts have rows of `ipv6_reservations`.
    const HAS_RESERVATIONS: bool;
    /// The columns of their own, behind those of both.
    const OWN: &'static [Column];
    /// The column of classes in `hosts`.
    const CLASSES: &'static str;
}

/// A column that is read.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// `h` of `hosts`, `o` of options, `r` of `ipv6_reservations`.
    pub table: char,
    /// Its name.
    pub name: &'static str,
    /// Whether it must be there.
    pub is_needed: bool,
}

const fn needed(table: char, name: &'static str) -> Column {
    Column { table, name, is_needed: true }
}

const fn optional(table: char, name: &'static str) -> Column {
    Column { table, name, is_needed: false }
}

impl HostFamily for V4 {
    const SUBNET: &'static str = "dhcp4_subnet_id";
    const OPTIONS: &'static str = "dhcp4_options";
    const HAS_RESERVATIONS: bool = false;
    const OWN: &'static [Column] = &[
        needed('h', "ipv4_address"),
        optional('h', "dhcp4_next_server"),
        optional('h', "dhcp4_server_hostname"),
        optional('h', "dhcp4_boot_file_name"),
    ];
    const CLASSES: &'static str = "dhcp4_client_classes";
}

impl HostFamily for V6 {
    const SUBNET: &'static str = "dhcp6_subnet_id";
    const OPTIONS: &'static str = "dhcp6_options";
    const HAS_RESERVATIONS: bool = true;
    const OWN: &'static [Column] = &[
        needed('r', "reservation_id"),
        needed('r', "address"),
        needed('r', "prefix_len"),
        needed('r', "type"),
        optional('r', "excluded_prefix"),
        optional('r', "excluded_prefix_len"),
    ];
    const CLASSES: &'static str = "dhcp6_client_classes";
}

/// The columns of a database's tables.
#[derive(Clone, Debug)]
pub struct HostColumns {
    /// Each with whether it is there.
    columns: Vec<(Column, bool)>,
}

impl HostColumns {
    /// Looks at the tables; `has` tells whether a table has a column. `advice` says what helps if one is missing.
    ///
    /// # Errors
    /// [`DbError`] with [`Fault::Schema`], which names what is missing.
    pub fn new<K: HostFamily>(
        has: impl Fn(&str, &str) -> bool,
        advice: &str,
    ) -> Result<Self, DbError> {
        let both = [
            needed('h', "host_id"),
            needed('h', "dhcp_identifier"),
            needed('h', "dhcp_identifier_type"),
            needed('h', K::SUBNET),
            needed('h', "hostname"),
            needed('h', K::CLASSES),
            needed('o', "option_id"),
            needed('o', "code"),
            needed('o', "value"),
            needed('o', "formatted_value"),
            needed('o', "space"),
            needed('o', "persistent"),
            optional('o', "cancelled"),
            optional('o', "client_classes"),
        ];
        let conditions = [needed('o', "host_id"), needed('o', "scope_id")];
        let of_reservations = K::HAS_RESERVATIONS.then_some(needed('r', "host_id"));
        let unread = conditions.into_iter().chain(of_reservations);
        let all = both.iter().chain(K::OWN);
        let found = |column: &Column| has(table_of::<K>(column.table), column.name);
        for column in all.clone().copied().chain(unread).filter(|column| column.is_needed) {
            if !found(&column) {
                let (table, name) = (table_of::<K>(column.table), column.name);
                let reason = format!("the table '{table}' has no column '{name}': {advice}");
                return Err(DbError::new(Fault::Schema, "open", reason));
            }
        }
        Ok(Self { columns: all.map(|column| (*column, found(column))).collect() })
    }

    /// What is selected, from `hosts h` and, if `with_options`, the options `o`. `write` tells how a column is read.
    #[must_use]
    pub fn selected(&self, with_options: bool, write: impl Fn(&Column) -> String) -> String {
        let expressions = self.columns.iter().map(|(column, is_there)| {
            if *is_there && (with_options || column.table != 'o') {
                write(column)
            } else {
                "NULL".to_owned()
            }
        });
        expressions.collect::<Vec<_>>().join(", ")
    }
}

/// Name of the table behind a letter.
fn table_of<K: HostFamily>(letter: char) -> &'static str {
    match letter {
        'h' => "hosts",
        'o' => K::OPTIONS,
        _ => "ipv6_reservations",
    }
}
