//! Storage that fails: no acknowledgement without a stored lease, and service again when the fault
//! is gone.

use std::fs;
use std::path::PathBuf;

use e2e::prelude::*;
use e2e::process::{run, run_any};
use e2e::server::START;

/// A small file system of its own, unmounted at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts 64 KiB below the folder of the test.
    fn mount(net: &Net) -> Self {
        let path = net.path().join("disk");
        fs::create_dir(&path).expect("mount point");
        let text = path.to_str().expect("a path in UTF-8");
        run(&["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "none", text]);
        Self(path)
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let text = self.0.join("ballast");
        run_any(&["dd", "if=/dev/zero", &format!("of={}", text.display()), "bs=4096"]);
    }

    /// Makes room again.
    fn free(&self) {
        fs::remove_file(self.0.join("ballast")).expect("ballast");
    }

    /// Makes it read-only or writable.
    fn remount(&self, mode: &str) {
        run(&[
            "mount",
            "-o",
            &format!("remount,{mode}"),
            self.0.to_str().expect("a path in UTF-8"),
        ]);
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run_any(&["umount", "-l", self.0.to_str().expect("a path in UTF-8")]);
    }
}

/// A pool with room for many clients.
fn config(net: &Net, disk: &SmallDisk) -> Config {
    let mut config = Config::new(net.path());
    config.lease_file = Some(disk.0.join("leases4.csv"));
    config.subnets = vec![pool_subnet(1, "192.0.0.0/16", "192.0.3.0 - 192.0.250.255", "")];
    config
}

/// Tries to get a lease for a client; the address, if it was acknowledged.
fn try_lease(peer: &mut Peer, client: u8) -> Option<Ipv4Addr> {
    peer.become_client(client);
    let query = peer.query(Message::Discover);
    let offer = peer.ask_within(&query, Duration::from_millis(500))?;
    let request = peer.request_for(&offer.dhcp);
    let ack = peer.ask_within(&request, Duration::from_millis(300))?;
    (ack.dhcp.kind() == Some(Message::Ack)).then_some(ack.dhcp.yiaddr)
}

#[test]
fn full_disk_stops_acknowledgements_until_there_is_room_again() {
    let net = Net::pair();
    let disk = SmallDisk::mount(&net);
    let server = Server::start(&net, &config(&net, &disk));
    let mut peer = Peer::new(&net.client);
    let mut granted = Vec::new();
    granted.push((200, try_lease(&mut peer, 200).expect("a lease while there is room")));
    disk.fill();
    // The last page of the file takes some more rows.
    let mut refused = 0;
    for client in 0..190 {
        match try_lease(&mut peer, client) {
            Some(address) => granted.push((client, address)),
            None => refused += 1,
        }
        if refused == 3 {
            break;
        }
    }
    let stored = server.leases().current();
    for (client, address) in &granted {
        let row =
            stored.get(address).unwrap_or_else(|| panic!("{address} was granted, not stored"));
        assert_eq!(row["hwaddr"], format!("02:00:00:00:01:{client:02x}"));
    }
    assert_eq!(refused, 3, "requests were granted although nothing could be stored");
    let log = server.log();
    assert!(log.contains("ERROR") && log.contains("leases4.csv"), "the log says so:\n{log}");
    disk.free();
    let begin = Instant::now();
    let mut address = None;
    while address.is_none() && begin.elapsed() < wait::secs(5) {
        address = try_lease(&mut peer, 201);
    }
    granted.push((201, address.expect("service resumes when there is room")));
    server.kill();
    let server = Server::start(&net, &config(&net, &disk));
    let stored = server.leases().current();
    for (client, address) in &granted {
        let row = stored.get(address).unwrap_or_else(|| panic!("{address} is lost"));
        assert_eq!(row["hwaddr"], format!("02:00:00:00:01:{client:02x}"), "no torn row in between");
        assert_eq!(try_lease(&mut peer, *client), Some(*address));
    }
    assert!(!server.log().contains("ROW_ERROR"), "no torn row is left behind");
}

#[test]
fn read_only_file_system_stops_the_start_with_a_reason() {
    let net = Net::pair();
    let disk = SmallDisk::mount(&net);
    disk.remount("ro");
    let mut server = Server::spawn(&net.server, net.path(), &config(&net, &disk));
    assert_eq!(server.process.wait_end(START).code(), Some(1));
    server.wait_log_count("leases4.csv", 1, wait::secs(5));
    disk.remount("rw");
    let _server = Server::start(&net, &config(&net, &disk));
    assert!(try_lease(&mut Peer::new(&net.client), 1).is_some());
}

#[test]
fn renewal_is_not_acknowledged_on_a_full_disk_and_the_old_lease_stays() {
    let net = Net::pair();
    let disk = SmallDisk::mount(&net);
    let server = Server::start(&net, &config(&net, &disk));
    let mut peer = Peer::new(&net.client);
    let address = try_lease(&mut peer, 7).expect("a lease while there is room");
    disk.fill();
    let renew = |peer: &mut Peer| {
        peer.become_client(7);
        let query = peer.query(Message::Request).with_address(opt::REQUESTED, address);
        peer.ask_within(&query, Duration::from_millis(300))
    };
    let rows = || server.leases().rows("").len();
    let silent = (0..200).any(|_| {
        let before = rows();
        let answer = renew(&mut peer);
        assert!(answer.is_none() || rows() > before, "acknowledged, not stored");
        answer.is_none()
    });
    assert!(silent, "renewals were granted although nothing could be stored");
    assert!(server.leases().lease(address).is_some());
    disk.free();
    wait::until(wait::secs(5), "service resumes", || renew(&mut peer).is_some());
}
