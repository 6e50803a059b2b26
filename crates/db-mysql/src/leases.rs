//! Leases of either protocol behind [`LeaseConnection`].
//!
//! Reads are `IN` lists over one index each: of all forms that were measured this is what the optimizer of MariaDB
//! handles best, and what is not asked for (another subnet) is left out here.
//!
//! Changes are in `write`.

use std::collections::HashMap;

use database::{Counted, DbError, Expired, LeaseConnection, RowFault, SchemaVersion, Wanted};
use kea_log::Logger;
use libdhcpsrv::config::SqlAccess;
use libdhcpsrv::lease::{AddressOf, INFINITE, LeaseKind, LeaseState, LeaseType, SubnetId};
use mysql::Value;

use crate::connection::connect;
use crate::family::{Family, Search};
use crate::messages::MYSQL_LEASE_ROW_UNREADABLE;
use crate::schema::Table;
use crate::session::{Session, repeated, size_around};
use crate::value::{number, time};
use crate::write::UPDATE;

/// Where this crate logs.
pub(crate) static LOGGER: Logger = Logger::new("database");

/// At most so many leases are told of one client.
const PER_CLIENT_MAX: usize = 64;

/// A connection to a table of leases.
pub(crate) struct Leases<K: Family> {
    pub(crate) session: Session,
    pub(crate) table: Table,
    /// Whether the server can pass over rows that somebody holds.
    pub(crate) skips_locked: bool,
    /// Names of the columns, separated by commas, as they are written.
    pub(crate) names: String,
    /// The same as they are read.
    selected: String,
    /// One row of parameters.
    pub(crate) row: String,
    /// Assignments of all columns but the key.
    pub(crate) assignments: String,
    searches: Vec<Search<K>>,
}

impl<K: Family> Leases<K> {
    /// Connects and looks at the table.
    pub(crate) fn open(access: &SqlAccess) -> Result<Self, DbError> {
        let mut connection = connect(access)?;
        let table = Table::read(&mut connection, K::TABLE, K::NEEDED)?;
        let mut session = Session::new(connection)?;
        // Keys and identifiers are bytes. Only where keys are texts must they have a character set, or no index would
        // be used for them. What is read is never converted.
        let charset = if K::has_text_keys(&table) {
            "SET character_set_results = NULL"
        } else {
            "SET NAMES binary"
        };
        session.plain("open", charset)?;
        // Looking into the index for each of many keys, only to guess how many rows there are, costs as much as
        // reading the rows.
        session.plain("open", "SET SESSION eq_range_index_dive_limit = 1")?;
        // MariaDB alone: no second look at the lists for statistics of columns, which the tables do not have.
        let simple = "SET SESSION optimizer_use_condition_selectivity = 1, use_stat_tables = NEVER";
        match session.plain("open", simple) {
            Err(error) if error.is_lost() => return Err(error),
            _ => {}
        }
        session.be_short()?;
        if !table.is_referenced {
            // States and sources are looked up in what was read of the tables that have them, and there are three types
            // of leases; the server need not look at each row.
            session.plain("open", "SET SESSION foreign_key_checks = 0")?;
        }
        let skips_locked = session.can(&format!(
            "SELECT address FROM {} WHERE address IS NULL FOR UPDATE SKIP LOCKED",
            K::TABLE
        ))?;
        let columns = K::columns(&table);
        let join = |each: &dyn Fn(&str) -> String, columns: &[&str]| {
            columns.iter().map(|name| each(name)).collect::<Vec<_>>().join(",")
        };
        let selected = |name: &str| match name {
            "expire" => "UNIX_TIMESTAMP(expire)".to_owned(),
            name => name.to_owned(),
        };
        let parameter = |name: &str| match name {
            "expire" => "FROM_UNIXTIME(?)".to_owned(),
            _ => "?".to_owned(),
        };
        let rest = columns.get(1..).unwrap_or_default();
        Ok(Self {
            session,
            skips_locked,
            names: columns.join(","),
            selected: join(&selected, &columns),
            row: format!("({})", join(&parameter, &columns)),
            assignments: join(&|name| format!("{name}=VALUES({name})"), rest),
            searches: K::searches(&table),
            table,
        })
    }

    /// Reads the rows of a statement; unreadable ones are reported.
    fn read(
        &mut self,
        name: &'static str,
        size: usize,
        sql: impl FnOnce(&str) -> String,
        values: Vec<Value>,
        each: &mut dyn FnMut(K::Lease),
    ) -> Result<(), DbError> {
        let Self { session, table, selected, .. } = self;
        let mut take = |row: Vec<Value>| {
            if let Some(lease) = load::<K>(table, row) {
                each(lease);
            }
        };
        session.run(name, size, || sql(selected), values, &mut take).map(drop)
    }

    /// One search for some clients.
    fn search(
        &mut self,
        index: usize,
        wanted: &[(usize, &Wanted<K>)],
        each: &mut dyn FnMut(usize, K::Lease),
    ) -> Result<(), DbError> {
        let Some(search) = self.searches.get(index) else { return Ok(()) };
        let (name, condition, values_of) = (search.name, search.condition, search.values);
        let (is_meant, wanted_id, lease_id) = (search.is_meant, search.wanted_id, search.lease_id);
        let hint = search.hint.clone();
        let size = size_around(wanted.len());
        let limit = size * PER_CLIENT_MAX;
        let mut values = Vec::with_capacity(2 * size);
        let mut last = None;
        let mut clients: HashMap<_, Vec<_>> = HashMap::with_capacity(wanted.len());
        for &(at, client) in wanted {
            let Some(own) = values_of(client) else { continue };
            values.extend(own);
            last = Some(client);
            let key: (&[u8], SubnetId) = (wanted_id(client), client.subnet);
            clients.entry(key).or_default().push((at, client));
        }
        let Some(last) = last else { return Ok(()) };
        for _ in wanted.len()..size {
            values.extend(values_of(last).unwrap_or_default());
        }
        let mut found = Vec::new();
        let sql = |selected: &str| {
            let condition = condition(size);
            let table = K::TABLE;
            format!("SELECT {selected} FROM {table} {hint} WHERE {condition} LIMIT {limit}")
        };
        let mut count = 0;
        self.session.run(name, size, || sql(&self.selected), values, &mut |row| {
            count += 1;
            found.extend(load::<K>(&self.table, row));
        })?;
        // There may be more than was told: of each client then, one by one.
        if count == limit {
            for client in wanted {
                self.search_one(index, *client, each)?;
            }
            return Ok(());
        }
        let mut told: HashMap<usize, usize> = HashMap::new();
        for lease in found {
            let Some(clients) = clients.get(&(lease_id(&lease), K::subnet(&lease))) else {
                continue;
            };
            for (at, client) in clients {
                let told = told.entry(*at).or_default();
                if *told < PER_CLIENT_MAX && is_meant(client, &lease) {
                    *told += 1;
                    each(*at, lease.clone());
                }
            }
        }
        Ok(())
    }

    /// One search for one client, in its subnet alone.
    fn search_one(
        &mut self,
        index: usize,
        (at, client): (usize, &Wanted<K>),
        each: &mut dyn FnMut(usize, K::Lease),
    ) -> Result<(), DbError> {
        let Some(search) = self.searches.get(index) else { return Ok(()) };
        let (name, condition, is_meant) = (search.name, search.condition, search.is_meant);
        let hint = search.hint.clone();
        let Some(mut values) = (search.values)(client) else { return Ok(()) };
        values.push(Value::UInt(client.subnet.0.into()));
        let (more, of_one) = (search.narrower, (search.narrower_values)(client));
        values.extend(of_one);
        let sql = |selected: &str| {
            let condition = condition(1);
            let table = K::TABLE;
            format!(
                "SELECT {selected} FROM {table} {hint} \
                 WHERE ({condition}) AND subnet_id = ? {more} LIMIT {PER_CLIENT_MAX}"
            )
        };
        // 0 elements: it is another statement than the one for a list of one.
        self.read(name, 0, sql, values, &mut |lease| {
            if is_meant(client, &lease) {
                each(at, lease);
            }
        })
    }

    /// Keys of addresses for a statement of `size`; the last one fills up.
    pub(crate) fn keys(&self, addresses: &[AddressOf<K>], size: usize) -> Vec<Value> {
        let mut keys: Vec<Value> =
            addresses.iter().map(|address| K::stored_key(&self.table, *address)).collect();
        if let Some(last) = keys.last().cloned() {
            keys.resize(size.max(keys.len()), last);
        }
        keys
    }

    pub(crate) fn get_rows(
        &mut self,
        name: &'static str,
        ending: &str,
        addresses: &[AddressOf<K>],
        each: &mut dyn FnMut(K::Lease),
    ) -> Result<(), DbError> {
        for piece in addresses.chunks(size_around(usize::MAX)) {
            let size = size_around(piece.len());
            let values = self.keys(piece, size);
            let sql = |selected: &str| {
                let marks = repeated("?", size);
                let table = K::TABLE;
                format!(
                    "SELECT {selected} FROM {table} FORCE INDEX (PRIMARY) \
                     WHERE address IN ({marks}) {ending}"
                )
            };
            let Self { session, table, selected, .. } = self;
            let mut take = |row: Vec<Value>| {
                let address = row.first().and_then(|key| K::address_of(table, key));
                // What cannot be read is there all the same.
                if let Some(lease) = load::<K>(table, row).or(address.map(K::taken)) {
                    each(lease);
                }
            };
            session.run(name, size, || sql(selected), values, &mut take)?;
        }
        Ok(())
    }

    /// First and last addresses of leases that meet a condition.
    fn spans(
        &mut self,
        name: &'static str,
        condition: &str,
        values: Vec<Value>,
        each: &mut dyn FnMut(K::Number, K::Number),
    ) -> Result<(), DbError> {
        let kind = if self.table.has("prefix_len") { "lease_type, prefix_len" } else { "0, 128" };
        let sql = || format!("SELECT address, {kind} FROM {} WHERE {condition}", K::TABLE);
        let Self { session, table, .. } = self;
        session.run(name, 1, sql, values, &mut |row| {
            let [key, lease_type, prefix_len] = row.as_slice() else { return };
            let Some(address) = K::address_of(table, key) else {
                return report::<K>(table, key, &RowFault::Address);
            };
            let lease_type = number(lease_type).and_then(|each| u64::try_from(each).ok());
            let lease_type = lease_type.and_then(LeaseType::from_number);
            let prefix_len = number(prefix_len).and_then(|each| u8::try_from(each).ok());
            match (lease_type, prefix_len) {
                (Some(lease_type), Some(prefix_len @ ..=128)) => {
                    let (first, last) = K::ends(address, lease_type, prefix_len);
                    each(first, last);
                }
                _ => report::<K>(table, key, &RowFault::Null("prefix_len")),
            }
        })?;
        Ok(())
    }

    fn count_rows(&mut self) -> Result<Vec<Counted>, DbError> {
        let lease_type = if self.table.has("lease_type") { "lease_type" } else { "0" };
        let pool = if self.table.has("pool_id") { "COALESCE(pool_id, 0)" } else { "0" };
        let sql = || {
            format!(
                "SELECT subnet_id, {lease_type} AS kind, {pool} AS pool, state, COUNT(*) \
                 FROM {} GROUP BY subnet_id, kind, pool, state",
                K::TABLE
            )
        };
        let mut counted = Vec::new();
        self.session.run("count", 1, sql, Vec::new(), &mut |row| {
            let unsigned = |index: usize| {
                row.get(index).and_then(number).and_then(|each| u64::try_from(each).ok())
            };
            let short = |index: usize| unsigned(index).and_then(|each| u32::try_from(each).ok());
            let line = (|| {
                Some(Counted {
                    subnet_id: SubnetId(short(0)?),
                    lease_type: LeaseType::from_number(unsigned(1)?)?,
                    pool_id: short(2)?,
                    state: LeaseState::from_number(unsigned(3)?)?,
                    count: unsigned(4)?,
                })
            })();
            match line {
                Some(line) => counted.push(line),
                None => report::<K>(&self.table, &Value::NULL, &RowFault::Null("subnet_id")),
            }
        })?;
        Ok(counted)
    }

    fn page_rows(&mut self, after: Option<AddressOf<K>>, limit: usize) -> Result<Page<K>, DbError> {
        if limit == 0 {
            return Ok((Vec::new(), after));
        }
        let mut after = after.map(|address| K::stored_key(&self.table, address));
        let mut leases = Vec::new();
        // Unreadable addresses cannot be told, so they must not be the end of a page.
        loop {
            let values: Vec<Value> = after.clone().into_iter().collect();
            let (name, condition) = match after {
                Some(_) => ("page", "WHERE address > ?"),
                None => ("first page", ""),
            };
            let sql = || {
                let (selected, table) = (&self.selected, K::TABLE);
                format!("SELECT {selected} FROM {table} {condition} ORDER BY address LIMIT ?")
            };
            let wanted = limit - leases.len();
            let values = values.into_iter().chain([Value::UInt(wanted as u64)]).collect();
            let (mut count, mut last) = (0, None);
            self.session.run(name, 1, sql, values, &mut |row| {
                count += 1;
                last = row.first().cloned();
                leases.extend(load::<K>(&self.table, row));
            })?;
            if count < wanted {
                return Ok((leases, None));
            }
            if let Some(address) = last.as_ref().and_then(|key| K::address_of(&self.table, key)) {
                return Ok((leases, Some(address)));
            }
            after = last;
        }
    }
}

/// Leases of a page, and behind which address the next one begins.
type Page<K> = (Vec<<K as LeaseKind>::Lease>, Option<AddressOf<K>>);

impl<K: Family> LeaseConnection<K> for Leases<K> {
    fn find(
        &mut self,
        wanted: &[Wanted<K>],
        each: &mut dyn FnMut(usize, K::Lease),
    ) -> Result<(), DbError> {
        let mut result = Ok(());
        for index in 0..self.searches.len() {
            let Some(search) = self.searches.get(index) else { break };
            let (values_of, is_plain) = (search.values, !search.hint.is_empty());
            let clients: Vec<_> =
                wanted.iter().enumerate().filter(|(_, each)| values_of(each).is_some()).collect();
            // Without an index the list is a chain of alternatives, which the server handles worse the longer it is.
            let longest = if is_plain { size_around(usize::MAX) } else { 16 };
            for piece in clients.chunks(longest) {
                result = result.and_then(|()| self.search(index, piece, each));
            }
        }
        self.session.settle(result)
    }

    fn get(
        &mut self,
        addresses: &[AddressOf<K>],
        each: &mut dyn FnMut(K::Lease),
    ) -> Result<(), DbError> {
        let result = self.get_rows("get", "", addresses, each);
        self.session.settle(result)
    }

    fn fits(&self, lease: &K::Lease) -> Result<(), String> {
        let fits = K::fits_hostname(&self.table, lease);
        fits.and_then(|()| K::fits(&self.table, lease)).map_err(str::to_owned)
    }

    fn stored(&self, lease: &K::Lease) -> K::Lease {
        let values = K::store(&self.table, lease).ok();
        let read = values.and_then(|values| K::load(&self.table, values).ok());
        read.unwrap_or_else(|| lease.clone())
    }

    fn set_patient(&mut self, is_patient: bool) -> Result<(), DbError> {
        self.session.set_patient(is_patient)
    }

    fn begin(&mut self) -> Result<(), DbError> {
        self.session.begin()
    }

    fn commit(&mut self) -> Result<(), DbError> {
        self.session.commit()
    }

    fn roll_back(&mut self) -> Result<(), DbError> {
        self.session.roll_back()
    }

    fn insert(&mut self, leases: &[&K::Lease]) -> Result<Vec<bool>, DbError> {
        let rows = self.stored(leases.iter().copied().enumerate());
        let mut made = vec![false; leases.len()];
        let has_context = leases.iter().any(|lease| K::has_context(lease));
        let result = self.session.count_classes(has_context);
        let result = result.and_then(|()| self.insert_rows(&rows, &mut made));
        self.session.settle(result)?;
        Ok(made)
    }

    fn update(&mut self, leases: &[(&K::Lease, &K::Lease)]) -> Result<Vec<bool>, DbError> {
        let mut made = vec![false; leases.len()];
        if leases.is_empty() {
            return Ok(made);
        }
        let old: Vec<_> = leases.iter().map(|(old, _)| *old).collect();
        let has_context = leases.iter().any(|(_, new)| K::has_context(new));
        self.compared(&old, has_context, |this, same| {
            let new = same.iter().filter_map(|at| leases.get(*at).map(|(_, new)| (*at, *new)));
            let rows = this.stored(new);
            this.write(UPDATE, &rows, &mut made)
        })?;
        Ok(made)
    }

    fn delete(&mut self, leases: &[&K::Lease]) -> Result<Vec<bool>, DbError> {
        let mut made = vec![false; leases.len()];
        if leases.is_empty() {
            return Ok(made);
        }
        self.compared(leases, false, |this, same| {
            let mut addresses: Vec<_> =
                same.iter().filter_map(|at| leases.get(*at)).map(|each| K::address(each)).collect();
            addresses.sort_unstable();
            this.delete_rows(&addresses)?;
            for at in same {
                if let Some(made) = made.get_mut(*at) {
                    *made = true;
                }
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn expired(
        &mut self,
        now_s: i64,
        skip: usize,
        limit: usize,
    ) -> Result<Expired<K::Lease>, DbError> {
        let now = Value::Int(time(now_s, self.table.time_max));
        let rest = |number: usize| Value::UInt(number as u64);
        // In the order of an index: whatever the backlog is, no more is read than is wanted.
        let (selected, table) = (&self.selected, K::TABLE);
        let hint = self.table.hint("expire");
        let of_states = [0, 1, 4].map(|state| {
            format!(
                "(SELECT {selected}, expire AS ends_at, state AS kind FROM {table} \
                 WHERE state = {state} AND expire < FROM_UNIXTIME(?) \
                 AND valid_lifetime <> {INFINITE} ORDER BY expire, address LIMIT ?)"
            )
        });
        let (sql, values) = if hint.is_empty() {
            let sql = format!(
                "{} ORDER BY ends_at, kind, address LIMIT ? OFFSET ?",
                of_states.join(" UNION ALL ")
            );
            let each = [now, Value::UInt((limit + skip) as u64)];
            let values = [each.clone(), each.clone(), each].into_iter().flatten();
            (sql, values.chain([rest(limit), rest(skip)]).collect())
        } else {
            let sql = format!(
                "SELECT {selected} FROM {table} {hint} WHERE expire < FROM_UNIXTIME(?) \
                 AND state IN (0,1,4) AND valid_lifetime <> {INFINITE} \
                 ORDER BY expire, state, address LIMIT ? OFFSET ?"
            );
            (sql, vec![now, rest(limit), rest(skip)])
        };
        let sql = || sql;
        let (mut rows, mut leases) = (0, Vec::new());
        let result = self.session.run("expired", 1, sql, values, &mut |row| {
            rows += 1;
            leases.extend(load::<K>(&self.table, row));
        });
        self.session.settle(result)?;
        Ok(Expired { rows, leases })
    }

    fn delete_reclaimed(&mut self, before_s: i64, limit: usize) -> Result<u64, DbError> {
        let result = self.delete_over(before_s, limit);
        self.session.settle(result)
    }

    fn ended(
        &mut self,
        from_s: i64,
        to_s: i64,
        each: &mut dyn FnMut(K::Number, K::Number),
    ) -> Result<(), DbError> {
        // All states are named for indexes that begin with them.
        let condition = format!(
            "expire >= FROM_UNIXTIME(?) AND expire < FROM_UNIXTIME(?) \
             AND state IN (0,1,2,3,4) AND valid_lifetime <> {INFINITE}"
        );
        let moment = |time_s| Value::Int(time(time_s, self.table.time_max));
        let values = vec![moment(from_s), moment(to_s)];
        let result = self.spans("ended", &condition, values, each);
        self.session.settle(result)
    }

    fn held(
        &mut self,
        now_s: i64,
        each: &mut dyn FnMut(K::Number, K::Number),
    ) -> Result<(), DbError> {
        let condition = format!(
            "state IN (0,1,4) AND (expire >= FROM_UNIXTIME(?) OR valid_lifetime = {INFINITE})"
        );
        let now = Value::Int(time(now_s, self.table.time_max));
        let result = self.spans("held", &condition, vec![now], each);
        self.session.settle(result)
    }

    fn count(&mut self) -> Result<Vec<Counted>, DbError> {
        let result = self.count_rows();
        self.session.settle(result)
    }

    fn page(&mut self, after: Option<AddressOf<K>>, limit: usize) -> Result<Page<K>, DbError> {
        let result = self.page_rows(after, limit);
        self.session.settle(result)
    }

    fn schema_version(&self) -> SchemaVersion {
        self.table.version
    }
}

fn load<K: Family>(table: &Table, row: Vec<Value>) -> Option<K::Lease> {
    let key = row.first().cloned().unwrap_or(Value::NULL);
    match K::load(table, row) {
        Ok(lease) => Some(lease),
        Err(fault) => {
            report::<K>(table, &key, &fault);
            None
        }
    }
}

fn report<K: Family>(table: &Table, key: &Value, fault: &RowFault) {
    let key = match (K::address_of(table, key), key) {
        (Some(address), _) => address.to_string(),
        (None, Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        (None, _) => "unknown key".to_owned(),
    };
    kea_log::log!(LOGGER, MYSQL_LEASE_ROW_UNREADABLE, key, K::TABLE, fault);
}
