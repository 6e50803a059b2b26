//! The log messages of the MySQL back-end.

kea_log::messages! {
    MYSQL_LEASE_ROW_UNREADABLE = (Warn, "the row of lease {} in the table '{}' is passed over: {}");
    MYSQL_LEASE_UNFIT = (Error, "the lease of {} cannot be stored in the table '{}': {}");
}
