//! The writing side: which logger's lines go to which outputs, and the outputs themselves.
//!
//! Built anew for every configuration, so that files are opened again: one that was moved or removed by an external
//! rotation comes back under its name. Outputs with the same destination share one file; the first one's limits
//! count. Used under the writer's lock only.

use std::io::{self, Write};
use std::path::Path;

use jiff::tz::TimeZone;

use crate::config::{Destination, OutputConfig, Tree};
use crate::file_sink::FileSink;
use crate::logger::Logger;
use crate::pattern::{Line, PATTERN_DEFAULT, PATTERN_SYSLOG, Pattern};
use crate::syslog::{self, SyslogSink};

/// Outputs of one configuration.
#[derive(Debug)]
pub(crate) struct Sinks {
    tree: Tree,
    outputs: Vec<Output>,
    sinks: Vec<Sink>,
    /// By place of the logger in the register; filled at its first line.
    routes: Vec<Option<Route>>,
}

#[derive(Debug)]
struct Output {
    config: OutputConfig,
    pattern: Pattern,
    sink: usize,
}

#[derive(Debug)]
struct Route {
    name: String,
    outputs: Vec<usize>,
}

#[derive(Debug)]
enum Sink {
    File(FileSink),
    Stderr(Vec<u8>),
    Stdout(Vec<u8>),
    Syslog(SyslogSink),
}

/// A conversion in a configured pattern that is unknown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownConversion {
    pub pattern: String,
    pub conversion: String,
}

impl Sinks {
    /// Opens all outputs of the tree.
    pub(crate) fn open(tree: Tree) -> (Self, Vec<UnknownConversion>) {
        let zone = TimeZone::system();
        let mut destinations: Vec<&Destination> = Vec::new();
        let mut sinks = Vec::new();
        let mut outputs: Vec<Output> = Vec::new();
        let mut questionable = Vec::new();
        for config in tree.all_outputs() {
            if outputs.iter().any(|output| output.config == *config) {
                continue;
            }
            let known = destinations.iter().position(|known| **known == config.destination);
            let sink = known.unwrap_or_else(|| {
                destinations.push(&config.destination);
                sinks.push(Sink::open(config, tree.root(), &zone));
                sinks.len() - 1
            });
            let usual = match config.destination {
                Destination::Syslog(_) => PATTERN_SYSLOG,
                _ => PATTERN_DEFAULT,
            };
            let text = config.pattern.as_deref().unwrap_or(usual);
            let (pattern, unknown) = Pattern::new(text, std::process::id(), &zone);
            questionable.extend(unknown.into_iter().map(|conversion| UnknownConversion {
                pattern: text.trim_end().to_owned(),
                conversion,
            }));
            outputs.push(Output { config: config.clone(), pattern, sink });
        }
        (Self { tree, outputs, sinks, routes: Vec::new() }, questionable)
    }

    /// Writes a line to all outputs of its logger.
    pub(crate) fn write(&mut self, logger: &'static Logger, line: Line<'_>) {
        let index = logger.index();
        if self.routes.len() <= index {
            self.routes.resize_with(index + 1, || None);
        }
        let Self { tree, outputs, sinks, routes } = self;
        let Some(slot) = routes.get_mut(index) else { return };
        let route = slot.get_or_insert_with(|| Route::find(tree, outputs, logger.name()));
        let line = Line { logger: &route.name, ..line };
        for number in &route.outputs {
            let Some(output) = outputs.get_mut(*number) else { continue };
            if let Some(sink) = sinks.get_mut(output.sink) {
                output.pattern.render(sink.buffer(), &line);
                sink.end_line(&line);
            }
        }
    }

    /// To be called after a batch of lines.
    pub(crate) fn end_batch(&mut self) {
        for sink in &mut self.sinks {
            match sink {
                Sink::File(file) => file.end_batch(),
                _ => sink.write_out(),
            }
        }
    }

    /// Hands everything that was written to the operating system.
    pub(crate) fn write_out(&mut self) {
        self.sinks.iter_mut().for_each(Sink::write_out);
    }
}

impl Route {
    fn find(tree: &Tree, outputs: &[Output], child: &str) -> Self {
        let wanted = tree.outputs(child);
        let numbers = wanted
            .iter()
            .filter_map(|config| outputs.iter().position(|output| output.config == *config));
        Self { name: tree.full_name(child), outputs: numbers.collect() }
    }
}

impl Sink {
    fn open(config: &OutputConfig, root: &str, zone: &TimeZone) -> Self {
        match &config.destination {
            Destination::File(path) => Self::File(FileSink::new(path, config)),
            Destination::Stderr => Self::Stderr(Vec::new()),
            Destination::Stdout => Self::Stdout(Vec::new()),
            Destination::Syslog(name) => {
                let socket = Path::new(syslog::SOCKET);
                Self::Syslog(SyslogSink::new(socket, name.as_deref(), root, zone.clone()))
            }
        }
    }

    fn buffer(&mut self) -> &mut Vec<u8> {
        match self {
            Self::File(file) => &mut file.buffer,
            Self::Stderr(buffer) | Self::Stdout(buffer) => buffer,
            Self::Syslog(syslog) => &mut syslog.buffer,
        }
    }

    fn end_line(&mut self, line: &Line<'_>) {
        match self {
            Self::File(file) => file.end_line(),
            Self::Stderr(_) | Self::Stdout(_) => {}
            Self::Syslog(syslog) => syslog.end(line),
        }
    }

    fn write_out(&mut self) {
        match self {
            Self::File(file) => file.write_out(),
            Self::Stderr(buffer) => write_console(&mut io::stderr(), buffer),
            Self::Stdout(buffer) => write_console(&mut io::stdout(), buffer),
            Self::Syslog(_) => {}
        }
    }
}

/// Writes and empties the buffer. A console that has gone away must not disturb the server.
fn write_console(console: &mut dyn Write, buffer: &mut Vec<u8>) {
    if !buffer.is_empty() {
        let _ = console.write_all(buffer).and_then(|()| console.flush());
        buffer.clear();
    }
}
