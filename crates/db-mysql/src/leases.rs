//! Leases of either protocol behind [`LeaseConnection`].
//!
//! Reads are `IN` lists over one index each: of all forms that were measured this is what the optimizer of MariaDB
//! handles best, and what is not asked for (another subnet) is left out here.
//!
//! A compare-and-set locks the rows by a `SELECT ... FOR UPDATE`, compares them here, and writes those that are as they
//! should be with one `INSERT ... ON DUPLICATE KEY UPDATE` of several rows, whose keys exist and are locked: exact, and half
//! the work of a join with a derived table. Rows are locked in the order of their keys.
//!
//! `INSERT` says nothing but that some key exists; then it is asked which, and the others are inserted. A row that the
//! server does not take for any other reason is found by halving, reported, and counted as not made: it must not keep
//! the others of its batch from being stored.

use std::collections::HashMap;

use database::{Counted, DbError, Fault, LeaseConnection, RowFault, SchemaVersion, Wanted};
use kea_log::Logger;
use libdhcpsrv::config::SqlAccess;
use libdhcpsrv::lease::{AddressOf, INFINITE, LeaseKind, LeaseState, LeaseType, SubnetId};
use mysql::Value;

use crate::connection::connect;
use crate::messages::{MYSQL_LEASE_ROW_UNREADABLE, MYSQL_LEASE_UNFIT};
use crate::schema::Table;
use crate::session::{Session, repeated, size_around, size_within};

/// Where this crate logs.
static LOGGER: Logger = Logger::new("database");

/// Number of the error that says that a key exists.
const DUPLICATE: &str = "1062/";

/// At most so many leases are told of one client.
const PER_CLIENT_MAX: usize = 64;

/// What the tables of the two protocols differ in.
pub(crate) trait Family: LeaseKind {
    /// Name of the table.
    const TABLE: &'static str;
    /// Columns that must exist.
    const NEEDED: &'static [&'static str];

    /// The columns that are read and written, `address` first, `expire` among them.
    fn columns(table: &Table) -> Vec<&'static str>;

    /// Whether parameters are texts in the character set of the connection; otherwise they are bytes.
    fn has_text_keys(table: &Table) -> bool;

    /// An address as its column holds it.
    fn stored_key(table: &Table, address: AddressOf<Self>) -> Value;

    /// What [`Family::stored_key`] was given.
    fn address_of(table: &Table, key: &Value) -> Option<AddressOf<Self>>;

    /// The values of a lease, in the order of the columns.
    ///
    /// # Errors
    /// What does not fit.
    fn store(table: &Table, lease: &Self::Lease) -> Result<Vec<Value>, &'static str>;

    /// The lease of a row.
    ///
    /// # Errors
    /// What no server would have written.
    fn load(table: &Table, row: Vec<Value>) -> Result<Self::Lease, RowFault>;

    /// Whether two leases are the same in everything that a change depends on.
    fn is_same(left: &Self::Lease, right: &Self::Lease) -> bool;

    /// First and last address of a lease.
    fn ends(
        address: AddressOf<Self>,
        lease_type: LeaseType,
        prefix_len: u8,
    ) -> (Self::Number, Self::Number);

    /// How clients are looked for.
    fn searches(table: &Table) -> Vec<Search<Self>>;

    /// The subnet of a lease.
    fn subnet(lease: &Self::Lease) -> SubnetId;

    /// Whether a lease has a user context.
    fn has_context(lease: &Self::Lease) -> bool;
}

/// A way to look for clients: one statement.
pub(crate) struct Search<K: LeaseKind> {
    /// Name of the statement.
    pub(crate) name: &'static str,
    /// The condition for so many clients; its parameters are those of `values` for each of them.
    pub(crate) condition: fn(count: usize) -> String,
    /// The index to use, as `FORCE INDEX`, or nothing.
    pub(crate) hint: String,
    /// What one client is asked for by; none if this is no way to look for it.
    pub(crate) values: fn(&Wanted<K>) -> Option<Vec<Value>>,
    /// Whether a lease that was found may be the client's.
    pub(crate) is_meant: fn(&Wanted<K>, &K::Lease) -> bool,
    /// What is the same in the client and its leases, for a table.
    pub(crate) wanted_id: fn(&Wanted<K>) -> &[u8],
    /// The same of a lease.
    pub(crate) lease_id: fn(&K::Lease) -> &[u8],
}

/// A connection to a table of leases.
pub(crate) struct Leases<K: Family> {
    session: Session,
    table: Table,
    /// Names of the columns, separated by commas, as they are written.
    names: String,
    /// The same as they are read.
    selected: String,
    /// One row of parameters.
    row: String,
    /// Assignments of all columns but the key.
    assignments: String,
    searches: Vec<Search<K>>,
}

impl<K: Family> Leases<K> {
    /// Connects and looks at the table.
    pub(crate) fn open(access: &SqlAccess) -> Result<Self, DbError> {
        let mut connection = connect(access)?;
        let table = Table::read(&mut connection, K::TABLE, K::NEEDED)?;
        let mut session = Session::new(connection);
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
        if count == limit && wanted.len() > 1 {
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
        let sql = |selected: &str| {
            let condition = condition(1);
            let table = K::TABLE;
            format!(
                "SELECT {selected} FROM {table} {hint} WHERE ({condition}) AND subnet_id = ? \
                 LIMIT {PER_CLIENT_MAX}"
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
    fn keys(&self, addresses: &[AddressOf<K>], size: usize) -> Vec<Value> {
        let mut keys: Vec<Value> =
            addresses.iter().map(|address| K::stored_key(&self.table, *address)).collect();
        if let Some(last) = keys.last().cloned() {
            keys.resize(size.max(keys.len()), last);
        }
        keys
    }

    fn get_rows(
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
            self.read(name, size, sql, values, each)?;
        }
        Ok(())
    }

    /// Which of the addresses have rows, readable or not.
    fn present(&mut self, addresses: &[AddressOf<K>]) -> Result<Vec<AddressOf<K>>, DbError> {
        let size = size_around(addresses.len());
        let values = self.keys(addresses, size);
        let sql = || {
            let marks = repeated("?", size);
            let table = K::TABLE;
            format!("SELECT address FROM {table} WHERE address IN ({marks})")
        };
        let mut present = Vec::new();
        let Self { session, table, .. } = self;
        session.run("present", size, sql, values, &mut |row| {
            present.extend(row.first().and_then(|key| K::address_of(table, key)));
        })?;
        Ok(present)
    }

    /// Stores rows, new ones or such that exist and are locked, and says in `made` which were.
    fn write(
        &mut self,
        name: &'static str,
        rows: &[Stored<K>],
        made: &mut [bool],
    ) -> Result<(), DbError> {
        let mut rest = rows;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(size_within(rest.len()).min(rest.len()));
            self.write_piece(name, piece, made)?;
            rest = behind;
        }
        Ok(())
    }

    fn write_piece(
        &mut self,
        name: &'static str,
        rows: &[Stored<K>],
        made: &mut [bool],
    ) -> Result<(), DbError> {
        let size = rows.len();
        let values = rows.iter().flat_map(|row| row.values.iter().cloned()).collect();
        let ending = if name == INSERT {
            String::new()
        } else {
            format!("ON DUPLICATE KEY UPDATE {}", self.assignments)
        };
        let sql = || {
            let (table, names) = (K::TABLE, &self.names);
            let all = repeated(&self.row, size);
            format!("INSERT INTO {table} ({names}) VALUES {all} {ending}")
        };
        let error = match self.session.run(name, size, sql, values, &mut |_| {}) {
            Ok(_) => {
                for row in rows {
                    mark(made, row.at, true);
                }
                return Ok(());
            }
            Err(error) if error.fault == Fault::Statement => error,
            Err(error) => return Err(error),
        };
        let is_duplicate = error.code.starts_with(DUPLICATE);
        if let [row] = rows {
            if !is_duplicate {
                kea_log::log!(LOGGER, MYSQL_LEASE_UNFIT, row.address, K::TABLE, error);
            }
            return Ok(());
        }
        if is_duplicate {
            let addresses: Vec<_> = rows.iter().map(|row| row.address).collect();
            let present = self.present(&addresses)?;
            if !present.is_empty() {
                let is_absent = |row: &&Stored<K>| !present.contains(&row.address);
                let absent: Vec<_> = rows.iter().filter(is_absent).cloned().collect();
                return self.write(name, &absent, made);
            }
        }
        let (left, right) = rows.split_at(size / 2);
        self.write(name, left, made)?;
        self.write(name, right, made)
    }

    /// The values of leases in the order of their keys; what does not fit is reported and left out.
    fn stored<'a>(&self, leases: impl Iterator<Item = (usize, &'a K::Lease)>) -> Vec<Stored<K>>
    where
        K::Lease: 'a,
    {
        let mut rows = Vec::new();
        for (at, lease) in leases {
            let address = K::address(lease);
            match K::store(&self.table, lease) {
                Ok(values) => rows.push(Stored { at, address, values }),
                Err(reason) => {
                    kea_log::log!(LOGGER, MYSQL_LEASE_UNFIT, address, K::TABLE, reason);
                }
            }
        }
        rows.sort_by_key(|row| row.address);
        rows
    }

    /// Runs `change` with the leases locked that still are as they were: it gets their indices. In a transaction of
    /// its own unless there is one.
    fn compared<T>(
        &mut self,
        old: &[&K::Lease],
        has_new_context: bool,
        change: impl FnOnce(&mut Self, &[usize]) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let is_alone = !self.session.in_transaction();
        if is_alone {
            self.session.begin()?;
        }
        let done = self.compare(old, has_new_context).and_then(|same| change(self, &same));
        let done = self.session.settle(done)?;
        if is_alone {
            self.session.commit()?;
        }
        Ok(done)
    }

    /// Locks rows, in the order of their keys, and says which are as `old` says.
    fn compare(&mut self, old: &[&K::Lease], has_new_context: bool) -> Result<Vec<usize>, DbError> {
        // What was stored may be a little different from what was to be.
        let mut expected = HashMap::with_capacity(old.len());
        for (at, lease) in old.iter().enumerate() {
            let stored = K::store(&self.table, lease).ok();
            let loaded = stored.and_then(|row| K::load(&self.table, row).ok());
            if let Some(loaded) = loaded {
                expected.insert(K::address(lease), (at, loaded));
            }
        }
        let mut addresses: Vec<_> = expected.keys().copied().collect();
        addresses.sort_unstable();
        let mut same = Vec::with_capacity(addresses.len());
        let mut has_context = has_new_context;
        self.get_rows("lock", "FOR UPDATE", &addresses, &mut |lease| {
            if let Some((at, expected)) = expected.get(&K::address(&lease))
                && K::is_same(expected, &lease)
            {
                same.push(*at);
                has_context |= K::has_context(&lease);
            }
        })?;
        self.session.count_classes(has_context)?;
        Ok(same)
    }

    fn delete_rows(&mut self, addresses: &[AddressOf<K>]) -> Result<(), DbError> {
        for piece in addresses.chunks(size_around(usize::MAX)) {
            let size = size_around(piece.len());
            let values = self.keys(piece, size);
            let sql = || {
                let marks = repeated("?", size);
                format!("DELETE FROM {} WHERE address IN ({marks})", K::TABLE)
            };
            self.session.run("delete", size, sql, values, &mut |_| {})?;
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

/// Name of the statement that makes rows; the other one changes them.
const INSERT: &str = "insert";
const UPDATE: &str = "update";

/// A row to be written.
#[derive(Clone)]
struct Stored<K: LeaseKind> {
    /// Its index in what the caller gave.
    at: usize,
    address: AddressOf<K>,
    values: Vec<Value>,
}

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

    fn begin(&mut self) -> Result<(), DbError> {
        self.session.begin()
    }

    fn commit(&mut self) -> Result<(), DbError> {
        self.session.commit()
    }

    fn insert(&mut self, leases: &[&K::Lease]) -> Result<Vec<bool>, DbError> {
        let rows = self.stored(leases.iter().copied().enumerate());
        let mut made = vec![false; leases.len()];
        let has_context = leases.iter().any(|lease| K::has_context(lease));
        let result = self.session.count_classes(has_context);
        let result = result.and_then(|()| self.write(INSERT, &rows, &mut made));
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
                mark(&mut made, *at, true);
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn expired(&mut self, now_s: i64, limit: usize) -> Result<Vec<K::Lease>, DbError> {
        let values = vec![Value::Int(time(now_s)), Value::UInt(limit as u64)];
        let sql = |selected: &str| {
            format!(
                "SELECT {selected} FROM {} WHERE expire < FROM_UNIXTIME(?) AND state IN (0,1,4) \
                 AND valid_lifetime <> {INFINITE} ORDER BY expire LIMIT ?",
                K::TABLE
            )
        };
        let mut leases = Vec::new();
        let result = self.read("expired", 1, sql, values, &mut |lease| leases.push(lease));
        self.session.settle(result)?;
        Ok(leases)
    }

    fn delete_reclaimed(&mut self, before_s: i64, limit: usize) -> Result<u64, DbError> {
        let values = vec![Value::Int(time(before_s)), Value::UInt(limit as u64)];
        let sql = || {
            format!(
                "DELETE FROM {} WHERE expire < FROM_UNIXTIME(?) AND state IN (2,3) \
                 AND valid_lifetime <> {INFINITE} ORDER BY expire LIMIT ?",
                K::TABLE
            )
        };
        let result = self.session.count_classes(true);
        let session = &mut self.session;
        let result =
            result.and_then(|()| session.run("delete reclaimed", 1, sql, values, &mut |_| {}));
        self.session.settle(result)
    }

    fn ended(
        &mut self,
        from_s: i64,
        to_s: i64,
        each: &mut dyn FnMut(K::Number, K::Number),
    ) -> Result<(), DbError> {
        let condition = format!(
            "expire >= FROM_UNIXTIME(?) AND expire < FROM_UNIXTIME(?) \
             AND valid_lifetime <> {INFINITE}"
        );
        let values = vec![Value::Int(time(from_s)), Value::Int(time(to_s))];
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
        let result = self.spans("held", &condition, vec![Value::Int(time(now_s))], each);
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

/// The first and the last second that a column of type TIMESTAMP can hold.
const TIME_MIN: i64 = 1;
const TIME_MAX: i64 = 0x7fff_ffff;

/// A time that the server understands.
pub(crate) fn time(time_s: i64) -> i64 {
    time_s.clamp(TIME_MIN, TIME_MAX)
}

/// Valid lifetime and end of a lease as they are stored. An endless one ends when it began, as in Kea; one that is
/// over after the last second that the column can hold is over then.
pub(crate) fn lifetime(cltt: i64, valid_lifetime: u32) -> (u32, i64) {
    if valid_lifetime == INFINITE {
        return (INFINITE, time(cltt));
    }
    let end = cltt.saturating_add(valid_lifetime.into());
    let valid_lifetime = if end > TIME_MAX {
        u32::try_from(TIME_MAX.saturating_sub(cltt).max(0)).unwrap_or(valid_lifetime)
    } else {
        valid_lifetime
    };
    (valid_lifetime, time(end))
}

/// The number of a cell.
pub(crate) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::UInt(number) => Some(i64::try_from(*number).unwrap_or(i64::MAX)),
        Value::Bytes(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        _ => None,
    }
}

/// The bytes of a cell.
pub(crate) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// Bytes for a cell; none are NULL.
pub(crate) fn bytes_or_null(bytes: &[u8]) -> Value {
    if bytes.is_empty() { Value::NULL } else { Value::Bytes(bytes.to_vec()) }
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

fn mark(made: &mut [bool], at: usize, value: bool) {
    if let Some(made) = made.get_mut(at) {
        *made = value;
    }
}
