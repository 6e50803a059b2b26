//! The log messages of `kea-dhcp6`.
//!
//! Ids are Kea's wherever Kea has the message, and the phrases that existing tools look for are kept.

kea_log::messages! {
    DHCP6_STARTING = (Info, "Kea DHCPv6 server version {} (process {}) is starting");
    DHCP6_STARTED = (Info, "Kea DHCPv6 server version {} started");
    DHCP6_SHUTDOWN = (Info, "the server has stopped");
    DHCP6_SHUTDOWN_REQUEST = (Debug 0, "shutdown was asked for by signal {}");
    DHCP6_ALREADY_RUNNING = (Fatal, "{}");
    DHCP6_SERVER_FAILED = (Fatal, "the server failed: {}");
    DHCP6_INIT_FAIL = (Error, "failed to initialize Kea server: {}");
    DHCP6_CONFIG_LOAD_FAIL = (Error, "configuration error using file: {}, reason: {}");
    DHCP6_PARSER_FAIL = (Error, "{}");
    DHCP6_CONFIG_WARNING = (Warn, "{}");
    DHCP6_CONFIG_COMPLETE = (Info, "configuration complete: {}; DDNS: disabled");
    DHCP6_CONFIG_NEW_SUBNET = (Info, "subnet {} (id {}): renew-timer {}, rebind-timer {}, preferred-lifetime {}, valid-lifetime {}");
    DHCP6_DYNAMIC_RECONFIGURATION = (Info, "reconfiguring from file {} because of a signal");
    DHCP6_DB_RECONNECT_LOST_CONNECTION = (Error, "the connection to {} is lost: {}");
    DHCP6_DB_RECONNECT_ATTEMPT_FAILED = (Warn, "try {} of {} to connect to {} has failed: {}; the next one follows in {} ms");
    DHCP6_DB_RECONNECT_SUCCEEDED = (Info, "the connection to {} is there again");
    DHCP6_DB_RECONNECT_FAILED = (Error, "no connection to {} after {} tries");
    DHCP6_DYNAMIC_RECONFIGURATION_SUCCESS = (Info, "dynamic server reconfiguration succeeded with file: {}");
    DHCP6_DYNAMIC_RECONFIGURATION_FAIL = (Error, "dynamic server reconfiguration failed with file: {}; Failed to apply configuration: {}. The configuration in force stays");
    DHCP6_MULTI_THREADING_INFO = (Info, "packets are processed by {} worker thread(s)");
    DHCP6_USING_SERVERID = (Info, "server-id {} is in use ({})");
    DHCP6_SERVERID_FILE_FAIL = (Warn, "the server-id cannot be kept in file {}: {}; it may be another one after the next start");

    DHCP6_LEASE_ADVERT = (Info, "{}: lease for address {} and iaid={} will be advertised");
    DHCP6_LEASE_ALLOC = (Info, "{}: lease for address {} and iaid={} has been allocated for {} seconds");
    DHCP6_LEASE_RENEW = (Info, "{}: lease for address {} and iaid={} has been renewed for {} seconds");
    DHCP6_LEASE_REUSE = (Info, "{}: lease for address {} and iaid={} has been reused for {} seconds");
    DHCP6_PD_LEASE_REUSE = (Info, "{}: lease for prefix {}/{} and iaid={} has been reused for {} seconds");
    DHCP6_PD_LEASE_ADVERT = (Info, "{}: lease for prefix {}/{} and iaid={} will be advertised");
    DHCP6_PD_LEASE_ALLOC = (Info, "{}: lease for prefix {}/{} and iaid={} has been allocated for {} seconds");
    DHCP6_PD_LEASE_RENEW = (Info, "{}: lease for prefix {}/{} and iaid={} has been renewed for {} seconds");
    DHCP6_LEASE_WITHDRAWN = (Info, "{}: {}/{} of iaid={} must not be used any longer: {}");
    DHCP6_RELEASE_NA = (Info, "{}: binding for address {} and iaid={} was released properly");
    DHCP6_RELEASE_PD = (Info, "{}: prefix {}/{} for iaid={} was released properly");
    DHCP6_RELEASE_NA_FAIL_WRONG_DUID = (Info, "{}: cannot release address {} (iaid={}): it is leased to another client");
    DHCP6_RELEASE_NA_FAIL_WRONG_IAID = (Warn, "{}: cannot release address {} (iaid={}): it is leased to another association of the client");
    DHCP6_RELEASE_PD_FAIL_WRONG_DUID = (Info, "{}: cannot release prefix {} (iaid={}): it is leased to another client");
    DHCP6_RELEASE_PD_FAIL_WRONG_IAID = (Warn, "{}: cannot release prefix {} (iaid={}): it is leased to another association of the client");
    DHCP6_UNKNOWN_RELEASED_NA = (Info, "{}: cannot release address {} (iaid={}): it is not leased");
    DHCP6_UNKNOWN_RELEASED_PD = (Info, "{}: cannot release prefix {} (iaid={}): it is not leased");
    DHCP6_DECLINE_LEASE = (Info, "{}: address {} was declined and is kept back for {} seconds");
    DHCP6_DECLINE_FAIL_NO_LEASE = (Info, "{}: cannot decline address {} (iaid={}): it is not leased");
    DHCP6_DECLINE_FAIL_DUID_MISMATCH = (Info, "{}: cannot decline address {} (iaid={}): it is leased to another client");
    DHCP6_DECLINE_FAIL_IAID_MISMATCH = (Info, "{}: cannot decline address {} (iaid={}): it is leased to another association of the client");

    DHCP6_QUERY_REFUSED = (Info, "{}: {} on {} via {}: refused: {}");
    DHCP6_QUERY_DROPPED = (Info, "{}: {} on {} via {}: dropped: {}");
    DHCP6_PACKET_DROP_PARSE_FAIL = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP6_PACKET_DROP_SERVERID_MISMATCH = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP6_PACKET_DROP_UNICAST = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP6_REQUIRED_OPTIONS_CHECK_FAIL = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP6_UNKNOWN_MSG_RECEIVED = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP6_PACKET_DROP_DROP_CLASS = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP6_PACKET_DROP_DROP_CLASS2 = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP6_PACKET_DROP_DROP_CLASS_EARLY = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP6_PACKET_REJECT_CLASS = (Debug 15, "{}: {} on {} via {}: refused: {}");
    DHCP6_PACKET_PROCESS_FAIL = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP6_PACKET_DROP_DUPLICATE = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP6_KERNEL_DROPS = (Warn, "the system dropped {} packets because they came faster than they could be processed");
    DHCP6_FRAMES_DROPPED = (Debug 15, "{} datagrams were dropped: {}");
    DHCP6_PACKET_PROCESS_EXCEPTION = (Error, "processing a packet of {} bytes from {} failed: {}; this is a defect, please report it");
    DHCP6_PACKET_RECEIVED = (Debug 40, "{}: {} received from {} to {} on {}");
    DHCP6_SUBNET_SELECTED = (Debug 45, "{}: subnet with id {} selected ({})");
    DHCP6_SUBNET_SELECTION_FAILED = (Debug 50, "{}: no subnet fits");
    DHCP6_EXPLAIN = (Debug 0, "{}: {}");
    DHCP6_PACKET_SEND = (Debug 40, "{}: {} sent to {} on {}");
    DHCP6_PACKET_SEND_FAIL = (Error, "sending a reply to {} on {} failed: {}");
    DHCP6_PACK_FAIL = (Error, "{}: the reply could not be built: {}");

    ALLOC_ENGINE_V6_LEASE_RECLAIM = (Debug 40, "expired lease {} of subnet {} is reclaimed");
    ALLOC_ENGINE_V6_LEASES_RECLAMATION_COMPLETE = (Debug 40, "{} expired leases were reclaimed in {} ms");
    ALLOC_ENGINE_V6_LEASES_RECLAMATION_SLOW = (Warn, "expired leases are still left after {} runs in a row: raise max-reclaim-leases or max-reclaim-time, or lower reclaim-timer-wait-time");
    ALLOC_ENGINE_V6_DECLINED_RECOVERED = (Info, "address {} is available again after its decline");
    ALLOC_ENGINE_V6_RECLAIMED_LEASES_DELETE = (Debug 40, "{} reclaimed leases were removed");
    ALLOC_ENGINE_V6_HR_ADDR_GRANTED = (Info, "{}: address {}, which is reserved for the client, is assigned to iaid={}");
    ALLOC_ENGINE_V6_HR_PREFIX_GRANTED = (Info, "{}: prefix {}/{}, which is reserved for the client, is assigned to iaid={}");
    ALLOC_ENGINE_V6_REVOKED_ADDR_LEASE = (Info, "{}: address {} of iaid={} is reserved for another client, its lease has ended");
    ALLOC_ENGINE_V6_REVOKED_PREFIX_LEASE = (Info, "{}: prefix {}/{} of iaid={} is reserved for another client, its lease has ended");
    ALLOC_ENGINE_V6_ALLOC_FAIL = (Warn, "{}: no {} is free in subnet {}");
    ALLOC_ENGINE_V6_ALLOC_FAIL_SHARED_NETWORK = (Warn, "{}: no {} is free in shared network {}");
}

pub use libdhcpsrv::loggers;
