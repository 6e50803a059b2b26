//! `--explain`: the server itself, over packets that are given to it, telling why it does what it does.
//!
//! It is the server that serves, with the same configuration and the leases of the same files; only its packets come out
//! of an argument, its leases are read and not written, and its replies go nowhere. So it can run beside the real one,
//! without its rights, and on another machine.

mod arrival;
mod capture;
mod frame;
mod input;
mod place;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use libdhcpsrv::config::SqlDatabase;
use libdhcpsrv::explain::{Explanation, Style, Topic};
use libdhcpsrv::intake::Shared;
use libdhcpsrv::lease::{LeaseKind, LeaseStore, Loader};
use libdhcpsrv::server::DhcpServer;
use netio::{Family, InterfaceTable};
use process::clock::Clock;
use process::paths::Paths;
use stats::Statistics;
use util::Now;
use util::link::Replies;

use self::arrival::{Arrival, is_query};
use self::capture::{CaptureError, Frame};
use self::frame::{Datagram, NoDatagram};
use self::input::Input;
use self::place::Place;
use crate::command_line::{ExplainOptions, Leases};
use crate::config_file::{self, Loaded};
use crate::lease_database::Checks;
use crate::service::{data_folder, install, lease_file, plan_of, random_seed};
use crate::{Daemon, Surroundings, lease_database, sql};

/// Explains what the command line asks for; returns the exit code.
pub(crate) fn run<D: Daemon>(options: &ExplainOptions) -> ExitCode {
    match explain::<D>(options) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has gone away wants no more.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Output(error)) => failed(&[format!("cannot write the explanation: {error}")]),
        Err(Failure::Input(lines)) => failed(&lines),
    }
}

fn failed(lines: &[String]) -> ExitCode {
    for line in lines {
        eprintln!("{line}");
    }
    ExitCode::FAILURE
}

/// Why there is no explanation.
enum Failure {
    /// What was given cannot be used: one line or more.
    Input(Vec<String>),
    /// The explanation cannot be written.
    Output(io::Error),
}

impl Failure {
    fn because(reason: impl Display) -> Self {
        Self::Input(vec![reason.to_string()])
    }
}

fn explain<D: Daemon>(options: &ExplainOptions) -> Result<(), Failure> {
    let loaded = config_file::load::<D>(&options.config_file);
    let Loaded { config, warnings } = loaded.map_err(|rejected| Failure::Input(rejected.lines))?;
    for warning in &warnings {
        eprintln!("{warning}");
    }
    let input = input::open(&options.what).map_err(Failure::because)?;
    let mut explainer = Explainer::<D>::new(config, options)?;
    match input {
        Input::Packet(bytes) => explainer.packet(bytes),
        Input::Capture { name, bytes } => explainer.capture(&name, bytes),
    }
}

/// A server that explains.
struct Explainer<D: Daemon> {
    server: D::Server,
    place: Place,
    port: u16,
    now: Now,
    replies: Replies,
    page: Page,
}

impl<D: Daemon> Explainer<D> {
    /// Makes the server as its daemon would, and tells what of.
    fn new(config: D::Config, options: &ExplainOptions) -> Result<Self, Failure> {
        let paths = Paths::of_this_process();
        let now = Clock::default().now();
        let settings = D::settings(&config);
        let setup = Explanation::default();
        let say = |what: &str, value: &dyn Display| {
            setup.note(Topic::Setup, format_args!("{what}\t{value}"));
        };
        say("configuration", &options.config_file.display());
        let (store, origin) = leases::<D>(&config, &paths, &options.leases)?;
        let count = store.len();
        say("leases", &format_args!("{count}{origin}"));
        store.expire_tick(now, usize::MAX);

        let plan = plan_of::<D>(&settings, options.port).map_err(Failure::because)?;
        // A system that does not tell its interfaces has none, as far as this matters.
        let table = InterfaceTable::read().unwrap_or_default();
        let place = Place::find(&place::Known {
            on: options.on.as_ref(),
            plan: &plan,
            table: &table,
            by_subnets: &|name| D::address_on(&config, name),
        });
        let Place { name, local, reason, .. } = &place;
        say("interface", &format_args!("{name}, {local} ({reason})"));
        say("effect", &"none: replies are not sent, leases are not stored");

        let data = &*data_folder(&settings, &paths);
        let (seed, is_read_only) = (random_seed(), true);
        let around =
            Surroundings { paths: &paths, data, interfaces: &table, now, seed, is_read_only };
        let prepared = D::prepare(&config, &around, None).map_err(Failure::because)?;
        let statistics = Statistics::new(now);
        let runtime = install::<D>(config, prepared, &statistics, &store, now);
        let shared = Shared::new(Arc::new(store), random_seed());
        let counters = statistics.worker(now);
        let mut server = D::make_server(shared, runtime, counters, random_seed());
        server.explain_everything();
        let mut page = Page::new();
        page.write(setup)?;
        let replies = Replies::default();
        Ok(Self { server, place, port: options.port, now, replies, page })
    }

    /// Explains a packet: a frame or a payload.
    fn packet(&mut self, bytes: Vec<u8>) -> Result<(), Failure> {
        let family = D::PROFILE.family;
        let local = self.place.local;
        let arrival = match frame::of_ethernet(&bytes) {
            Ok(datagram) if family_of(&datagram) == family => Arrival::of_datagram(datagram, local),
            _ => Arrival::of_payload(bytes, family, local),
        };
        self.arrival(&arrival)
    }

    /// Explains every query of a capture.
    fn capture(&mut self, name: &str, bytes: impl io::Read + Send) -> Result<(), Failure> {
        let mut others = Others::default();
        let (mut queries, mut failure) = (0, None);
        let frames = capture::read(bytes, |frame| match self.query_of(&frame) {
            _ if failure.is_some() => {}
            Ok(arrival) => {
                queries += 1;
                let title = format_args!("frame {} of {name}", frame.number);
                let explained = self.page.title(&title).and_then(|()| self.arrival(&arrival));
                failure = explained.err();
            }
            Err(why) => others.count(why),
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        let frames = frames.map_err(|error: CaptureError| format!("{name}: {error}"));
        let port = self.port;
        let queries_of = |frames: u64| format!("{queries} of {frames} frames of {name}");
        match frames {
            Ok(frames) if queries > 0 => {
                let of = queries_of(frames);
                self.page.remark(&format_args!("{of} are queries to UDP port {port}{others}"))
            }
            Ok(frames) => {
                let of = queries_of(frames);
                let hint =
                    format!("{of} are queries to UDP port {port}{others}; -p gives another port");
                Err(Failure::because(hint))
            }
            Err(error) => Err(Failure::because(error)),
        }
    }

    /// The query in a frame.
    fn query_of(&self, frame: &Frame<'_>) -> Result<Arrival, Other> {
        let datagram = frame::of_link(frame.link, frame.bytes).map_err(Other::NoDatagram)?;
        let family = D::PROFILE.family;
        if family_of(&datagram) != family || datagram.destination.port() != self.port {
            return Err(Other::Elsewhere);
        }
        if !is_query(&datagram.payload, family) {
            return Err(Other::Reply);
        }
        Ok(Arrival::of_datagram(datagram, self.place.local))
    }

    /// Lets the server process a packet, and shows what it tells.
    fn arrival(&mut self, arrival: &Arrival) -> Result<(), Failure> {
        let input = arrival.inbound(self.place.interface);
        self.server.set_links(Arc::new(self.place.links.with_own(arrival.local)));
        let Self { server, now, replies, .. } = self;
        let processed = catch_unwind(AssertUnwindSafe(|| {
            server.receive(input, *now, replies);
            server.end_batch(*now, replies);
        }));
        if processed.is_err() {
            self.server.processing_failed(&input, "this is a defect of the server");
        }
        self.replies.ready.clear();
        self.replies.held.clear();
        match self.server.take_explanation() {
            Some(explanation) => self.page.write(explanation),
            None => Ok(()),
        }
    }
}

fn family_of(datagram: &Datagram) -> Family {
    if datagram.source.is_ipv4() { Family::V4 } else { Family::V6 }
}

/// The leases that there are, and where they are from.
fn leases<D: Daemon>(
    config: &D::Config,
    paths: &Paths,
    which: &Leases,
) -> Result<(LeaseStore<D::Leases>, String), Failure> {
    let settings = &D::settings(config);
    let none = |why: &str| Ok((LeaseStore::new(random_seed(), None), why.to_owned()));
    let of = |path: &Path| {
        let (judge, extended_info) = (&D::lease_judge(config), settings.extended_info_checks);
        let (database, checks) = (settings.lease_database, Checks { judge, extended_info });
        let looked = lease_database::look(database, path, random_seed(), &checks);
        let hint = "; --leases tells another file or 'none'";
        looked.map_err(|error| Failure::because(format_args!("{error}{hint}")))
    };
    match which {
        Leases::None => none(", as told by --leases"),
        Leases::File(path) => {
            let (store, files) = of(path)?;
            if files == 0 {
                let path = path.display();
                return Err(Failure::because(format_args!("--leases: there is no file {path}")));
            }
            Ok((store, format!(", of {}", path.display())))
        }
        Leases::Configured if settings.lease_database.sql.is_some() => {
            let Some(sql) = &settings.lease_database.sql else { return none("") };
            let store = of_database::<D>(sql).map_err(Failure::because)?;
            Ok((store, format!(", of {}", sql.access)))
        }
        Leases::Configured if !settings.lease_database.persist => {
            none(": the server keeps them in its memory only")
        }
        Leases::Configured => {
            let path = lease_file::<D>(settings, paths);
            let (store, files) = of(&path)?;
            let path = path.display();
            match files {
                0 => Ok((store, format!(": there is no file {path}"))),
                _ => Ok((store, format!(", of {path}"))),
            }
        }
    }
}

/// The leases in a database.
fn of_database<D: Daemon>(sql: &SqlDatabase) -> Result<LeaseStore<D::Leases>, String> {
    let mut store = LeaseStore::new(random_seed(), None);
    let mut loader = Loader::new(&mut store, 0);
    let mut file = loader.file();
    let mut rows = <D::Leases as LeaseKind>::HEADER.as_bytes().to_vec();
    let mut unreadable = 0_u64;
    let read = sql::read_all::<D::Leases>(sql, |lease| {
        let row = D::Leases::row(&D::Leases::contents_of(&lease));
        D::Leases::push_row(&mut rows, &row);
    });
    read.map_err(|error| error.to_string())?;
    let fed = file.feed(&rows, &mut |_, _| unreadable += 1);
    fed.map_err(|error| error.to_string())?;
    file.finish().map_err(|error| error.to_string())?;
    loader.finish(Clock::default().now());
    Ok(store)
}

/// Why a frame of a capture is not explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Other {
    /// To another port, or of the other protocol version.
    Elsewhere,
    /// No datagram.
    NoDatagram(NoDatagram),
    /// Something that servers send.
    Reply,
}

impl Display for Other {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Elsewhere => f.write_str("to elsewhere"),
            Self::NoDatagram(why) => why.fmt(f),
            Self::Reply => f.write_str("from servers"),
        }
    }
}

/// The frames of a capture that are not explained.
#[derive(Debug, Default)]
struct Others(BTreeMap<Other, u64>);

impl Others {
    fn count(&mut self, why: Other) {
        *self.0.entry(why).or_default() += 1;
    }
}

impl Display for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, (why, count)) in self.0.iter().enumerate() {
            let between = if number == 0 { "; others: " } else { ", " };
            write!(f, "{between}{count} {why}")?;
        }
        Ok(())
    }
}

/// Where explanations are shown.
struct Page {
    out: io::Stdout,
    style: Style,
}

impl Page {
    fn new() -> Self {
        let out = io::stdout();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_emphasised = out.is_terminal() && !no_colour;
        Self { out, style: Style { is_emphasised, ..Style::default() } }
    }

    fn write(&mut self, explanation: Explanation) -> Result<(), Failure> {
        let text = explanation.page(self.style);
        writeln!(self.out, "{text}").map_err(Failure::Output)
    }

    fn title(&mut self, title: &dyn Display) -> Result<(), Failure> {
        let title = format!("---- {title} ");
        let width = self.style.width;
        writeln!(self.out, "{title:-<width$}\n").map_err(Failure::Output)
    }

    fn remark(&mut self, remark: &dyn Display) -> Result<(), Failure> {
        writeln!(self.out, "{remark}").map_err(Failure::Output)
    }
}
