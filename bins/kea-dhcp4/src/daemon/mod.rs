//! The daemon around the server: command line, files, threads, signals, timers.

pub(crate) mod command_line;
mod config_file;
mod control;
mod lease_database;
mod maintenance;
mod service;
mod start;

pub(crate) use start::{check, serve};
