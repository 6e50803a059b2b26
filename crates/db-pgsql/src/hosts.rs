//! Hosts of either protocol behind [`HostConnection`].
//!
//! One prepared statement per sort of question, whose parameters are columns of what is asked for, as arrays. Each element
//! is found in a sub-select of its own, through an index, and options and reservations are joined to what is found.
//! Global hosts are found apart from those of subnets, because newer tables have partial indexes that tell them apart.
//! Nothing is written, locked or begun, so that a user who may only read is enough, and views are read as tables are.

use std::net::{Ipv4Addr, Ipv6Addr};

use database::host::{
    Cell, Column, FaultLog, HostAssembly, HostColumns, HostConnection, Rows, tell,
};
use database::{DbError, SchemaVersion};
use libdhcpsrv::config::SqlAccess;
use libdhcpsrv::hosts::{HostQuery, RawHost};
use libdhcpsrv::lease::{AddressOf, SubnetId};
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;

use crate::column::address_text;
use crate::connection::connect_to_serve;
use crate::schema::{self, Table};
use crate::value::{bytes, number};
use crate::{Client, Parameter, Row, Statement, sql};

const ADVICE: &str = "run 'kea-admin db-upgrade pgsql'";

/// Connects to the tables of hosts, for what they say of DHCPv4.
///
/// # Errors
/// [`DbError`]; see [`connect`](crate::connect), and `Schema` when the tables are not what is needed.
pub fn open_hosts4(access: &SqlAccess) -> Result<Box<dyn HostConnection<V4>>, DbError> {
    Ok(Box::new(Hosts::<V4>::open(access)?))
}

/// Connects to the tables of hosts, for what they say of DHCPv6.
///
/// # Errors
/// [`DbError`]; see [`connect`](crate::connect), and `Schema` when the tables are not what is needed.
pub fn open_hosts6(access: &SqlAccess) -> Result<Box<dyn HostConnection<V6>>, DbError> {
    Ok(Box::new(Hosts::<V6>::open(access)?))
}

/// What is looked for by what is reserved: first and last of each, and the places.
#[derive(Default)]
struct Reserved<A> {
    firsts: Vec<A>,
    lasts: Vec<A>,
    subnets: Vec<i64>,
}

/// What the statements of the two protocols differ in.
trait Family: Rows {
    /// Where hosts are found by what is reserved for them: `h` and, for DHCPv6, `r`; `key` is the type of addresses.
    fn by_resource(key: &str) -> String;

    /// The parameters of that statement.
    fn query(
        client: &mut Client,
        statement: &Statement,
        reserved: &Reserved<AddressOf<Self>>,
    ) -> Result<Vec<Row>, DbError>;
}

impl Family for V4 {
    fn by_resource(_: &str) -> String {
        "unnest($1::int8[], $2::int8[], $3::int8[]) AS w(a, z, s) CROSS JOIN LATERAL (\
         SELECT * FROM hosts x WHERE x.ipv4_address >= w.a AND x.ipv4_address <= w.z \
         AND x.dhcp4_subnet_id = w.s OFFSET 0) h"
            .to_owned()
    }

    fn query(
        client: &mut Client,
        statement: &Statement,
        reserved: &Reserved<Ipv4Addr>,
    ) -> Result<Vec<Row>, DbError> {
        let numbers = |all: &[Ipv4Addr]| -> Vec<i64> {
            all.iter().map(|address| i64::from(u32::from(*address))).collect()
        };
        let (firsts, lasts) = (numbers(&reserved.firsts), numbers(&reserved.lasts));
        let parameters: [Parameter<'_>; 3] = [&firsts, &lasts, &reserved.subnets];
        client.query(statement, &parameters)
    }
}

impl Family for V6 {
    fn by_resource(key: &str) -> String {
        format!(
            "unnest($1::text[], $2::int8[]) AS w(a, s) CROSS JOIN LATERAL (\
             SELECT * FROM ipv6_reservations x WHERE x.address = w.a::{key} OFFSET 0) r \
             JOIN hosts h ON h.host_id = r.host_id AND h.dhcp6_subnet_id = w.s"
        )
    }

    fn query(
        client: &mut Client,
        statement: &Statement,
        reserved: &Reserved<Ipv6Addr>,
    ) -> Result<Vec<Row>, DbError> {
        let firsts: Vec<String> =
            reserved.firsts.iter().map(|first| address_text(*first)).collect();
        let parameters: [Parameter<'_>; 2] = [&firsts, &reserved.subnets];
        client.query(statement, &parameters)
    }
}

/// A connection to tables of hosts.
struct Hosts<K: Family> {
    client: Client,
    version: SchemaVersion,
    by_identifier: Statement,
    by_resource: Statement,
    faults: FaultLog,
    kind: std::marker::PhantomData<fn() -> K>,
}

impl<K: Family> Hosts<K> {
    fn open(access: &SqlAccess) -> Result<Self, DbError> {
        let mut client = connect_to_serve(access)?;
        client.set("open", &sql::settings())?;
        let version = match schema::version(&mut client) {
            Ok(version) => version,
            Err(error) if error.is_lost() => return Err(error),
            // Whoever offers views need not offer it.
            Err(_) => SchemaVersion { major: 0, minor: 0 },
        };
        let mut tables = vec![
            ("hosts", Table::read(&mut client, "hosts")?),
            (K::OPTIONS, Table::read(&mut client, K::OPTIONS)?),
        ];
        if K::HAS_RESERVATIONS {
            let name = "ipv6_reservations";
            tables.push((name, Table::read(&mut client, name)?));
        }
        let type_of = |table: &str, column: &str| {
            let found = tables.iter().find(|(name, _)| *name == table);
            found.and_then(|(_, found)| found.type_of(column))
        };
        let has = |table: &str, column: &str| type_of(table, column).is_some();
        let columns = HostColumns::new::<K>(has, ADVICE)?;
        let write = |column: &Column| {
            let Column { table, name, .. } = *column;
            match type_of("ipv6_reservations", name).filter(|_| table == 'r') {
                Some("inet" | "cidr") => format!("host({table}.{name})"),
                _ => format!("{table}.{name}"),
            }
        };
        let key = match type_of("ipv6_reservations", "address") {
            Some("inet") => "inet",
            _ => "text",
        };
        let (subnet, options) = (K::SUBNET, K::OPTIONS);
        let by_client = "x.dhcp_identifier = w.i AND x.dhcp_identifier_type = w.t";
        let reservations = match K::HAS_RESERVATIONS {
            true => "LEFT JOIN ipv6_reservations r ON r.host_id = h.host_id ",
            false => "",
        };
        let by_identifier = format!(
            "SELECT {} FROM unnest($1::bytea[], $2::int8[], $3::int8[]) AS w(i, t, s) \
             CROSS JOIN LATERAL (SELECT * FROM hosts x \
             WHERE {by_client} AND x.{subnet} = w.s AND x.{subnet} <> 0 \
             UNION ALL SELECT * FROM hosts x WHERE w.s = 0 AND {by_client} AND x.{subnet} = 0) h \
             {reservations}\
             LEFT JOIN {options} o ON o.host_id = h.host_id AND o.scope_id = 3",
            columns.selected(true, write),
        );
        let by_resource =
            format!("SELECT {} FROM {}", columns.selected(false, write), K::by_resource(key));
        let by_identifier = client.prepare("hosts by identifier", &by_identifier)?;
        let by_resource = client.prepare("hosts by address", &by_resource)?;
        client.serve(access);
        Ok(Self {
            by_identifier,
            by_resource,
            client,
            version,
            faults: FaultLog::new(access),
            kind: std::marker::PhantomData,
        })
    }

    /// Makes hosts of rows and tells them to those who have asked.
    fn tell(
        &mut self,
        rows: &[Row],
        (numbers, asked): &(Vec<usize>, Vec<&HostQuery<K>>),
        each: &mut dyn FnMut(usize, RawHost<K>),
    ) {
        let faults = &mut self.faults;
        let mut assembly = HostAssembly::default();
        for row in rows {
            let cells = (0..row.len()).map(|index| cell(row, index));
            assembly.add(cells, &mut |fault| faults.report(fault));
        }
        let hosts = assembly.finish(&mut |fault| faults.report(fault));
        tell(asked, hosts, &mut |nth, host| {
            if let Some(number) = numbers.get(nth) {
                each(*number, host);
            }
        });
    }
}

impl<K: Family> HostConnection<K> for Hosts<K> {
    fn hosts(
        &mut self,
        queries: &[&HostQuery<K>],
        each: &mut dyn FnMut(usize, RawHost<K>),
    ) -> Result<(), DbError> {
        let (mut ids, mut kinds, mut subnets) = (Vec::new(), Vec::new(), Vec::new());
        let mut reserved = Reserved { firsts: Vec::new(), lasts: Vec::new(), subnets: Vec::new() };
        let mut of = (Vec::new(), Vec::new());
        let mut holders = (Vec::new(), Vec::new());
        for (number, query) in queries.iter().copied().enumerate() {
            let (numbers, asked) = match query {
                HostQuery::Of { .. } => &mut of,
                HostQuery::Holders { .. } => &mut holders,
            };
            numbers.push(number);
            asked.push(query);
            for SubnetId(subnet) in query.subnets() {
                match query {
                    HostQuery::Of { identifiers, .. } => {
                        for identifier in identifiers {
                            ids.push(&*identifier.bytes);
                            kinds.push(identifier.kind as i64);
                            subnets.push(i64::from(*subnet));
                        }
                    }
                    HostQuery::Holders { first, last, .. } => {
                        reserved.firsts.push(*first);
                        reserved.lasts.push(*last);
                        reserved.subnets.push(i64::from(*subnet));
                    }
                }
            }
        }
        if !ids.is_empty() {
            let parameters: [Parameter<'_>; 3] = [&ids, &kinds, &subnets];
            let rows = self.client.query(&self.by_identifier, &parameters)?;
            self.tell(&rows, &of, each);
        }
        if !reserved.subnets.is_empty() {
            let rows = K::query(&mut self.client, &self.by_resource, &reserved)?;
            self.tell(&rows, &holders, each);
        }
        Ok(())
    }

    fn schema_version(&self) -> SchemaVersion {
        self.version
    }
}

fn cell(row: &Row, index: usize) -> Cell {
    match number(row, index) {
        Some(number) => Cell::Int(number),
        None => bytes(row, index).map_or(Cell::Null, Cell::Bytes),
    }
}
