//! The log messages of the MySQL back-end.

kea_log::messages! {
    MYSQL_CIPHER_LIST_IGNORED = (Warn, "{}: cipher-list has no effect: TLS 1.2 and 1.3 are used with their modern ciphers, choose among them in the database server");
    MYSQL_LEASE_ROW_UNREADABLE = (Warn, "the row of lease {} in the table '{}' is passed over: {}");
    MYSQL_LEASE_UNFIT = (Error, "the lease of {} cannot be stored in the table '{}': {}");
}
