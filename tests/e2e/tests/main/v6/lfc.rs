//! Lease file clean-up: the files appear and vanish as Kea's do, and a crash at any step loses
//! nothing.

crate::main::both::claims! { V6, lfc:
    clean_up_compacts_the_rows_and_leaves_only_the_result
    leases_granted_during_many_clean_ups_all_survive
    previous_and_copied_file_are_loaded_in_order
    completed_file_takes_the_place_of_its_sources
    half_written_output_of_a_crashed_clean_up_is_ignored
    server_does_not_start_while_a_clean_up_runs
}
