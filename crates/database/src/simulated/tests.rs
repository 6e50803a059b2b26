use std::thread;

use libdhcpsrv::lease4::{Lease4, V4};

use super::*;

fn lease(last: u8) -> Lease4 {
    Lease4 {
        address: [192, 0, 2, last].into(),
        hw: vec![2, 0, 0, 0, 0, last],
        valid_lifetime: 3600,
        cltt: 1_800_000_000,
        subnet_id: SubnetId(1),
        ..Lease4::default()
    }
}

fn table(leases: u8) -> Table<V4> {
    let table = Table::default();
    (1..=leases).for_each(|last| table.put(lease(last)));
    table
}

fn fault<T: std::fmt::Debug>(result: Result<T, DbError>) -> Fault {
    result.unwrap_err().fault
}

#[test]
fn a_connection_is_lost_before_or_after_the_effect() {
    for (moment, expected) in [(Moment::Before, 0), (Moment::After, 1)] {
        let table = table(0);
        table.lose_after(1, moment);
        let mut one = table.connect().unwrap();
        assert!(one.page(None, 9).is_ok());
        assert_eq!(fault(one.insert(&[&lease(1)])), Fault::Lost);
        assert_eq!(table.leases().len(), expected);
        assert_eq!(fault(one.page(None, 9)), Fault::Lost, "it stays lost");
        assert_eq!(table.connect().unwrap().page(None, 9).unwrap().0.len(), expected);
    }
}

#[test]
fn a_transaction_is_stored_only_by_its_commit() {
    for (moment, expected) in [(Moment::Before, 0), (Moment::After, 2)] {
        let table = table(0);
        let mut one = table.connect().unwrap();
        one.begin().unwrap();
        one.insert(&[&lease(1)]).unwrap();
        table.lose_after(1, moment);
        one.insert(&[&lease(2)]).unwrap();
        assert_eq!(fault(one.commit()), Fault::Lost);
        assert_eq!(table.leases().len(), expected);
    }
    let table = table(0);
    let mut one = table.connect().unwrap();
    one.begin().unwrap();
    one.insert(&[&lease(1)]).unwrap();
    drop(one);
    assert_eq!((table.leases().len(), table.commits()), (0, 0));
    let mut other = table.connect().unwrap();
    assert_eq!(other.insert(&[&lease(1)]), Ok(vec![true]), "no lock has stayed");
    assert_eq!(table.commits(), 1);
}

#[test]
fn a_table_that_is_down_loses_all_and_refuses_new_ones() {
    let table = table(1);
    let mut one = table.connect().unwrap();
    one.begin().unwrap();
    one.delete(&[&lease(1)]).unwrap();
    table.set_down(true);
    assert_eq!(fault(one.commit()), Fault::Lost);
    assert_eq!(fault(table.connect().map(|_| ())), Fault::Lost);
    table.set_down(false);
    assert_eq!(fault(one.page(None, 9)), Fault::Lost);
    assert_eq!(table.connect().unwrap().delete(&[&lease(1)]), Ok(vec![true]));
}

#[test]
fn writes_fail_where_nobody_may_write_and_reads_do_not() {
    let table = table(1);
    table.set_read_only(true);
    let mut one = table.connect().unwrap();
    assert_eq!(one.page(None, 9).unwrap().0, [lease(1)]);
    assert_eq!(fault(one.delete(&[&lease(1)])), Fault::ReadOnly);
    assert_eq!(fault(one.page(None, 9)), Fault::Lost);
    table.set_read_only(false);
    assert_eq!(table.connect().unwrap().delete(&[&lease(1)]), Ok(vec![true]));
}

#[test]
fn a_retry_rolls_back_and_the_connection_stays() {
    let table = table(0);
    let mut one = table.connect().unwrap();
    one.begin().unwrap();
    one.insert(&[&lease(1)]).unwrap();
    table.set_retries(1);
    assert_eq!(fault(one.insert(&[&lease(2)])), Fault::Retry);
    assert_eq!(one.insert(&[&lease(3)]), Ok(vec![true]));
    assert_eq!(table.leases(), [lease(3)]);
}

#[test]
fn of_two_that_wait_for_each_other_one_tries_again() {
    let table = table(2);
    let (mut one, mut other) = (table.connect().unwrap(), table.connect().unwrap());
    one.begin().unwrap();
    other.begin().unwrap();
    assert_eq!(one.delete(&[&lease(1)]), Ok(vec![true]));
    assert_eq!(other.delete(&[&lease(2)]), Ok(vec![true]));
    let both = thread::scope(|scope| {
        let end = |mut connection: Connection<V4>, last| {
            connection.delete(&[&lease(last)]).map(|_| connection.commit())
        };
        let threads = [scope.spawn(move || end(one, 2)), scope.spawn(move || end(other, 1))];
        threads.map(|thread| thread.join().unwrap())
    });
    let retries =
        both.iter().filter(|one| matches!(one, Err(error) if error.fault == Fault::Retry));
    assert_eq!(retries.count(), 1);
    assert!(both.contains(&Ok(Ok(()))) && table.leases().is_empty());
}

#[test]
fn rows_that_cannot_be_read_are_passed_over_and_stay() {
    let table = table(3);
    table.make_unreadable([192, 0, 2, 2].into());
    let mut one = table.connect().unwrap();
    assert_eq!(one.page(None, 9).unwrap().0, [lease(1), lease(3)]);
    let mut got = Vec::new();
    one.get(&[lease(2).address, lease(3).address], &mut |lease| got.push(lease)).unwrap();
    let taken = V4::taken(lease(2).address);
    assert_eq!((got, table.unreadable()), (vec![taken, lease(3)], 2));
    assert_eq!(one.insert(&[&lease(2)]), Ok(vec![false]));
    assert_eq!(one.update(&[(&lease(2), &lease(2))]), Ok(vec![false]));
    assert_eq!(one.delete(&[&lease(2)]), Ok(vec![false]));
}

#[test]
fn a_paused_table_answers_when_it_goes_on() {
    let table = table(1);
    let mut one = table.connect().unwrap();
    table.set_paused(true);
    thread::scope(|scope| {
        let waiting = scope.spawn(move || one.page(None, 9).map(|(leases, _)| leases));
        thread::yield_now();
        assert!(!waiting.is_finished());
        table.set_paused(false);
        assert_eq!(waiting.join().unwrap(), Ok(vec![lease(1)]));
    });
}
