//! What comes from clients: identifiers of every length, host names of any bytes.

use libdhcpsrv::lease::{HOSTNAME_LEN_MAX, INFINITE, LeaseState};

use super::{Check, Place, SuiteKind, all, get_one, store, update};

pub(super) fn checks<K: SuiteKind>() -> Vec<Check<K>> {
    vec![
        ("values: identifiers of every length are kept, or refused alone", identifiers),
        ("values: identifiers hold any bytes", bytes),
        ("values: host names of any bytes are kept, or cost at most themselves", hostnames),
        ("values: user contexts are kept", user_contexts),
        ("values: what a lease becomes is told before it is stored", stored_form),
    ]
}

/// Bytes that differ in every place.
fn some_bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + len) as u8).collect()
}

fn identifiers<K: SuiteKind>(place: &mut dyn Place<K>) {
    let max = place.limits().identifier_len_max;
    let mut connection = place.open();
    let lengths: Vec<usize> = (1..=K::IDENTIFIER_LEN_MAX).collect();
    let lease = |len: usize| {
        let mut lease = K::lease(len as u32);
        K::set_client(&mut lease, &some_bytes(len), &some_bytes(1 + len % 20));
        lease
    };
    let leases: Vec<K::Lease> = lengths.iter().map(|len| lease(*len)).collect();
    let made = connection.insert(&leases.iter().collect::<Vec<_>>());
    let expected: Vec<bool> = lengths.iter().map(|len| *len <= max).collect();
    let fits: Vec<bool> = leases.iter().map(|lease| connection.fits(lease).is_ok()).collect();
    assert_eq!(fits, expected);
    assert_eq!(made, Ok(expected), "one bit for each length");
    let stored: Vec<K::Lease> = leases[..max.min(leases.len())].to_vec();
    assert_eq!(all(&mut *connection), stored);
    for lease in &leases {
        let is_stored = stored.contains(lease);
        let mut found = Vec::new();
        // Others with the same hardware address and no identifier do not exist.
        connection.find(&[K::wanted(lease)], &mut |_, lease| found.push(lease)).unwrap();
        assert_eq!(found, stored.iter().filter(|one| *one == lease).cloned().collect::<Vec<_>>());
        assert_eq!(update(&mut *connection, lease, lease), is_stored);
    }
    if let Some(long) = leases.get(max) {
        let mut renewed = stored[1].clone();
        *K::common(&mut renewed).cltt += 1;
        let mut longer = stored[0].clone();
        K::set_client(&mut longer, &some_bytes(max + 1), &[1]);
        let made = connection.update(&[(&stored[0], &longer), (&stored[1], &renewed)]);
        assert_eq!(made, Ok(vec![false, true]), "the row alone is refused");
        assert_eq!(connection.delete(&[long, &renewed]), Ok(vec![false, true]));
    }
}

fn bytes<K: SuiteKind>(place: &mut dyn Place<K>) {
    let mut connection = place.open();
    let contents: [&[u8]; 8] = [
        &[0],
        &[0, 0],
        &[0xff; 10],
        b"'; DROP TABLE lease4; --",
        b"\\'\"\\\\",
        b"\\x00",
        &[0xc3, 0x28],
        b"  blanks  ",
    ];
    let mut leases = Vec::new();
    for (number, bytes) in (0..).zip(contents) {
        let mut lease = K::lease(number);
        // Of one zero a DUID is nobody's.
        let identifier = if K::HAS_SEVERAL { [bytes, &[1]].concat() } else { bytes.to_vec() };
        K::set_client(&mut lease, &identifier, &bytes[..bytes.len().min(20)]);
        leases.push(lease);
    }
    store(&mut *connection, &leases);
    assert_eq!(all(&mut *connection), leases);
    for lease in &leases {
        let mut found = Vec::new();
        connection.find(&[K::wanted(lease)], &mut |_, lease| found.push(lease)).unwrap();
        assert_eq!(found, std::slice::from_ref(lease));
        assert!(update(&mut *connection, lease, lease));
    }
    let made = connection.delete(&leases.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(made, [true; 8]);
}

fn hostnames<K: SuiteKind>(place: &mut dyn Place<K>) {
    let has_any = place.limits().has_any_hostname;
    let mut names: Vec<Vec<u8>> = (0..=255).map(|byte| vec![b'a', byte, b'b']).collect();
    names.extend([
        "é".into(),
        "日本語.example.".into(),
        "\u{1f600}".into(),
        b"'; DROP TABLE lease4; --".to_vec(),
        b"trailing blank ".to_vec(),
        b"\\".to_vec(),
        vec![b'x'; HOSTNAME_LEN_MAX],
        "é".repeat(HOSTNAME_LEN_MAX / 2).into_bytes(),
        vec![0xff; HOSTNAME_LEN_MAX],
    ]);
    let mut connection = place.open();
    let mut leases = Vec::new();
    for (number, name) in (0..).zip(&names) {
        let mut lease = K::lease(number);
        *K::common(&mut lease).hostname = name.clone();
        leases.push(lease);
    }
    let made = connection.insert(&leases.iter().collect::<Vec<_>>()).expect("none fails for all");
    let mut strange = Vec::new();
    for (lease, made) in leases.iter_mut().zip(made) {
        let stored = get_one(&mut *connection, lease);
        assert_eq!(stored.is_some(), made, "{lease:?}");
        let name = K::common(lease).hostname.clone();
        let is_plain = name.is_ascii() && !name.contains(&0);
        if made && stored.as_ref() != Some(lease) {
            // Everything else must be as it was.
            let mut stored = stored.unwrap_or_default();
            strange.push((name.clone(), K::common(&mut stored).hostname.clone()));
            K::common(&mut stored).hostname.clone_from(&name);
            assert_eq!(stored, *lease);
            assert!(!is_plain && !has_any, "{lease:?}");
            assert!(update(&mut *connection, lease, lease));
        } else {
            assert!(made || !(is_plain || has_any), "{lease:?}");
        }
    }
    eprintln!("{}: {} of {} host names are kept otherwise", K::NAME, strange.len(), names.len());
    // The same by a change: what can be stored is, and a neighbour is not disturbed.
    place.clear();
    store(&mut *connection, &[K::lease(0), K::lease(1)]);
    let (mut now, mut neighbour) = (K::lease(0), K::lease(1));
    for name in names {
        let (mut new, mut renewed) = (now.clone(), neighbour.clone());
        *K::common(&mut new).hostname = name;
        *K::common(&mut new).cltt += 1;
        *K::common(&mut renewed).cltt += 1;
        let made = connection.update(&[(&now, &new), (&neighbour, &renewed)]).unwrap();
        assert!(made[1], "{new:?}");
        neighbour = renewed;
        if made[0] {
            now = new;
        }
    }
    assert_eq!(all(&mut *connection)[1], neighbour);
}

fn user_contexts<K: SuiteKind>(place: &mut dyn Place<K>) {
    if !place.limits().has_user_context {
        return;
    }
    let mut connection = place.open();
    let long = format!("{{ \"ISC\": {{ \"x\": \"{}\" }} }}", "é".repeat(4000));
    let contexts = [
        "",
        "{ }",
        "{ \"b\": \"' \\\\ é 日本 \u{1f600}\" }",
        "{ \"a\": \"\\u0000 ' \\\\ \\\" é 日本 \u{1f600}\" }",
        &long,
    ];
    let mut leases = Vec::new();
    for (number, context) in (0..).zip(contexts) {
        let mut lease = K::lease(number);
        *K::common(&mut lease).user_context = context.as_bytes().to_vec();
        // A database may have no character 0.
        if connection.fits(&lease).is_ok() {
            leases.push(lease);
        }
    }
    store(&mut *connection, &leases);
    assert_eq!(all(&mut *connection), leases);
}

fn stored_form<K: SuiteKind>(place: &mut dyn Place<K>) {
    let mut connection = place.open();
    let mut leases: Vec<K::Lease> = (0..8).map(K::lease).collect();
    let states = [
        LeaseState::Declined,
        LeaseState::ExpiredReclaimed,
        LeaseState::Released,
        LeaseState::Registered,
    ];
    for (lease, state) in leases.iter_mut().zip(states) {
        *K::common(lease).state = state;
    }
    for (lease, name) in leases[4..].iter_mut().zip([&b"a\0b"[..], b"\xe9", "é".as_bytes(), b"&#x"])
    {
        *K::common(lease).hostname = name.to_vec();
        *K::common(lease).user_context = b"{ \"a\": 1 }".to_vec();
        *K::common(lease).pool_id = 7;
        *K::common(lease).valid_lifetime = INFINITE;
    }
    let mut other = K::lease(8);
    K::set_client(&mut other, &[1, 2], &[]);
    leases.extend([other]);
    let made = connection.insert(&leases.iter().collect::<Vec<_>>()).unwrap();
    for (lease, made) in leases.iter().zip(made) {
        let told = connection.stored(lease);
        assert_eq!(get_one(&mut *connection, lease), made.then_some(told));
    }
}
