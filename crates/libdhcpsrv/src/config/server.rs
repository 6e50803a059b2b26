//! What the shared parts of the configuration must know of a server.

use cc::Scope;
use libdhcp::Universe;

use crate::hosts::IdentifierKind;

/// The two servers differ in the shared parts by this.
#[derive(Debug)]
pub struct Server {
    /// Its entry at the top of the file.
    pub entry: &'static str,
    /// The program, which is the name of the logger that covers all.
    pub program: &'static str,
    /// Entries of other daemons, which one file may serve as well.
    pub others: &'static [&'static str],
    /// All tables in the order of the manual, each with the path of its maps in the file.
    pub scopes: &'static [(&'static str, &'static Scope)],
    /// The table of the entry itself.
    pub global: &'static Scope,
    /// `interfaces-config`.
    pub interfaces: &'static Scope,
    /// `compatibility`.
    pub compatibility: &'static Scope,
    /// An entry of the list of shared networks.
    pub network: &'static Scope,
    /// An entry of `client-classes`.
    pub class: &'static Scope,
    /// An entry of the list of subnets.
    pub subnet: &'static Scope,
    /// Maps that are in force when the file has none, with their `type`.
    pub types: &'static [(&'static Scope, &'static str)],
    /// An entry of `reservations`.
    pub reservation: &'static Scope,
    /// Kinds of identifiers of host reservations; `auto` stands for all of them in this order but `flex-id`.
    pub host_identifiers: &'static [IdentifierKind],
    /// How options are written and sent.
    pub options: OptionRules,
    /// The beginning of the manual.
    pub introduction: &'static str,
}

/// How options of one protocol version are written and sent.
#[derive(Debug)]
pub struct OptionRules {
    /// The version.
    pub universe: Universe,
    /// Space of top-level options of the other version.
    pub foreign_space: &'static str,
    /// The other version.
    pub foreign: &'static str,
    /// An entry of `option-def`.
    pub definition: &'static Scope,
    /// An entry of `option-data`.
    pub data: &'static Scope,
    /// Options that the server alone decides about, with the way to influence them.
    pub servers_own: &'static [(u16, &'static str)],
}
