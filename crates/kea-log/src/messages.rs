//! Messages of the logging system itself.

crate::messages! {
    LOG_LIBRARY_MESSAGE = (Info, "{}: {}");
    LOG_LINES_DROPPED = (Warn, "{} log lines were dropped because they came faster than they could be written");
    LOG_PATTERN_QUESTIONABLE = (Warn, "pattern '{}': unknown conversion '{}' is written as it stands");
}
