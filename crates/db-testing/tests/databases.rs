//! The suite over everything that keeps leases: the table in memory, and both databases with the tables of Debian's Kea
//! and with ours.

use database::simulated::Table;
use database::{DbError, LeaseConnection};
use db_testing::suite::{self, InMemory, InServer, Limits, SuiteKind};
use db_testing::{Durability, Schema, Server};
use libdhcpsrv::config::{SqlAccess, SqlKind};
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;

/// What the tables of 1.1.0 in MySQL can hold.
const MYSQL: Limits = Limits {
    has_pool_id: false,
    has_user_context: false,
    identifier_len_max: 128,
    has_any_hostname: false,
    has_all_states: false,
    expire_max: 0x7fff_ffff,
    passes_over_held: true,
};
/// The same for PostgreSQL.
const PGSQL: Limits = Limits { identifier_len_max: usize::MAX, expire_max: i64::MAX, ..MYSQL };

/// What opens a database.
type Opener<K> = fn(&SqlAccess) -> Result<Box<dyn LeaseConnection<K>>, DbError>;

fn in_server<K: SuiteKind>(kind: SqlKind, schema: Schema, opener: Opener<K>) {
    let database = Server::shared(kind, Durability::Relaxed).new_database();
    database.create_schema(schema);
    let limits = match kind {
        SqlKind::Mysql => MYSQL,
        SqlKind::Postgresql => PGSQL,
    };
    let limits = Limits { has_user_context: schema == Schema::Debian, ..limits };
    suite::run(&mut InServer { database, opener: Box::new(opener), limits });
}

#[test]
fn memory4_keeps_the_contract() {
    suite::run(&mut InMemory::<V4>(Table::default()));
}

#[test]
fn memory6_keeps_the_contract() {
    suite::run(&mut InMemory::<V6>(Table::default()));
}

#[test]
fn mysql4_keeps_the_contract_in_debians_tables() {
    in_server::<V4>(SqlKind::Mysql, Schema::Debian, db_mysql::open_leases4);
}

#[test]
fn mysql6_keeps_the_contract_in_debians_tables() {
    in_server::<V6>(SqlKind::Mysql, Schema::Debian, db_mysql::open_leases6);
}

#[test]
fn mysql4_keeps_the_contract_in_our_tables() {
    in_server::<V4>(SqlKind::Mysql, Schema::Ours, db_mysql::open_leases4);
}

#[test]
fn mysql6_keeps_the_contract_in_our_tables() {
    in_server::<V6>(SqlKind::Mysql, Schema::Ours, db_mysql::open_leases6);
}

#[test]
fn pgsql4_keeps_the_contract_in_debians_tables() {
    in_server::<V4>(SqlKind::Postgresql, Schema::Debian, db_pgsql::open_leases4);
}

#[test]
fn pgsql6_keeps_the_contract_in_debians_tables() {
    in_server::<V6>(SqlKind::Postgresql, Schema::Debian, db_pgsql::open_leases6);
}

#[test]
fn pgsql4_keeps_the_contract_in_our_tables() {
    in_server::<V4>(SqlKind::Postgresql, Schema::Ours, db_pgsql::open_leases4);
}

#[test]
fn pgsql6_keeps_the_contract_in_our_tables() {
    in_server::<V6>(SqlKind::Postgresql, Schema::Ours, db_pgsql::open_leases6);
}
