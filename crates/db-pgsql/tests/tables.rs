//! Databases with the tables of several versions.

use database::LeaseConnection;
use db_testing::{Database, Durability, Schema, Server};
use libdhcpsrv::config::SqlKind;
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;

/// Which tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tables {
    /// The columns of Kea 1.1.
    Oldest,
    /// Those of Debian's Kea.
    Debian,
    /// Debian's with what the newest ones have.
    Newest,
}

pub(crate) const ALL: [Tables; 3] = [Tables::Oldest, Tables::Debian, Tables::Newest];

/// Version 3.0, as far as leases go.
const OLDEST: &str = "
    CREATE TABLE schema_version (version INT PRIMARY KEY, minor INT);
    INSERT INTO schema_version VALUES (3, 0);
    CREATE TABLE lease_state (state INT8 PRIMARY KEY, name VARCHAR(64) NOT NULL);
    INSERT INTO lease_state VALUES (0, 'default'), (1, 'declined'), (2, 'expired-reclaimed');
    CREATE TABLE lease6_types (lease_type SMALLINT PRIMARY KEY, name VARCHAR(5));
    INSERT INTO lease6_types VALUES (0, 'IA_NA'), (1, 'IA_TA'), (2, 'IA_PD');
    CREATE TABLE lease4 (
        address BIGINT PRIMARY KEY, hwaddr BYTEA, client_id BYTEA, valid_lifetime BIGINT,
        expire TIMESTAMP WITH TIME ZONE, subnet_id BIGINT, fqdn_fwd BOOLEAN, fqdn_rev BOOLEAN,
        hostname VARCHAR(255), state INT8 DEFAULT 0 REFERENCES lease_state);
    CREATE INDEX lease4_by_hwaddr_subnet_id ON lease4 (hwaddr, subnet_id);
    CREATE INDEX lease4_by_client_id_subnet_id ON lease4 (client_id, subnet_id);
    CREATE INDEX lease4_by_state_expire ON lease4 (state, expire);
    CREATE TABLE lease6 (
        address VARCHAR(39) PRIMARY KEY, duid BYTEA, valid_lifetime BIGINT,
        expire TIMESTAMP WITH TIME ZONE, subnet_id BIGINT, pref_lifetime BIGINT,
        lease_type SMALLINT REFERENCES lease6_types, iaid INT, prefix_len SMALLINT,
        fqdn_fwd BOOLEAN, fqdn_rev BOOLEAN, hostname VARCHAR(255),
        state INT8 DEFAULT 0 REFERENCES lease_state,
        hwaddr BYTEA, hwtype SMALLINT, hwaddr_source SMALLINT);
    CREATE INDEX lease6_by_iaid_subnet_id_duid ON lease6 (iaid, subnet_id, duid);
    CREATE INDEX lease6_by_state_expire ON lease6 (state, expire);
";

/// What came after Debian's, as far as it matters for leases.
const NEWER: &str = "
    ALTER TABLE lease4 ADD COLUMN relay_id BYTEA, ADD COLUMN remote_id BYTEA,
        ADD COLUMN pool_id BIGINT NOT NULL DEFAULT 0;
    ALTER TABLE lease6 ALTER COLUMN address TYPE INET USING address::inet,
        ADD COLUMN pool_id BIGINT NOT NULL DEFAULT 0;
    INSERT INTO lease_state VALUES (3, 'released'), (4, 'registered');
    UPDATE schema_version SET version = 34, minor = 0;
";

/// An empty database with these tables, in the server that all tests share.
pub(crate) fn database(tables: Tables) -> Database {
    let server = Server::shared(SqlKind::Postgresql, Durability::Relaxed);
    let database = server.new_database();
    fill(&database, tables);
    database
}

pub(crate) fn fill(database: &Database, tables: Tables) {
    match tables {
        Tables::Oldest => {
            database.sql(OLDEST);
        }
        Tables::Debian => database.create_schema(Schema::Debian),
        Tables::Newest => {
            database.create_schema(Schema::Debian);
            database.sql(NEWER);
        }
    }
}

pub(crate) fn open4(database: &Database) -> Box<dyn LeaseConnection<V4>> {
    db_pgsql::open_leases4(&database.access()).unwrap()
}

pub(crate) fn open6(database: &Database) -> Box<dyn LeaseConnection<V6>> {
    db_pgsql::open_leases6(&database.access()).unwrap()
}
