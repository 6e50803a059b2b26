//! The log messages of the daemon around a server that do not name the server.
//!
//! Ids are Kea's wherever Kea has the message, and the phrases that existing tools look for are kept. Messages that
//! Kea has once for each server are consts of [`DaemonMessages`](crate::DaemonMessages).

kea_log::messages! {
    DHCPSRV_CFGMGR_SOCKET_TYPE_SELECT = (Info, "using socket type {}");
    DHCPSRV_SOCKET_OPENED = (Info, "listening on {} ({})");
    DHCPSRV_SOCKET_CLOSED = (Info, "no longer listening on {} ({})");
    DHCPSRV_OPEN_SOCKET_FAIL = (Warn, "cannot open a socket on {} ({}): {}; it is tried again when the interface changes and every second");
    DHCPSRV_NO_SOCKETS_OPEN = (Warn, "no interface to listen on yet; the server waits for one to appear");
    DHCPSRV_INTERFACES_UNREADABLE = (Warn, "cannot read the interfaces: {}; they are served as last known, and it is tried again every second");
    DHCPSRV_MEMFILE_DB = (Info, "opening the memory file lease database: {}");
    DHCPSRV_MEMFILE_NO_STORAGE = (Warn, "leases are kept in memory only and will be lost at the end of the process");
    DHCPSRV_MEMFILE_LEASE_FILE_LOAD = (Info, "loading leases from file {}");
    DHCPSRV_MEMFILE_LEASE_FILE_LOADED = (Info, "{} leases loaded from {} rows in {} ms");
    DHCPSRV_MEMFILE_LEASE_LOAD_ROW_ERROR = (Error, "lease file {}, line {}: {}; the row is skipped");
    DHCPSRV_MEMFILE_LEASE_LOAD_ROW_ERRORS = (Error, "lease file {}: {} more rows cannot be read and are skipped");
    DHCPSRV_MEMFILE_TORN_ROW = (Warn, "lease file {}: the last row (line {}) is incomplete, as after a crash; it was never acknowledged and is removed");
    DHCPSRV_MEMFILE_NEEDS_UPGRADING = (Warn, "lease file {} has the columns of an earlier version; it is converted");
    DHCPSRV_MEMFILE_NEEDS_DOWNGRADING = (Warn, "lease file {} has more columns than this version knows; they are dropped by the conversion");
    DHCPSRV_LEASE_SANITY_FAIL = (Warn, "the lease on {} is of subnet {}, but {}; it is kept");
    DHCPSRV_LEASE_SANITY_FIXED = (Info, "the lease on {} was of subnet {} and is of subnet {} now, which has the address");
    DHCPSRV_LEASE_SANITY_FAIL_DISCARD = (Info, "the lease on {} is of subnet {}, but {}; it is dropped");
    DHCPSRV_LEASE_SANITY_MORE = (Warn, "{} more leases are not of the subnet that has their address");
    DHCPSRV_EXTENDED_INFO_MENDED = (Info, "what {} leases say of relays was not of today's form and has been mended or taken out");
    DHCPSRV_MEMFILE_LFC_SETUP = (Info, "the lease file is cleaned up every {} seconds");
    DHCPSRV_MEMFILE_LFC_START = (Info, "starting the lease file clean-up");
    DHCPSRV_MEMFILE_LFC_EXECUTE = (Info, "executing {}");
    DHCPSRV_MEMFILE_LFC_SPAWN_FAIL = (Error, "cannot execute {}: {}");
    DHCPSRV_MEMFILE_LFC_LEASE_FILE_RENAME_FAIL = (Error, "cannot move lease file {} aside: {}; no clean-up this time");
    DHCPSRV_MEMFILE_LFC_ENDED = (Warn, "the lease file clean-up ended with {}");
    DHCPSRV_MEMFILE_WRITE_FAIL = (Error, "leases cannot be stored in {}: {}; nothing is acknowledged until storage works again");
    DHCPSRV_MEMFILE_WRITE_RECOVERED = (Info, "leases are stored in {} again");
    DHCPSRV_MYSQL_DB = (Info, "opening the lease database: {}");
    DHCPSRV_PGSQL_DB = (Info, "opening the lease database: {}");
    DHCPSRV_MYSQL_HOST_DB = (Info, "opening the database of hosts: {}");
    DHCPSRV_PGSQL_HOST_DB = (Info, "opening the database of hosts: {}");
    DHCPSRV_SQL_HOST_DB_READONLY = (Info, "{} is only read");
    DHCPSRV_SQL_SCHEMA = (Info, "{} has the tables of version {}");
    DHCPSRV_SQL_START_RETRY = (Warn, "{} cannot be opened: {}; try {} of {} follows");
    DHCPSRV_SQL_COUNT_OLD = (Info, "the leases in {} could not be counted in the moment in which nobody is served: statistics lack what has changed while they were counted before");
    DHCPSRV_SQL_STATEMENT_FAILED = (Error, "{}: {}; the clients concerned get no answer");
    DHCPSRV_REPLIES_DISCARDED = (Warn, "{} replies were discarded because their leases could not be stored");
}
