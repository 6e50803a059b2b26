//! The daemon as an administrator meets it: command line, pid file, signals, log.

super::both::claims! { V4, daemon:
    version_flags_print_and_succeed
    wrong_command_lines_fail_with_usage
    bad_configuration_ends_the_start_with_status_1
    term_and_int_end_the_server_in_good_order
    pid_file_names_the_process_and_refuses_a_second_start
    stale_pid_file_is_replaced
    log_goes_to_its_file_in_kea_s_line_format_by_severity
    debug_flag_overrides_the_configured_severity
    severity_warn_silences_information
    refused_query_is_explained_with_client_and_interface
}
