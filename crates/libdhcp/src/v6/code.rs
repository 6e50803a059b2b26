//! Numbers of the DHCPv6 options that server code names.

/// Client identifier.
pub const CLIENTID: u16 = 1;
/// Server identifier.
pub const SERVERID: u16 = 2;
/// Identity association for addresses.
pub const IA_NA: u16 = 3;
/// Identity association for temporary addresses.
pub const IA_TA: u16 = 4;
/// Address of an identity association.
pub const IAADDR: u16 = 5;
/// Requested options.
pub const ORO: u16 = 6;
/// Preference of the server.
pub const PREFERENCE: u16 = 7;
/// Hundredths of seconds since the client began.
pub const ELAPSED_TIME: u16 = 8;
/// Message inside a relay message.
pub const RELAY_MSG: u16 = 9;
/// Authentication.
pub const AUTH: u16 = 11;
/// Address for unicast to the server.
pub const UNICAST: u16 = 12;
/// Status code.
pub const STATUS_CODE: u16 = 13;
/// Rapid commit.
pub const RAPID_COMMIT: u16 = 14;
/// User class.
pub const USER_CLASS: u16 = 15;
/// Vendor class.
pub const VENDOR_CLASS: u16 = 16;
/// Options of a vendor.
pub const VENDOR_OPTS: u16 = 17;
/// Interface of the relay towards the client.
pub const INTERFACE_ID: u16 = 18;
/// Kind of message that answers a RECONFIGURE.
pub const RECONF_MSG: u16 = 19;
/// Readiness for RECONFIGURE.
pub const RECONF_ACCEPT: u16 = 20;
/// Domain name servers (RFC 3646).
pub const DNS_SERVERS: u16 = 23;
/// Domain search list (RFC 3646).
pub const DOMAIN_SEARCH: u16 = 24;
/// Identity association for prefixes.
pub const IA_PD: u16 = 25;
/// Prefix of an identity association.
pub const IAPREFIX: u16 = 26;
/// Time after which options are to be refreshed.
pub const INFORMATION_REFRESH_TIME: u16 = 32;
/// Remote id of the relay (RFC 4649).
pub const REMOTE_ID: u16 = 37;
/// Subscriber id of the relay (RFC 4580).
pub const SUBSCRIBER_ID: u16 = 38;
/// Client FQDN (RFC 4704).
pub const CLIENT_FQDN: u16 = 39;
/// Options that a relay requests (RFC 4994).
pub const ERO: u16 = 43;
/// Data of a client in an answer to a lease query (RFC 5007).
pub const CLIENT_DATA: u16 = 45;
/// Id of the relay (RFC 5460).
pub const RELAY_ID: u16 = 53;
/// Local domain name for ERP, which relays supply (RFC 6440).
pub const ERP_LOCAL_DOMAIN_NAME: u16 = 65;
/// Options that a relay supplies (RFC 6422).
pub const RSOO: u16 = 66;
/// Part of a prefix that the client must not use (RFC 6603).
pub const PD_EXCLUDE: u16 = 67;
/// Link-layer address of the client as the relay saw it (RFC 6939).
pub const CLIENT_LINKLAYER_ADDR: u16 = 79;
/// Longest time between SOLICITs (RFC 8415).
pub const SOL_MAX_RT: u16 = 82;
/// Longest time between INFORMATION-REQUESTs (RFC 8415).
pub const INF_MAX_RT: u16 = 83;
/// A DHCPv4 message (RFC 7341).
pub const DHCPV4_MSG: u16 = 87;
/// UDP source port of the relay (RFC 8357).
pub const RELAY_SOURCE_PORT: u16 = 135;

/// Option of enterprise 4491 in option 17: requested options.
pub const CABLELABS_ORO: u16 = 1;
/// Option of enterprise 4491 in option 17: hardware address of a modem.
pub const CABLELABS_DEVICE_ID: u16 = 36;
/// Option of enterprise 4491 in a relay's option 17: hardware address of a modem.
pub const CABLELABS_CMTS_CM_MAC: u16 = 1026;
