//! The power fails under full load: what a client was told is in the store, and no address or prefix
//! has two holders.

crate::main::both::claims! { V6, crash:
    kill_under_full_load_loses_no_acknowledged_lease
    kill_under_full_load_with_clean_ups_running_loses_no_acknowledged_lease
}
