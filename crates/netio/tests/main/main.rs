//! The transport on real sockets, between two network namespaces. Needs root and `ip` (iproute2).
#![allow(unsafe_code)]

mod interfaces;
mod ipv6;
mod reception;
mod sending;
mod support;
mod workers;
