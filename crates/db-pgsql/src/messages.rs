//! The log messages of this crate.

kea_log::messages! {
    PGSQL_LEASE_ROW_UNUSABLE = (Warn, "table {}: the row of address {} is passed over: {}");
    PGSQL_STATES_MISSING = (Warn, "table 'lease_state' knows no state {}: {} leases are stored as {}");
}
