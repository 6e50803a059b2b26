//! Numbers of the DHCPv4 options that server code names.

/// Filler without length.
pub const PAD: u8 = 0;
/// Subnet mask.
pub const SUBNET_MASK: u8 = 1;
/// Routers.
pub const ROUTERS: u8 = 3;
/// Domain name servers.
pub const DOMAIN_NAME_SERVERS: u8 = 6;
/// Host name.
pub const HOST_NAME: u8 = 12;
/// Domain name.
pub const DOMAIN_NAME: u8 = 15;
/// Vendor encapsulated options.
pub const VENDOR_ENCAPSULATED_OPTIONS: u8 = 43;
/// Requested address.
pub const REQUESTED_ADDRESS: u8 = 50;
/// Lease time in seconds.
pub const LEASE_TIME: u8 = 51;
/// Use of `sname` and `file` for options.
pub const OPTION_OVERLOAD: u8 = 52;
/// Message type.
pub const MESSAGE_TYPE: u8 = 53;
/// Server identifier.
pub const SERVER_IDENTIFIER: u8 = 54;
/// Parameter request list.
pub const PARAMETER_REQUEST_LIST: u8 = 55;
/// Error text.
pub const MESSAGE: u8 = 56;
/// Largest message the client accepts.
pub const MAX_MESSAGE_SIZE: u8 = 57;
/// Renewal time T1.
pub const RENEWAL_TIME: u8 = 58;
/// Rebinding time T2.
pub const REBINDING_TIME: u8 = 59;
/// Vendor class identifier.
pub const VENDOR_CLASS_IDENTIFIER: u8 = 60;
/// Client identifier.
pub const CLIENT_IDENTIFIER: u8 = 61;
/// TFTP server name.
pub const TFTP_SERVER_NAME: u8 = 66;
/// Boot file name.
pub const BOOT_FILE_NAME: u8 = 67;
/// User class.
pub const USER_CLASS: u8 = 77;
/// Rapid commit.
pub const RAPID_COMMIT: u8 = 80;
/// Client FQDN.
pub const CLIENT_FQDN: u8 = 81;
/// Relay agent information.
pub const RELAY_AGENT_INFORMATION: u8 = 82;
/// Client system architecture.
pub const CLIENT_SYSTEM: u8 = 93;
/// Machine identifier.
pub const UUID_GUID: u8 = 97;
/// IPv6-only preferred.
pub const V6_ONLY_PREFERRED: u8 = 108;
/// Subnet selection.
pub const SUBNET_SELECTION: u8 = 118;
/// Domain search list.
pub const DOMAIN_SEARCH: u8 = 119;
/// Classless static routes.
pub const CLASSLESS_STATIC_ROUTE: u8 = 121;
/// Vendor-identifying vendor class.
pub const VIVCO_SUBOPTIONS: u8 = 124;
/// Vendor-identifying vendor options.
pub const VIVSO_SUBOPTIONS: u8 = 125;
/// End of options.
pub const END: u8 = 255;

/// Sub-option of 82: circuit id.
pub const RAI_CIRCUIT_ID: u8 = 1;
/// Sub-option of 82: remote id.
pub const RAI_REMOTE_ID: u8 = 2;
/// Sub-option of 82: link selection (RFC 3527).
pub const RAI_LINK_SELECTION: u8 = 5;
/// Sub-option of 82: subscriber id (RFC 3993).
pub const RAI_SUBSCRIBER_ID: u8 = 6;
/// Sub-option of 82: relay flags (RFC 5010).
pub const RAI_RELAY_FLAGS: u8 = 10;
/// Sub-option of 82: server identifier override (RFC 5107).
pub const RAI_SERVER_ID_OVERRIDE: u8 = 11;
/// Sub-option of 82: relay id (RFC 6925).
pub const RAI_RELAY_ID: u8 = 12;
