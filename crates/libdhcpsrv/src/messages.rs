//! The log messages of what both servers share.

kea_log::messages! {
    HOSTS_CFG_GET_ONE_SUBNET_ID_IDENTIFIER_HOST = (Debug 45, "{}: reservation found by {} in {}");
}
