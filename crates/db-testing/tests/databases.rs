//! The suite over everything that keeps leases.

use database::simulated::Table;
use db_testing::suite::{self, InMemory};
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;

#[test]
fn memory4_keeps_the_contract() {
    suite::run(&mut InMemory::<V4>(Table::default()));
}

#[test]
fn memory6_keeps_the_contract() {
    suite::run(&mut InMemory::<V6>(Table::default()));
}
