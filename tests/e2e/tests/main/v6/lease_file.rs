//! The lease file: every known form loads, damage is tolerated and reported, nothing is lost.

crate::main::both::claims! { V6, lease_file:
    lease_file_of_kea_1_1_is_loaded_and_rewritten_in_todays_form
    lease_file_of_today_is_loaded
    last_row_of_an_address_wins_and_lifetime_0_deletes
    torn_last_row_is_tolerated_and_never_joined_with_a_new_one
    corrupt_row_is_skipped_and_reported_with_its_line_number
    more_corrupt_rows_than_allowed_stop_the_start
    file_with_a_foreign_header_stops_the_start
    nothing_is_written_without_persistence
    expired_leases_in_the_file_do_not_block_their_addresses
}
