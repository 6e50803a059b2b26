//! Configuration files: checked with `-t`, read at start, read again on SIGHUP.

crate::main::both::claims! { V6, configuration:
    good_file_passes_the_check
    every_comment_style_and_include_are_read
    syntax_error_is_reported_with_its_place
    all_errors_of_a_file_are_reported_in_one_run_with_their_places
    unknown_keyword_in_any_scope_is_an_error_with_its_place
    missing_file_and_missing_section_fail_the_check
    sections_of_other_daemons_and_old_logging_are_accepted
    features_of_later_releases_load_when_empty
    reload_takes_a_good_file_and_keeps_the_leases
    reload_of_a_bad_file_keeps_the_old_configuration_serving
}
