//! Hosts of either protocol behind [`HostConnection`].
//!
//! One statement per sort of question. Its condition is a disjunction of points (or short ranges) of one index, which the
//! server reads as so many ranges; options and reservations are joined to what is found. Nothing is written, locked or
//! begun, so that a user who may only read is enough, and views are read as tables are.

use std::net::Ipv6Addr;

use database::host::{Cell, FaultLog, HostAssembly, HostColumns, HostConnection, Rows, tell};
use database::{DbError, SchemaVersion};
use libdhcpsrv::config::SqlAccess;
use libdhcpsrv::hosts::{HostQuery, RawHost};
use libdhcpsrv::lease::{AddressOf, SubnetId};
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;
use mysql::prelude::Queryable;
use mysql::{Conn, Value};

use crate::connection::{connect, db_error};
use crate::session::{Session, size_around};

const ADVICE: &str = "run 'kea-admin db-upgrade mysql'";
/// Points of an index that one statement looks at.
const POINTS_MAX: usize = 256;

/// What the statements of the two protocols differ in.
pub(crate) trait Family: Rows {
    /// Where hosts are found by what is reserved for them, from `h` and perhaps `r`.
    const BY_RESOURCE: &'static str;

    /// What is looked for there: what `BY_RESOURCE` has parameters for, without the subnet.
    fn resource_key(is_binary: bool, first: AddressOf<Self>, last: AddressOf<Self>) -> Vec<Value>;
}

impl Family for V4 {
    const BY_RESOURCE: &'static str = "h.ipv4_address BETWEEN ? AND ?";

    fn resource_key(_: bool, first: std::net::Ipv4Addr, last: std::net::Ipv4Addr) -> Vec<Value> {
        vec![Value::UInt(u32::from(first).into()), Value::UInt(u32::from(last).into())]
    }
}

impl Family for V6 {
    const BY_RESOURCE: &'static str = "r.address = ?";

    fn resource_key(is_binary: bool, first: Ipv6Addr, _: Ipv6Addr) -> Vec<Value> {
        vec![Value::Bytes(match is_binary {
            true => first.octets().to_vec(),
            false => first.to_string().into_bytes(),
        })]
    }
}

/// A connection to tables of hosts.
pub(crate) struct Hosts<K: Family> {
    session: Session,
    version: SchemaVersion,
    columns: HostColumns,
    /// Whether IPv6 addresses are kept as 16 bytes.
    is_binary: bool,
    faults: FaultLog,
    kind: std::marker::PhantomData<fn() -> K>,
}

impl<K: Family> Hosts<K> {
    /// Connects and looks at the tables.
    pub(crate) fn open(access: &SqlAccess) -> Result<Self, DbError> {
        let mut connection = connect(access)?;
        let version = version(&mut connection);
        let found = columns(&mut connection, K::OPTIONS)?;
        let has = |table: &str, name: &str| {
            found.iter().any(|column| column.table == table && column.name == name)
        };
        let columns = HostColumns::new::<K>(has, ADVICE)?;
        let is_address =
            |column: &&Found| column.table == "ipv6_reservations" && column.name == "address";
        let is_binary = found
            .iter()
            .find(is_address)
            .is_some_and(|column| column.data_type == "binary" || column.data_type == "varbinary");
        let mut session = Session::new(connection)?;
        // What is read is never converted. Keys are bytes, but where addresses are texts they must have a character
        // set, or no index is used for them.
        let charset = match K::HAS_RESERVATIONS && !is_binary {
            true => "SET character_set_results = NULL",
            false => "SET NAMES binary",
        };
        session.plain("open", charset)?;
        session.plain("open", "SET SESSION eq_range_index_dive_limit = 1")?;
        let (faults, kind) = (FaultLog::new(access), std::marker::PhantomData);
        Ok(Self { session, version, columns, is_binary, faults, kind })
    }

    /// Reads the hosts at some points of an index.
    fn read(
        &mut self,
        by: By,
        points: &[Vec<Value>],
        assembly: &mut HostAssembly<K>,
    ) -> Result<(), DbError> {
        let (name, point) = match by {
            By::Identifier => (
                "hosts by identifier",
                format!(
                    "h.dhcp_identifier = ? AND h.dhcp_identifier_type = ? AND h.{} = ?",
                    K::SUBNET
                ),
            ),
            By::Resource => {
                ("hosts by address", format!("{} AND h.{} = ?", K::BY_RESOURCE, K::SUBNET))
            }
        };
        for points in points.chunks(POINTS_MAX) {
            let size = size_around(points.len());
            // A point that is looked for twice is found once.
            let Some(last) = points.last() else { continue };
            let filled = points.iter().chain(std::iter::repeat(last)).take(size);
            let values = filled.flatten().cloned().collect();
            let columns = &self.columns;
            let sql = || {
                let with_options = by == By::Identifier;
                let selected =
                    columns.selected(with_options, |one| format!("{}.{}", one.table, one.name));
                let join = if by == By::Identifier { "LEFT JOIN" } else { "JOIN" };
                let mut joins = String::new();
                if K::HAS_RESERVATIONS {
                    joins = format!(" {join} ipv6_reservations r ON r.host_id = h.host_id");
                }
                if with_options {
                    let table = K::OPTIONS;
                    joins += &format!(
                        " LEFT JOIN {table} o ON o.host_id = h.host_id AND o.scope_id = 3"
                    );
                }
                let points = vec![format!("({point})"); size].join(" OR ");
                format!("SELECT {selected} FROM hosts h{joins} WHERE {points}")
            };
            let faults = &mut self.faults;
            self.session.run(name, size, sql, values, &mut |row| {
                assembly.add(row.into_iter().map(cell), &mut |fault| faults.report(fault));
            })?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Identifier,
    Resource,
}

impl<K: Family> HostConnection<K> for Hosts<K> {
    fn hosts(
        &mut self,
        queries: &[&HostQuery<K>],
        each: &mut dyn FnMut(usize, RawHost<K>),
    ) -> Result<(), DbError> {
        let (mut by_identifier, mut by_resource) = (Vec::new(), Vec::new());
        for query in queries {
            for subnet in query.subnets() {
                let SubnetId(subnet) = *subnet;
                let subnet = Value::UInt(subnet.into());
                match query {
                    HostQuery::Of { identifiers, .. } => {
                        by_identifier.extend(identifiers.iter().map(|id| {
                            let kind = Value::UInt(id.kind as u64);
                            vec![Value::Bytes(id.bytes.to_vec()), kind, subnet.clone()]
                        }));
                    }
                    HostQuery::Holders { first, last, .. } => {
                        let mut point = K::resource_key(self.is_binary, *first, *last);
                        point.push(subnet);
                        by_resource.push(point);
                    }
                }
            }
        }
        for (by, points) in [(By::Identifier, by_identifier), (By::Resource, by_resource)] {
            let mut assembly = HostAssembly::default();
            self.read(by, &points, &mut assembly)?;
            let faults = &mut self.faults;
            let hosts = assembly.finish(&mut |fault| faults.report(fault));
            let is_meant = |query: &&&HostQuery<K>| match by {
                By::Identifier => matches!(query, HostQuery::Of { .. }),
                By::Resource => matches!(query, HostQuery::Holders { .. }),
            };
            let numbers: Vec<usize> =
                (0..queries.len()).filter(|n| is_meant(&&queries[*n])).collect();
            let asked: Vec<&HostQuery<K>> = numbers.iter().map(|number| queries[*number]).collect();
            tell(&asked, hosts, &mut |nth, host| each(numbers[nth], host));
        }
        Ok(())
    }

    fn schema_version(&self) -> SchemaVersion {
        self.version
    }
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Bytes(bytes) => Cell::Bytes(bytes),
        Value::Int(number) => Cell::Int(number),
        Value::UInt(number) => i64::try_from(number).map_or(Cell::Null, Cell::Int),
        _ => Cell::Null,
    }
}

/// A column of a table.
struct Found {
    table: String,
    name: String,
    data_type: String,
}

/// The columns of the tables or views of hosts.
fn columns(connection: &mut Conn, options: &str) -> Result<Vec<Found>, DbError> {
    let lower = |text: String| text.to_ascii_lowercase();
    connection
        .exec_map(
            "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR), CAST(data_type AS CHAR) \
             FROM information_schema.columns WHERE table_schema = DATABASE() \
             AND table_name IN ('hosts', 'ipv6_reservations', ?)",
            (options,),
            |(table, name, data_type): (String, String, String)| Found {
                table: lower(table),
                name: lower(name),
                data_type: lower(data_type),
            },
        )
        .map_err(|error| db_error(&error, "open"))
}

/// The version of the tables. Whoever offers views need not offer it.
fn version(connection: &mut Conn) -> SchemaVersion {
    let version: Option<(u32, u32)> =
        connection.query_first("SELECT version, minor FROM schema_version").ok().flatten();
    let (major, minor) = version.unwrap_or_default();
    SchemaVersion { major, minor }
}
