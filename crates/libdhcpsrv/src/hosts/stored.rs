//! Hosts of databases: as their rows tell of them, and as they are used.
//!
//! A row knows nothing of the configuration: options may be text that only a definition explains, classes are names.
//! [`StoredHost::compile`] makes of it what deciding code works with. What cannot be used is left out and reported; the
//! rest of the host counts.

use std::fmt;
use std::sync::Arc;

use eval::ClassTable;
use libdhcp::data::{encode_csv, validate};
use libdhcp::definition::{Definitions, is_valid_name};
use libdhcp::{OptionFlags, OptionSetBuilder, OptionSetForm};

use super::{BootFields, Extras, Host, HostId, HostKind, Identifier, IdentifierKind, Resource};
use crate::lease::{AddressOf, LeaseKind, SubnetId};

/// Classes of one host.
const CLASSES_MAX: usize = 256;

/// A host as a database tells of it.
#[derive(Clone, Debug)]
pub struct RawHost<K: LeaseKind> {
    /// Its number in the table of hosts, by which messages name it. Of several hosts with one identifier in a subnet
    /// the lowest counts.
    pub number: u64,
    /// The subnet in which it is one; [`super::GLOBAL`] everywhere.
    pub subnet: SubnetId,
    /// What its identifier is.
    pub kind: IdentifierKind,
    /// The identifier itself, of a length that its kind allows.
    pub identifier: Box<[u8]>,
    /// Its addresses and prefixes, in the order in which they were entered.
    pub resources: Vec<Resource<AddressOf<K>>>,
    /// Its host name, at most 255 bytes; empty for none.
    pub hostname: Box<[u8]>,
    /// Names of classes, separated by commas.
    pub client_classes: Box<str>,
    /// Its options.
    pub options: Vec<RawOption>,
    /// Fields of the DHCPv4 header.
    pub boot: Option<Box<BootFields>>,
}

impl<K: LeaseKind> RawHost<K> {
    /// A host that gets nothing.
    #[must_use]
    pub fn new(number: u64, subnet: SubnetId, identifier: Identifier<'_>) -> Self {
        Self {
            number,
            subnet,
            kind: identifier.kind,
            identifier: identifier.bytes.into(),
            resources: Vec::new(),
            hostname: Box::default(),
            client_classes: Box::default(),
            options: Vec::new(),
            boot: None,
        }
    }

    /// What it is known by.
    #[must_use]
    pub fn identifier(&self) -> Identifier<'_> {
        Identifier { kind: self.kind, bytes: &self.identifier }
    }
}

/// An option of a host as a database tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawOption {
    /// Its number in the table of options, by which messages name it.
    pub number: u64,
    /// `code`.
    pub code: u16,
    /// `space`; empty for the top-level one.
    pub space: Box<str>,
    /// `value`: the body itself. Where it has bytes, the text does not count.
    pub value: Option<Box<[u8]>>,
    /// `formatted_value`: the body as text, as in the configuration; empty for none.
    pub text: Box<str>,
    /// `client_classes`: a JSON list of the classes whose clients it is for; empty for all.
    pub client_classes: Box<str>,
    /// `persistent` and `cancelled`: `always-send` and `never-send`.
    pub flags: OptionFlags,
}

/// Why something of a host of a database cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFault {
    /// The host's number in the table of hosts.
    pub host: u64,
    /// The option's number in the table of options, if one is at fault.
    pub option: Option<u64>,
    /// The reason.
    pub reason: String,
}

impl fmt::Display for HostFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "host {}: ", self.host)?;
        if let Some(option) = self.option {
            write!(f, "option {option}: ")?;
        }
        f.write_str(&self.reason)
    }
}

/// What a configuration says about the hosts of databases: how their options and classes are to be understood.
#[derive(Clone, Copy, Debug)]
pub struct HostTerms<'a> {
    /// Names and forms of options.
    pub definitions: &'a Definitions,
    /// The classes that the configuration knows; a class that it does not name has no effect.
    pub classes: &'a ClassTable,
}

/// A host of a database, ready for use.
#[derive(Debug)]
pub struct StoredHost<K: HostKind> {
    subnet: SubnetId,
    kind: IdentifierKind,
    identifier: Box<[u8]>,
    resources: Box<[Resource<AddressOf<K>>]>,
    hostname: Box<[u8]>,
    extras: Extras<K::Options>,
    /// Bytes that it takes, roughly.
    size: usize,
}

impl<K: HostKind> StoredHost<K> {
    /// Compiles a host by the terms of a configuration; `report` hears of what cannot be used.
    #[must_use]
    pub fn compile(
        raw: RawHost<K>,
        terms: &HostTerms<'_>,
        report: &mut dyn FnMut(HostFault),
    ) -> Self {
        let RawHost { number, subnet, kind, identifier, hostname, options, boot, .. } = raw;
        let names = raw.client_classes.split(',').map(str::trim).filter(|name| !name.is_empty());
        let client_classes: Box<[Box<str>]> = names.take(CLASSES_MAX).map(Into::into).collect();
        let numbers = client_classes.iter().filter_map(|name| terms.classes.find(name));
        let classes = numbers.collect();
        let bytes: usize = options
            .iter()
            .map(|option| option.text.len() + option.value.as_ref().map_or(0, |value| value.len()))
            .sum();
        let options = compile_options(number, &options, terms, report);
        let resources: Box<[_]> = raw.resources.into();
        let size = size_of::<Self>()
            + identifier.len()
            + hostname.len()
            + size_of_val(&*resources)
            + raw.client_classes.len()
            + client_classes.len() * size_of::<[usize; 3]>()
            + size_of::<K::Options>()
            + bytes
            + boot.as_ref().map_or(0, |boot| {
                size_of::<BootFields>() + boot.server_hostname.len() + boot.boot_file_name.len()
            });
        let extras = Extras { options: Arc::new(options), client_classes, classes, boot };
        Self { subnet, kind, identifier, resources, hostname, extras, size }
    }

    /// The host as it is used, under the name that its source gives it.
    #[must_use]
    pub fn as_host(&self, id: HostId) -> Host<'_, K> {
        Host {
            id,
            subnet: self.subnet,
            identifier: Identifier { kind: self.kind, bytes: &self.identifier },
            resources: &self.resources,
            hostname: &self.hostname,
            extras: &self.extras,
        }
    }

    /// Bytes that it takes, roughly.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }
}

/// Compiles options; those that cannot be used are left out.
fn compile_options<S: OptionSetForm>(
    host: u64,
    options: &[RawOption],
    terms: &HostTerms<'_>,
    report: &mut dyn FnMut(HostFault),
) -> S {
    if options.is_empty() {
        return S::default();
    }
    let definitions = terms.definitions;
    let mut builder = OptionSetBuilder::<S>::new();
    for option in options {
        let space = match &*option.space {
            "" => S::UNIVERSE.top_space(),
            space => space,
        };
        let audience = audience_of(&option.client_classes, terms.classes);
        if audience.as_ref().is_some_and(|classes| classes.is_empty()) {
            // No client is in a class that the configuration does not know.
            continue;
        }
        let audience = audience.unwrap_or_default();
        let added = body_of::<S>(option, space, definitions).and_then(|body| {
            let added = builder.add_for(space, option.code, body, option.flags, &audience);
            added.map(|_| ()).map_err(|error| error.to_string())
        });
        if let Err(reason) = added {
            report(HostFault { host, option: Some(option.number), reason });
        }
    }
    match builder.build(definitions) {
        Ok(set) => set,
        Err(error) => {
            let reason = format!("its options go: {error}");
            report(HostFault { host, option: None, reason });
            S::default()
        }
    }
}

/// The classes of a JSON list of names, as far as the configuration knows them; none where the list is empty.
fn audience_of(list: &str, classes: &ClassTable) -> Option<Vec<u32>> {
    let list = list.trim().trim_start_matches('[').trim_end_matches(']');
    let names = list.split(',').map(|name| name.trim().trim_matches('"'));
    let mut names = names.filter(|name| !name.is_empty()).peekable();
    names.peek()?;
    Some(names.filter_map(|name| classes.find(name)).map(|class| class.0).collect())
}

/// The body of an option, without its sub-options.
fn body_of<S: OptionSetForm>(
    option: &RawOption,
    space: &str,
    definitions: &Definitions,
) -> Result<Vec<u8>, String> {
    if !is_valid_name(space) {
        return Err("its space has no possible name".to_owned());
    }
    let definition = definitions.by_code(space, option.code);
    let body = match &option.value {
        Some(value) if !value.is_empty() => value.to_vec(),
        // What is never sent needs no value.
        _ if option.text.is_empty() && option.flags.never_send => return Ok(Vec::new()),
        Some(_) if option.text.is_empty() => Vec::new(),
        None if option.text.is_empty() && definition.is_none() => Vec::new(),
        _ => match definition {
            Some(definition) => encode_csv(definition, &option.text, S::UNIVERSE)
                .map_err(|error| format!("code {} of space '{space}': {error}", option.code))?,
            None => {
                let code = option.code;
                return Err(format!("code {code} of space '{space}' has no definition for text"));
            }
        },
    };
    if let Some(definition) = definition {
        validate(definition, &body, S::UNIVERSE)
            .map_err(|error| format!("code {} of space '{space}': {error}", option.code))?;
    }
    Ok(body)
}
