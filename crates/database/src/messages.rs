//! The log messages of what speaks to databases.

kea_log::messages! {
    DATABASE_LEASE_UNFIT = (Error, "the lease of {} is not given: the table of leases cannot hold it: {}");
    DATABASE_HOST_UNUSABLE = (Warn, "{}: {}; this is passed over");
}
