//! Leases in PostgreSQL: [`LeaseConnection`] over one connection.
//!
//! Each method is one prepared statement, whose parameters are columns of the batch as arrays. Elements are in the order
//! of their addresses, so that servers that change the same rows meet in one order and do not lock each other out.

use std::collections::BTreeMap;

use database::{Counted, DbError, Expired, LeaseConnection, Page, SchemaVersion, Wanted};
use kea_log::log;
use libdhcpsrv::config::SqlAccess;
use libdhcpsrv::lease::{AddressOf, LeaseKind, LeaseState, SubnetId};
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;
use libdhcpsrv::loggers::DHCPSRV;

use crate::column::{Abilities, Array, Column};
use crate::connection::connect_to_serve;
use crate::messages::{PGSQL_LEASE_ROW_UNUSABLE, PGSQL_STATES_MISSING};
use crate::table::{Key, LeaseTable, lease_type};
use crate::table4::Table4;
use crate::table6::Table6;
use crate::value::{Time, number};
use crate::{Client, Parameter, Row, Statement, schema, sql};

/// The character 0 as JSON writes it.
const NO_CHARACTER: &[u8] = b"\\u0000";

/// Leases that one client can have in a subnet, as far as they are looked at.
const LEASES_PER_CLIENT_MAX: u8 = 64;

/// Connects to the table of DHCPv4 leases.
///
/// # Errors
/// [`DbError`]; see [`connect`](crate::connect), and `Schema` when the tables are not what is needed.
pub fn open_leases4(access: &SqlAccess) -> Result<Box<dyn LeaseConnection<V4>>, DbError> {
    Ok(Box::new(Leases::<Table4>::open(access)?))
}

/// Connects to the table of DHCPv6 leases.
///
/// # Errors
/// [`DbError`]; see [`connect`](crate::connect), and `Schema` when the tables are not what is needed.
pub fn open_leases6(access: &SqlAccess) -> Result<Box<dyn LeaseConnection<V6>>, DbError> {
    Ok(Box::new(Leases::<Table6>::open(access)?))
}

/// A table of leases and the connection to it.
struct Leases<T: LeaseTable> {
    client: Client,
    table: T,
    abilities: Abilities,
    version: SchemaVersion,
    prepared: Prepared,
    /// Statements that are seldom needed are prepared when they are.
    seldom: BTreeMap<&'static str, Statement>,
    /// The last address that a page ended with, and the value of its row.
    page_end: Option<(AddressOf<T::Kind>, Key)>,
}

struct Prepared {
    look: Statement,
    find: Statement,
    get: Statement,
    insert: Statement,
    update: Statement,
    delete: Statement,
}

impl<T: LeaseTable> Leases<T> {
    fn open(access: &SqlAccess) -> Result<Self, DbError> {
        let mut client = connect_to_serve(access)?;
        client.set("", &sql::settings())?;
        let version = schema::version(&mut client)?;
        let shape = schema::Table::read(&mut client, T::NAME)?;
        let table = T::new(&shape)?;
        let (states, has_registered) = states(&mut client)?;
        let abilities = Abilities {
            has_unicode: client.has_unicode(),
            states,
            has_registered,
            has_wide_iaid: shape.type_of("iaid") == Some("int8"),
        };
        let prepared = Prepared {
            look: client.prepare("look", &sql::look(&table))?,
            find: client.prepare("find", &table.find())?,
            get: client.prepare("get", &sql::get(&table))?,
            insert: client.prepare("insert", &sql::insert(&table))?,
            update: client.prepare("update", &sql::update(&table, &relayed(&shape)))?,
            delete: client.prepare("delete", &sql::delete(&table))?,
        };
        client.serve(access);
        let (seldom, page_end) = (BTreeMap::new(), None);
        Ok(Self { client, table, abilities, version, prepared, seldom, page_end })
    }

    fn seldom(
        &mut self,
        name: &'static str,
        text: impl Fn(&T) -> String,
    ) -> Result<Statement, DbError> {
        if let Some(statement) = self.seldom.get(name) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(name, &text(&self.table))?;
        self.seldom.insert(name, statement.clone());
        Ok(statement)
    }

    /// Runs something that reads the whole table, which is allowed for as long.
    fn over_all<R>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<R, DbError>,
    ) -> Result<R, DbError> {
        let allow = |value: &str| [("enable_seqscan", value.to_owned())];
        self.unlimited(|leases| {
            leases.client.set("settings", &allow("on"))?;
            let result = run(leases);
            match &result {
                Err(error) if error.is_lost() => {}
                _ => leases.client.set("settings", &allow("off"))?,
            }
            result
        })
    }

    /// Runs something that may take as long as it takes.
    fn unlimited<R>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<R, DbError>,
    ) -> Result<R, DbError> {
        self.client.set_unlimited(true)?;
        let result = run(self);
        match &result {
            Err(error) if error.is_lost() => {}
            _ => self.client.set_unlimited(false)?,
        }
        result
    }

    /// Reads leases; rows that are none are reported.
    fn read(table: &T, row: &Row, first: usize) -> Option<<T::Kind as LeaseKind>::Lease> {
        match table.lease(row, first) {
            Ok(lease) => Some(lease),
            Err(unreadable) => {
                let (key, fault) = (&unreadable.key, &unreadable.fault);
                log!(DHCPSRV, PGSQL_LEASE_ROW_UNUSABLE, T::NAME, key, fault);
                None
            }
        }
    }

    /// Reads the lease of an address. What cannot be read is there all the same.
    fn there(table: &T, row: &Row, first: usize) -> Option<Lease<T>> {
        let taken = || table.address(row, first).0.map(T::Kind::taken);
        Self::read(table, row, first).or_else(taken)
    }

    /// Tells the rows of `look`: an index below `wanted`, or another number for the lease of an address, and a lease.
    fn tell(
        &self,
        rows: &[Row],
        wanted: usize,
        own: &mut dyn FnMut(usize, Lease<T>),
        at: &mut dyn FnMut(Lease<T>),
    ) {
        let mut found = vec![0_u8; wanted];
        for row in rows {
            let index = number(row, 0).and_then(|index| usize::try_from(index).ok());
            let Some(index) = index else {
                if let Some(lease) = Self::there(&self.table, row, 1) {
                    at(lease);
                }
                continue;
            };
            let Some(count) = found.get_mut(index) else { continue };
            if *count < LEASES_PER_CLIENT_MAX
                && let Some(lease) = Self::read(&self.table, row, 1)
            {
                *count += 1;
                own(index, lease);
            }
        }
    }

    /// Runs a statement that returns the ordinal numbers of what it changed. `order` tells which of `count` elements each
    /// one is.
    fn change(
        &mut self,
        statement: &Statement,
        arrays: &[Array<'_>],
        order: &[usize],
        count: usize,
    ) -> Result<Vec<bool>, DbError> {
        let parameters: Vec<Parameter<'_>> = arrays.iter().map(Array::parameter).collect();
        let rows = self.client.query(statement, &parameters)?;
        let mut made = vec![false; count];
        for row in &rows {
            let place = number(row, 0).and_then(|n| usize::try_from(n - 1).ok());
            let element = place.and_then(|place| order.get(place));
            if let Some(made) = element.and_then(|at| made.get_mut(*at)) {
                *made = true;
            }
        }
        Ok(made)
    }

    /// The contents of a page.
    fn read_page(
        &mut self,
        after: Option<AddressOf<T::Kind>>,
        limit: usize,
    ) -> Result<Page<T::Kind>, DbError> {
        // Where a walk goes on is told by what the row had, which may be written in an unusual way.
        let mut from = match (after, self.page_end.take()) {
            (Some(after), Some((address, key))) if after == address => Some(key),
            (Some(after), _) => Some(self.table.key(after)),
            (None, _) => None,
        };
        loop {
            let rows = match &from {
                None => {
                    let first = self.seldom("first page", |table| sql::page(table, true))?;
                    self.client.query(&first, &[&clamped(limit)])?
                }
                Some(key) => {
                    let next = self.seldom("page", |table| sql::page(table, false))?;
                    self.client.query(&next, &[key.parameter(), &clamped(limit)])?
                }
            };
            let leases: Vec<Lease<T>> =
                rows.iter().filter_map(|row| Self::read(&self.table, row, 0)).collect();
            let Some(last) = rows.last() else { return Ok((leases, None)) };
            let (_, key) = self.table.address(last, 0);
            if let Some(lease) = leases.last() {
                let address = T::Kind::address(lease);
                self.page_end = Some((address, key));
                let is_end = rows.len() < limit;
                return Ok((leases, (!is_end).then_some(address)));
            }
            // Nothing in it can be read.
            if key == Key::None {
                return Ok((leases, None));
            }
            from = Some(key);
        }
    }

    fn ranges(
        &mut self,
        statement: &Statement,
        parameters: &[Parameter<'_>],
        each: &mut dyn FnMut(Number<T>, Number<T>),
    ) -> Result<(), DbError> {
        let Self { client, table, .. } = self;
        client.each(statement, parameters, &mut |row| {
            match table.range(row) {
                Some((first, last)) => each(first, last),
                None => {
                    let (_, key) = table.address(row, 0);
                    let fault = "it covers no addresses";
                    log!(DHCPSRV, PGSQL_LEASE_ROW_UNUSABLE, T::NAME, key, fault);
                }
            }
            Ok(())
        })
    }
}

type Number<T> = <<T as LeaseTable>::Kind as LeaseKind>::Number;
type Lease<T> = <<T as LeaseTable>::Kind as LeaseKind>::Lease;

/// What else a change sets: what a relay told belongs to the context; with another one it is no longer known.
fn relayed(shape: &schema::Table) -> String {
    let columns = ["relay_id", "remote_id"].iter().filter(|column| shape.has(column));
    columns
        .map(|column| {
            format!(
                ", {column} = CASE WHEN coalesce(l.user_context, '') = w.user_context \
                 THEN l.{column} END"
            )
        })
        .collect()
}

/// Makes a connection one for leases, and tells names and texts of the statements that a connection to `lease4` or
/// `lease6` uses, so that their plans can be looked at.
///
/// # Errors
/// [`DbError`].
pub fn lease_statements(
    client: &mut Client,
    is_v6: bool,
) -> Result<Vec<(&'static str, String)>, DbError> {
    fn texts<T: LeaseTable>(client: &mut Client) -> Result<Vec<(&'static str, String)>, DbError> {
        let shape = schema::Table::read(client, T::NAME)?;
        let table = T::new(&shape)?;
        Ok(vec![
            ("look", sql::look(&table)),
            ("find", table.find()),
            ("get", sql::get(&table)),
            ("insert", sql::insert(&table)),
            ("update", sql::update(&table, &relayed(&shape))),
            ("delete", sql::delete(&table)),
            ("expired", sql::expired(&table)),
            ("delete_reclaimed", sql::delete_reclaimed::<T>()),
            ("ended", sql::ended(&table)),
            ("page", sql::page(&table, false)),
        ])
    }
    client.set("", &sql::settings())?;
    if is_v6 { texts::<Table6>(client) } else { texts::<Table4>(client) }
}

/// The order of addresses: indices of elements.
fn by_address<K: LeaseKind>(count: usize, address: impl Fn(usize) -> AddressOf<K>) -> Vec<usize>
where
    AddressOf<K>: Ord,
{
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|at| address(*at));
    order
}

/// One column of the leases of a batch.
fn gather<'a, L>(
    abilities: &Abilities,
    column: &Column<L>,
    leases: impl ExactSizeIterator<Item = &'a L>,
) -> Array<'a>
where
    L: 'a,
{
    Array::gather(column.kind, abilities, leases.map(column.value))
}

/// The states that tables know (all leases refer to a row of `lease_state`): the numbers that states are stored with,
/// and whether there is one for registered leases.
fn states(client: &mut Client) -> Result<([i64; 5], bool), DbError> {
    let mut states = [0, 1, 2, 3, 4];
    let asked = client.prepare("states", "SELECT to_regclass('lease_state') IS NOT NULL")?;
    let is_there = client.query(&asked, &[])?;
    if !is_there.first().is_some_and(|row| row.try_get(0).unwrap_or(false)) {
        return Ok((states, true));
    }
    let asked = client.prepare("states", "SELECT state::int8 FROM lease_state")?;
    let known: Vec<i64> =
        client.query(&asked, &[])?.iter().filter_map(|row| number(row, 0)).collect();
    let (released, instead) = (LeaseState::Released as i64, LeaseState::ExpiredReclaimed as i64);
    if !known.contains(&released) {
        log!(DHCPSRV, PGSQL_STATES_MISSING, released, "released", instead);
        states[LeaseState::Released as usize] = instead;
    }
    Ok((states, known.contains(&(LeaseState::Registered as i64))))
}

impl<T: LeaseTable> LeaseConnection<T::Kind> for Leases<T>
where
    AddressOf<T::Kind>: Ord,
{
    fn find(
        &mut self,
        wanted: &[Wanted<T::Kind>],
        each: &mut dyn FnMut(usize, Lease<T>),
    ) -> Result<(), DbError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let arrays = self.table.wanted(&self.abilities, wanted);
        let parameters: Vec<Parameter<'_>> = arrays.iter().map(Array::parameter).collect();
        let rows = self.client.query(&self.prepared.find, &parameters)?;
        self.tell(&rows, wanted.len(), each, &mut |_| {});
        Ok(())
    }

    fn get(
        &mut self,
        addresses: &[AddressOf<T::Kind>],
        each: &mut dyn FnMut(Lease<T>),
    ) -> Result<(), DbError> {
        if addresses.is_empty() {
            return Ok(());
        }
        let array = self.table.addresses(&self.abilities, addresses.iter().copied());
        let rows = self.client.query(&self.prepared.get, &[array.parameter()])?;
        rows.iter().filter_map(|row| Self::there(&self.table, row, 0)).for_each(each);
        Ok(())
    }

    fn look(
        &mut self,
        wanted: &[Wanted<T::Kind>],
        addresses: &[AddressOf<T::Kind>],
        own: &mut dyn FnMut(usize, Lease<T>),
        at: &mut dyn FnMut(Lease<T>),
    ) -> Result<(), DbError> {
        if wanted.is_empty() {
            return self.get(addresses, at);
        }
        if addresses.is_empty() {
            return self.find(wanted, own);
        }
        let mut arrays = self.table.wanted(&self.abilities, wanted);
        arrays.push(self.table.addresses(&self.abilities, addresses.iter().copied()));
        let parameters: Vec<Parameter<'_>> = arrays.iter().map(Array::parameter).collect();
        let rows = self.client.query(&self.prepared.look, &parameters)?;
        self.tell(&rows, wanted.len(), own, at);
        Ok(())
    }

    fn fits(&self, lease: &Lease<T>) -> Result<(), String> {
        let lease = T::Kind::contents_of(lease);
        if lease.state == LeaseState::Registered && !self.abilities.has_registered {
            return Err("the tables do not know that a lease is registered".to_owned());
        }
        // Triggers of the tables read it as JSON, and PostgreSQL has no character 0.
        let has_zero =
            lease.user_context.windows(NO_CHARACTER.len()).any(|part| part == NO_CHARACTER);
        match has_zero {
            true => Err("PostgreSQL cannot keep the character 0 of its user context".to_owned()),
            false => Ok(()),
        }
    }

    fn stored(&self, lease: &Lease<T>) -> Lease<T> {
        self.table.stored(&self.abilities, lease)
    }

    fn set_patient(&mut self, is_patient: bool) -> Result<(), DbError> {
        self.client.set_patient(is_patient)
    }

    fn begin(&mut self) -> Result<(), DbError> {
        self.client.begin();
        Ok(())
    }

    fn commit(&mut self) -> Result<(), DbError> {
        self.client.commit()
    }

    fn roll_back(&mut self) -> Result<(), DbError> {
        self.client.rollback()
    }

    fn insert(&mut self, leases: &[&Lease<T>]) -> Result<Vec<bool>, DbError> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let mut order: Vec<(AddressOf<T::Kind>, usize)> =
            leases.iter().enumerate().map(|(at, lease)| (T::Kind::address(lease), at)).collect();
        order.retain(|(_, at)| leases.get(*at).is_some_and(|lease| self.fits(lease).is_ok()));
        order.sort_unstable();
        let sorted: Vec<&Lease<T>> =
            order.iter().filter_map(|(_, at)| leases.get(*at).copied()).collect();
        let columns = self.table.columns();
        let arrays: Vec<Array<'_>> = columns
            .iter()
            .map(|column| gather(&self.abilities, column, sorted.iter().copied()))
            .collect();
        let parameters: Vec<Parameter<'_>> = arrays.iter().map(Array::parameter).collect();
        let rows = self.client.query(&self.prepared.insert, &parameters)?;
        let mut made = vec![false; leases.len()];
        for row in &rows {
            let (Some(address), _) = self.table.address(row, 0) else { continue };
            let place = order.binary_search_by_key(&address, |(address, _)| *address).ok();
            let element = place.and_then(|place| order.get(place));
            if let Some(made) = element.and_then(|(_, at)| made.get_mut(*at)) {
                *made = true;
            }
        }
        Ok(made)
    }

    fn update(&mut self, leases: &[(&Lease<T>, &Lease<T>)]) -> Result<Vec<bool>, DbError> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let mut order = by_address::<T::Kind>(leases.len(), |at| T::Kind::address(leases[at].0));
        order.retain(|at| leases.get(*at).is_some_and(|(_, new)| self.fits(new).is_ok()));
        let old: Vec<&Lease<T>> = order.iter().map(|at| leases[*at].0).collect();
        let new: Vec<&Lease<T>> = order.iter().map(|at| leases[*at].1).collect();
        let columns = self.table.columns();
        let from_old = columns.iter().take(1).chain(sql::compared(columns));
        let abilities = &self.abilities;
        let mut arrays: Vec<Array<'_>> =
            from_old.map(|column| gather(abilities, column, old.iter().copied())).collect();
        arrays.extend(
            sql::changed(columns).map(|column| gather(abilities, column, new.iter().copied())),
        );
        let statement = self.prepared.update.clone();
        self.change(&statement, &arrays, &order, leases.len())
    }

    fn delete(&mut self, leases: &[&Lease<T>]) -> Result<Vec<bool>, DbError> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let order = by_address::<T::Kind>(leases.len(), |at| T::Kind::address(leases[at]));
        let old: Vec<&Lease<T>> = order.iter().map(|at| leases[*at]).collect();
        let columns = self.table.columns();
        let arrays: Vec<Array<'_>> = columns
            .iter()
            .take(1)
            .chain(sql::compared(columns))
            .map(|column| gather(&self.abilities, column, old.iter().copied()))
            .collect();
        let statement = self.prepared.delete.clone();
        self.change(&statement, &arrays, &order, leases.len())
    }

    fn expired(
        &mut self,
        now_s: i64,
        skip: usize,
        limit: usize,
    ) -> Result<Expired<Lease<T>>, DbError> {
        let statement = self.seldom("expired", sql::expired)?;
        let all = clamped(skip.saturating_add(limit));
        let rows = self.client.query(&statement, &[&Time(now_s), &all, &clamped(skip)])?;
        let leases = rows.iter().filter_map(|row| Self::read(&self.table, row, 0)).collect();
        Ok(Expired { rows: rows.len(), leases })
    }

    fn delete_reclaimed(&mut self, before_s: i64, limit: usize) -> Result<u64, DbError> {
        let statement = self.seldom("delete_reclaimed", |_| sql::delete_reclaimed::<T>())?;
        self.client.execute(&statement, &[&Time(before_s), &clamped(limit)])
    }

    fn ended(
        &mut self,
        from_s: i64,
        to_s: i64,
        each: &mut dyn FnMut(Number<T>, Number<T>),
    ) -> Result<(), DbError> {
        let statement = self.seldom("ended", sql::ended)?;
        self.ranges(&statement, &[&Time(from_s), &Time(to_s)], each)
    }

    fn held(
        &mut self,
        now_s: i64,
        each: &mut dyn FnMut(Number<T>, Number<T>),
    ) -> Result<(), DbError> {
        self.over_all(|leases| {
            let statement = leases.client.prepare("held", &sql::held(&leases.table))?;
            leases.ranges(&statement, &[&Time(now_s)], each)
        })
    }

    fn count(&mut self) -> Result<Vec<Counted>, DbError> {
        let rows = self.over_all(|leases| {
            let statement = leases.client.prepare("count", &sql::count(&leases.table))?;
            leases.client.query(&statement, &[])
        })?;
        Ok(rows.iter().filter_map(counted).collect())
    }

    fn page(
        &mut self,
        after: Option<AddressOf<T::Kind>>,
        limit: usize,
    ) -> Result<Page<T::Kind>, DbError> {
        self.unlimited(|leases| leases.read_page(after, limit))
    }

    fn schema_version(&self) -> SchemaVersion {
        self.version
    }
}

fn clamped(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn counted(row: &Row) -> Option<Counted> {
    let unsigned = |index| number(row, index).and_then(|number| u32::try_from(number).ok());
    Some(Counted {
        subnet_id: SubnetId(unsigned(0)?),
        lease_type: lease_type(number(row, 1)?)?,
        pool_id: unsigned(2)?,
        state: LeaseState::from_number(u64::try_from(number(row, 3)?).ok()?)?,
        count: u64::try_from(number(row, 4)?).ok()?,
    })
}
