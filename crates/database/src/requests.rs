//! Many requests as few statements: everything of one kind in one of them.

use foldhash::{HashMap, HashSet};
use libdhcpsrv::lease::{AddressOf, Contents, LeaseKind, is_same};
use libdhcpsrv::remote::{Ask, Told};

use crate::{DbError, Fault, LeaseConnection, Wanted};

/// Asks what some requests want to know; a change among them is not answered.
///
/// # Errors
/// [`DbError`].
pub fn read<K: LeaseKind>(
    connection: &mut dyn LeaseConnection<K>,
    asks: &[&Ask<K>],
) -> Result<Vec<Told<K>>, DbError> {
    let mut wanted = Vec::new();
    let mut askers = Vec::new();
    let mut addresses: Vec<AddressOf<K>> = Vec::new();
    for (number, ask) in asks.iter().enumerate() {
        match ask {
            Ask::Find { client, subnet, requested, .. } => {
                wanted.push(Wanted { client: client.clone(), subnet: *subnet });
                askers.push(number);
                addresses.extend(requested);
            }
            Ask::Get { address, .. } => addresses.push(*address),
            Ask::Change { .. } => {}
        }
    }
    let mut found: Vec<Vec<K::Lease>> = Vec::new();
    found.resize_with(asks.len(), Vec::new);
    addresses.sort_unstable();
    addresses.dedup();
    let mut there: HashMap<AddressOf<K>, K::Lease> = HashMap::default();
    let mut own = |index: usize, lease| {
        if let Some(asker) = askers.get(index) {
            found[*asker].push(lease);
        }
    };
    connection.look(&wanted, &addresses, &mut own, &mut |lease| {
        there.insert(K::address(&lease), lease);
    })?;
    let told = asks.iter().zip(found).map(|(ask, own)| match ask {
        Ask::Find { requested, .. } => {
            let requested = requested.and_then(|address| there.get(&address).cloned());
            Told::Found { own, requested }
        }
        Ask::Get { address, .. } => Told::Got(there.get(address).cloned()),
        Ask::Change { .. } => Told::Failed,
    });
    Ok(told.collect())
}

/// A change by what it does.
struct Change<'j, K: LeaseKind> {
    number: usize,
    old: Option<&'j K::Lease>,
    new: Option<&'j K::Lease>,
    replaces: Option<&'j K::Lease>,
}

/// Makes the changes of some requests in one transaction; of several for one address only the first one is made. For those
/// whose connection was lost before (`were_lost`, one for each request; none if that has happened to none) it is found out
/// whether they had been made.
///
/// # Errors
/// [`DbError`]. Whether changes have been made is not known if the connection was lost.
pub fn change<K: LeaseKind>(
    connection: &mut dyn LeaseConnection<K>,
    asks: &[&Ask<K>],
    were_lost: &[bool],
) -> Result<Vec<Told<K>>, DbError> {
    let mut touched: HashSet<AddressOf<K>> = HashSet::default();
    let (mut inserts, mut updates, mut deletes) = (Vec::new(), Vec::new(), Vec::new());
    for (number, ask) in asks.iter().enumerate() {
        let Ask::Change { old, new, replaces } = ask else { continue };
        let (old, new, replaces) = (old.as_ref(), new.as_ref(), replaces.as_ref());
        let Some(address) = new.or(old).map(K::address) else { continue };
        // Of several changes of one address the first is made, and the others were based on what was before.
        if !touched.insert(address) {
            continue;
        }
        let replaces = replaces.filter(|other| touched.insert(K::address(other)));
        let change: Change<'_, K> = Change { number, old, new, replaces };
        match (old, new) {
            (None, _) => inserts.push(change),
            (Some(_), Some(_)) => updates.push(change),
            (Some(_), None) => deletes.push(change),
        }
    }
    let replacing = inserts.iter().chain(&updates).any(|change| change.replaces.is_some());
    let kinds = [!inserts.is_empty(), !updates.is_empty(), !deletes.is_empty(), replacing];
    let was_lost = were_lost.contains(&true);
    let is_one_statement = kinds.iter().filter(|is_there| **is_there).count() <= 1 && !was_lost;
    if !is_one_statement {
        connection.begin()?;
    }
    let mut made = vec![false; asks.len()];
    let mut note = |changes: &[Change<'_, K>], results: Vec<bool>| {
        for (change, result) in changes.iter().zip(results) {
            made[change.number] = result;
        }
    };
    if !inserts.is_empty() {
        let leases: Vec<&K::Lease> = inserts.iter().filter_map(|change| change.new).collect();
        note(&inserts, connection.insert(&leases)?);
    }
    if !updates.is_empty() {
        let pairs = updates.iter().filter_map(|change| change.old.zip(change.new));
        let pairs: Vec<(&K::Lease, &K::Lease)> = pairs.collect();
        note(&updates, connection.update(&pairs)?);
    }
    if !deletes.is_empty() {
        let leases: Vec<&K::Lease> = deletes.iter().filter_map(|change| change.old).collect();
        note(&deletes, connection.delete(&leases)?);
    }
    let was_this_lost = |number: usize| were_lost.get(number) == Some(&true);
    let may_be_made =
        |change: &&Change<'_, K>| was_this_lost(change.number) && !made[change.number];
    if was_lost {
        let changes = inserts.iter().chain(&updates).chain(&deletes);
        let changes: Vec<_> = changes.filter(may_be_made).collect();
        for number in made_before(connection, &changes)? {
            made[number] = true;
        }
    }
    let mut replaced = vec![false; asks.len()];
    if replacing {
        let changes = inserts.iter().chain(&updates).filter(|change| made[change.number]);
        let (numbers, leases): (Vec<usize>, Vec<&K::Lease>) =
            changes.filter_map(|change| Some((change.number, change.replaces?))).unzip();
        for (number, result) in numbers.iter().zip(connection.delete(&leases)?) {
            replaced[*number] = result;
        }
        let left = numbers.iter().zip(&leases).filter(|(number, _)| !replaced[**number]);
        let (numbers, leases): (Vec<usize>, Vec<&K::Lease>) = left.unzip();
        let there = there::<K>(connection, &leases)?;
        for (number, lease) in numbers.into_iter().zip(leases) {
            match there.get(&K::address(lease)) {
                None => replaced[number] = was_this_lost(number),
                // It was passed over because somebody holds it; the client must not have both.
                Some(row) if is_as_before::<K>(lease, row) => {
                    connection.roll_back()?;
                    let reason = "the lease that is replaced is held by another transaction";
                    return Err(DbError::new(Fault::Locked, "delete", reason));
                }
                // Somebody has changed it, so it is not ours to end.
                Some(_) => {}
            }
        }
    }
    if !is_one_statement {
        connection.commit()?;
    }
    let told = made.into_iter().zip(replaced);
    Ok(told.map(|(made, replaced)| Told::Changed { made, replaced }).collect())
}

/// Which of some changes, none of which could be made, had been made before their connection was lost: what was to be
/// stored is there.
fn made_before<K: LeaseKind>(
    connection: &mut dyn LeaseConnection<K>,
    changes: &[&Change<'_, K>],
) -> Result<Vec<usize>, DbError> {
    let mut made = Vec::new();
    let mut note = |numbers: Vec<usize>, results: Vec<bool>| {
        let numbers = numbers.into_iter().zip(results).filter(|(_, is_made)| *is_made);
        made.extend(numbers.map(|(number, _)| number));
    };
    let stored = changes.iter().filter_map(|change| Some((change.number, change.new?)));
    let (numbers, leases): (Vec<usize>, Vec<&K::Lease>) = stored.unzip();
    // Only the database can tell whether a row is what it makes of a lease: the change of one into itself is made then.
    let pairs: Vec<_> = leases.iter().map(|lease| (*lease, *lease)).collect();
    note(numbers, connection.update(&pairs)?);
    let deleted = changes.iter().filter(|change| change.new.is_none());
    let deleted = deleted.filter_map(|change| Some((change.number, change.old?)));
    let (numbers, leases): (Vec<usize>, Vec<&K::Lease>) = deleted.unzip();
    note(numbers, are_gone(connection, &leases)?);
    Ok(made)
}

/// Which of some leases' addresses have none any more.
fn are_gone<K: LeaseKind>(
    connection: &mut dyn LeaseConnection<K>,
    leases: &[&K::Lease],
) -> Result<Vec<bool>, DbError> {
    let there = there::<K>(connection, leases)?;
    Ok(leases.iter().map(|lease| !there.contains_key(&K::address(lease))).collect())
}

/// What there is at some leases' addresses.
fn there<K: LeaseKind>(
    connection: &mut dyn LeaseConnection<K>,
    leases: &[&K::Lease],
) -> Result<HashMap<AddressOf<K>, K::Lease>, DbError> {
    let addresses: Vec<AddressOf<K>> = leases.iter().map(|lease| K::address(lease)).collect();
    let mut there = HashMap::default();
    connection.get(&addresses, &mut |lease| {
        there.insert(K::address(&lease), lease);
    })?;
    Ok(there)
}

/// Whether a row is still what was read of it, as far as a change depends on that.
fn is_as_before<K: LeaseKind>(lease: &K::Lease, row: &K::Lease) -> bool {
    let (lease, row) = (K::contents_of(lease), K::contents_of(row));
    lease.cltt == row.cltt && is_same(&Contents { user_context: row.user_context, ..lease }, &row)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use libdhcpsrv::lease4::{Lease4, V4};

    use super::*;
    use crate::simulated::Table;

    const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

    fn lease(address: Ipv4Addr) -> Lease4 {
        Lease4 { address, hw: vec![1; 6], ..Lease4::default() }
    }

    /// A lease of A that takes the place of one of B.
    fn replacement(were_lost: &[bool]) -> (Table<V4>, Vec<(bool, bool)>) {
        let table = Table::<V4>::default();
        let ask = Ask::Change { old: None, new: Some(lease(A)), replaces: Some(lease(B)) };
        let mut connection = table.connect().expect("it is up");
        let told = change::<V4>(&mut connection, &[&ask], were_lost).expect("nothing goes wrong");
        let told = told.into_iter().map(|told| match told {
            Told::Changed { made, replaced } => (made, replaced),
            other => panic!("{other:?}"),
        });
        (table, told.collect())
    }

    #[test]
    fn lease_that_somebody_else_has_ended_is_not_replaced() {
        for were_lost in [&[][..], &[false]] {
            let (table, told) = replacement(were_lost);
            assert_eq!(told, [(true, false)], "{were_lost:?}");
            assert_eq!(table.leases(), [lease(A)]);
        }
        // Behind a lost connection it may have been this change that ended it.
        assert_eq!(replacement(&[true]).1, [(true, true)]);
    }
}
