//! The log messages of what speaks to databases.

kea_log::messages! {
    DATABASE_HOST_UNUSABLE = (Warn, "{}: {}; this is passed over");
}
