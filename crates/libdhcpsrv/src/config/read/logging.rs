//! `loggers`, in the entry of the server or in the old top-level map `Logging`.

use cc::{Diagnostics, Element, MapReader, Scope, closest};
use kea_log::{Destination, LogConfig, LoggerConfig, OutputConfig, Severity};

use super::text::quoted;
use super::{Opened, maps};
use crate::config::Server;
use crate::config::keywords::{LOGGER, LOGGING, OLD_LOGGER, OLD_OUTPUT, OUTPUT};

/// Reads the logging part; `None` when the file has none.
pub(crate) fn read(
    opened: &Opened<'_>,
    server: &Server,
    diagnostics: &mut Diagnostics,
) -> Option<LogConfig> {
    let global = &opened.global;
    let old = opened.old_logging.and_then(|old| {
        diagnostics.warning_with_hint(
            old.position,
            "top-level 'Logging' is the old place of loggers",
            format!("put 'loggers' into '{}'", server.entry),
        );
        let reader = MapReader::new(old, &LOGGING, diagnostics)?;
        report_unknown(&reader, diagnostics);
        Some(reader).filter(|reader| reader.is_written("loggers"))
    });
    let new = Some(global).filter(|global| global.is_written("loggers"));
    if let (Some(_), Some(_)) = (&old, new) {
        let message = format!("'Logging' is disregarded, since '{}' has 'loggers'", server.entry);
        diagnostics.warning(global.key_position_of("loggers"), message);
    }
    let items = maps(new.or(old.as_ref())?, "loggers");
    let scopes = if new.is_some() { [&LOGGER, &OUTPUT] } else { [&OLD_LOGGER, &OLD_OUTPUT] };
    let loggers = items.filter_map(|item| read_logger(item, scopes, server, diagnostics)).collect();
    Some(LogConfig { loggers })
}

fn read_logger(
    item: &Element,
    [scope, output]: [&'static Scope; 2],
    server: &Server,
    diagnostics: &mut Diagnostics,
) -> Option<LoggerConfig> {
    let reader = MapReader::new(item, scope, diagnostics)?;
    report_unknown(&reader, diagnostics);
    let mut logger = LoggerConfig::new(reader.str("name").unwrap_or_default().trim());
    if reader.element("name").is_some() && logger.name.is_empty() {
        let hint = format!("'{}' is the one that covers all", server.program);
        diagnostics.error_with_hint(reader.position_of("name"), "'name' is empty", hint);
    }
    if let Some(text) = reader.str("severity") {
        match text.trim().parse::<Severity>() {
            Ok(severity) => logger.severity = severity,
            Err(error) => {
                let message = format!("'severity': {error}; found {}", quoted(text));
                diagnostics.error(reader.position_of("severity"), message);
            }
        }
    }
    logger.debug_level = reader.u8("debuglevel").unwrap_or(0);
    let (one, other) = ("output_options", "output-options");
    if reader.is_written(one) && reader.is_written(other) {
        let message = "'output_options' and 'output-options' are the same";
        let position = reader.key_position_of("output-options");
        diagnostics.error_with_hint(position, message, "keep one of them");
    }
    let outputs = maps(&reader, one).chain(maps(&reader, other));
    logger.outputs = outputs.filter_map(|item| read_output(item, output, diagnostics)).collect();
    Some(logger)
}

fn read_output(
    item: &Element,
    scope: &'static Scope,
    diagnostics: &mut Diagnostics,
) -> Option<OutputConfig> {
    let reader = MapReader::new(item, scope, diagnostics)?;
    report_unknown(&reader, diagnostics);
    let destination = reader.str("output")?;
    if destination.trim().is_empty() {
        let hint = "write stdout, stderr, syslog or the name of a file";
        diagnostics.error_with_hint(reader.position_of("output"), "'output' is empty", hint);
        return None;
    }
    let mut output = OutputConfig::new(Destination::parse(destination));
    output.flush = reader.bool_or_default("flush").unwrap_or(output.flush);
    if let Some(size) = reader.int("maxsize") {
        output.max_size = u64::try_from(size).unwrap_or(0);
    }
    output.max_versions = reader.u32_or_default("maxver").unwrap_or(output.max_versions);
    output.pattern = reader.str("pattern").filter(|text| !text.is_empty()).map(str::to_owned);
    Some(output)
}

/// Kea 1.1 disregards unknown keys of the old map; so do we, but not silently.
fn report_unknown(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) {
    let scope = reader.scope();
    if !scope.is_open {
        return;
    }
    for entry in reader.raw().entries() {
        if scope.keyword(&entry.key).is_some() {
            continue;
        }
        let message =
            format!("unknown keyword {} in '{}' is ignored", quoted(&entry.key), scope.name);
        match closest(&entry.key, scope.keywords.iter().map(|keyword| keyword.name)) {
            Some(near) => {
                let hint = format!("did you mean '{near}'?");
                diagnostics.warning_with_hint(entry.key_position, message, hint);
            }
            None => diagnostics.warning(entry.key_position, message),
        }
    }
}
