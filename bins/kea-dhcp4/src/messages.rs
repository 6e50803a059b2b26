//! The log messages of `kea-dhcp4`.
//!
//! Ids are Kea's wherever Kea has the message, and the phrases that existing tools look for are kept.

kea_log::messages! {
    DHCP4_STARTING = (Info, "Kea DHCPv4 server version {} (process {}) is starting");
    DHCP4_STARTED = (Info, "Kea DHCPv4 server version {} started");
    DHCP4_SHUTDOWN = (Info, "the server has stopped");
    DHCP4_SHUTDOWN_REQUEST = (Debug 0, "shutdown was asked for by signal {}");
    DHCP4_ALREADY_RUNNING = (Fatal, "{}");
    DHCP4_SERVER_FAILED = (Fatal, "the server failed: {}");
    DHCP4_INIT_FAIL = (Error, "failed to initialize Kea server: {}");
    DHCP4_CONFIG_LOAD_FAIL = (Error, "configuration error using file: {}, reason: {}");
    DHCP4_PARSER_FAIL = (Error, "{}");
    DHCP4_CONFIG_WARNING = (Warn, "{}");
    DHCP4_CONFIG_COMPLETE = (Info, "configuration complete: {}; DDNS: disabled");
    DHCP4_CONFIG_NEW_SUBNET = (Info, "subnet {} (id {}): renew-timer {}, rebind-timer {}, valid-lifetime {}");
    DHCP4_DYNAMIC_RECONFIGURATION = (Info, "reconfiguring from file {} because of a signal");
    DHCP4_DB_RECONNECT_LOST_CONNECTION = (Error, "the connection to {} is lost: {}");
    DHCP4_DB_RECONNECT_ATTEMPT_FAILED = (Warn, "try {} of {} to connect to {} has failed: {}; the next one follows in {} ms");
    DHCP4_DB_RECONNECT_SUCCEEDED = (Info, "the connection to {} is there again");
    DHCP4_DB_RECONNECT_FAILED = (Error, "no connection to {} after {} tries");
    DHCP4_DYNAMIC_RECONFIGURATION_SUCCESS = (Info, "dynamic server reconfiguration succeeded with file: {}");
    DHCP4_DYNAMIC_RECONFIGURATION_FAIL = (Error, "dynamic server reconfiguration failed with file: {}; Failed to apply configuration: {}. The configuration in force stays");
    DHCP4_MULTI_THREADING_INFO = (Info, "packets are processed by {} worker thread(s)");

    DHCP4_LEASE_OFFER = (Info, "{}: lease {} will be offered");
    DHCP4_LEASE_ALLOC = (Info, "{}: lease {} has been allocated for {} seconds");
    DHCP4_LEASE_REUSE = (Info, "{}: lease {} has been reused for {} seconds");
    DHCP4_RELEASE = (Info, "{}: address {} was released properly");
    DHCP4_DECLINE_LEASE = (Info, "{}: address {} was declined and is kept back for {} seconds");
    DHCP4_INIT_REBOOT = (Info, "{}: client returns and asks for address {}");
    DHCP4_QUERY_REFUSED = (Info, "{}: {} on {} via {}: refused: {}");
    DHCP4_QUERY_DROPPED = (Info, "{}: {} on {} via {}: dropped: {}");
    DHCP4_PACKET_DROP_0001 = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP4_PACKET_DROP_0002 = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP4_PACKET_DROP_0003 = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP4_PACKET_DROP_0004 = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP4_PACKET_DROP_0005 = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP4_PACKET_DROP_0006 = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP4_PACKET_DROP_0007 = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP4_PACKET_DROP_0010 = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP4_PACKET_DROP_0013 = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP4_PACKET_DROP_0014 = (Debug 15, "{}: {} on {} via {}: dropped: {}");
    DHCP4_RELEASE_FAIL_NO_LEASE = (Debug 50, "{}: {} on {} via {}: ignored: {}");
    DHCP4_RELEASE_FAIL_WRONG_CLIENT = (Debug 50, "{}: {} on {} via {}: ignored: {}");
    DHCP4_DECLINE_LEASE_NOT_FOUND = (Warn, "{}: {} on {} via {}: ignored: {}");
    DHCP4_DECLINE_LEASE_MISMATCH = (Warn, "{}: {} on {} via {}: ignored: {}");
    DHCP4_PACKET_NAK_0001 = (Error, "{}: {} on {} via {}: refused: {}");
    DHCP4_PACKET_NAK_0002 = (Debug 50, "{}: {} on {} via {}: refused: {}");
    DHCP4_PACKET_NAK_0003 = (Debug 50, "{}: {} on {} via {}: no offer: {}");
    DHCP4_PACKET_NAK_0004 = (Debug 50, "{}: {} on {} via {}: refused: {}");
    DHCP4_PACKET_NAK_0005 = (Debug 15, "{}: {} on {} via {}: refused: {}");
    DHCP4_FRAMES_DROPPED = (Debug 15, "{} frames were dropped: {}");
    DHCP4_KERNEL_DROPS = (Warn, "the system dropped {} packets because they came faster than they could be processed");
    DHCP4_PACKET_PROCESS_EXCEPTION = (Error, "processing a packet of {} bytes from {} failed: {}; this is a defect, please report it");
    DHCP4_PACKET_RECEIVED = (Debug 40, "{}: {} received from {} to {} on {}");
    DHCP4_SUBNET_SELECTED = (Debug 45, "{}: subnet with id {} selected ({})");
    DHCP4_SUBNET_SELECTION_FAILED = (Debug 50, "{}: no subnet fits");
    DHCP4_PACKET_SEND = (Debug 40, "{}: {} sent to {} on {}");
    DHCP4_PACKET_SEND_FAIL = (Error, "sending a reply to {} on {} failed: {}");
    DHCP4_PACKET_PACK_FAIL = (Error, "{}: the reply could not be built: {}");
    DHCP4_EXPLAIN = (Debug 0, "{}: {}");
    DHCP4_OPTIONS_LEFT_OUT = (Debug 45, "{}: {} option(s) do not fit into the reply and were left out");

    ALLOC_ENGINE_V4_LEASE_RECLAIM = (Debug 40, "expired lease {} of subnet {} is reclaimed");
    ALLOC_ENGINE_V4_LEASES_RECLAMATION_COMPLETE = (Debug 40, "{} expired leases were reclaimed in {} ms");
    ALLOC_ENGINE_V4_LEASES_RECLAMATION_SLOW = (Warn, "expired leases are still left after {} runs in a row: raise max-reclaim-leases or max-reclaim-time, or lower reclaim-timer-wait-time");
    ALLOC_ENGINE_V4_DECLINED_RECOVERED = (Info, "address {} is available again after its decline");
    ALLOC_ENGINE_V4_RECLAIMED_LEASES_DELETE = (Debug 40, "{} reclaimed leases were removed");
    ALLOC_ENGINE_V4_DISCOVER_ADDRESS_CONFLICT = (Warn, "{}: address {} of subnet {} is reserved for this client, but another client has it or it was declined; the client gets another one for now");
    ALLOC_ENGINE_V4_ALLOC_FAIL = (Warn, "{}: no address is free in subnet {}");
}

pub use libdhcpsrv::loggers;
