//! Readers of the parts that mean the same in both servers.
//!
//! All of them go on after an error with a default in place of the wrong value, so that one run
//! reports everything; the configuration is given out only when there was no error at all.

pub(crate) mod databases;
pub(crate) mod hosts;
pub(crate) mod interfaces;
pub(crate) mod lease_rules;
pub(crate) mod logging;
pub(crate) mod names;
pub(crate) mod network;
pub(crate) mod options;
pub(crate) mod parts;
pub(crate) mod pools;
pub(crate) mod subnets;
pub(crate) mod text;

use cc::{Diagnostics, Document, Element, Map, MapReader, closest};

use self::text::quoted;
use super::Server;

/// What is read of a file.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    /// The entry of the server.
    pub(crate) global: MapReader<'a>,
    /// The old place of loggers.
    pub(crate) old_logging: Option<&'a Element>,
}

/// Finds the entry of the server and checks what else is there.
pub(crate) fn open<'a>(
    document: &'a Document,
    server: &Server,
    diagnostics: &mut Diagnostics,
) -> Option<Opened<'a>> {
    let root = &document.root;
    let Some(top) = root.as_map() else {
        let found = root.value.type_name();
        diagnostics.error(root.position, format!("the file must hold a map, found {found}"));
        return None;
    };
    let Some(entry) = top.get(server.entry) else {
        report_missing(root, top, server, diagnostics);
        return None;
    };
    check_top_level(top, server, diagnostics);
    let global = MapReader::new(entry, server.global, diagnostics)?;
    Some(Opened { global, old_logging: top.get("Logging") })
}

/// The maps of a list, also when other items of the list are wrong, which was reported.
pub(crate) fn maps<'a>(
    reader: &MapReader<'a>,
    keyword: &str,
) -> impl Iterator<Item = &'a Element> + use<'a> {
    let list = reader.raw().get(keyword).and_then(Element::as_list).unwrap_or_default();
    list.iter().filter(|item| item.as_map().is_some())
}

fn check_top_level(top: &Map, server: &Server, diagnostics: &mut Diagnostics) {
    for entry in top.entries() {
        if &*entry.key != server.entry && !server.others.contains(&&*entry.key) {
            let key = quoted(&entry.key);
            let message = format!("top-level entry {key} is none of the server's, it is ignored");
            diagnostics.warning(entry.key_position, message);
        }
    }
}

fn report_missing(root: &Element, top: &Map, server: &Server, diagnostics: &mut Diagnostics) {
    let name = server.entry;
    let message = format!("no mandatory '{name}' entry");
    let near = top.entries().iter().find(|entry| {
        !server.others.contains(&&*entry.key) && closest(&entry.key, [name]).is_some()
    });
    match near {
        Some(entry) => {
            let hint = format!("is {} meant to be it?", quoted(&entry.key));
            diagnostics.error_with_hint(entry.key_position, message, hint);
        }
        None => {
            let hint = format!("write {{ \"{name}\": {{ ... }} }}");
            diagnostics.error_with_hint(root.position, message, hint);
        }
    }
}
