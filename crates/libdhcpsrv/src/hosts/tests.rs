//! Tests of the table of hosts.
