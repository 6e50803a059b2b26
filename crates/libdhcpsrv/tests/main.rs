//! Configuration, pools, store and allocation engine together, as a server uses them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use cc::{Diagnostics, Document, NoIncludes};
use util::{Now, SplitMix};

use eval::ClassSet;
use libdhcpsrv::alloc4::{Candidate4, Granted4, Query4, grant};
use libdhcpsrv::classes::ClassTimes;
use libdhcpsrv::config4::{self, Config4, Pool4, SubnetIndex};
use libdhcpsrv::free::{PoolRange, PoolSet4};
use libdhcpsrv::hosts::HostView;
use libdhcpsrv::lease4::{ClientKey, Expect, LeaseStore4};
use libdhcpsrv::session::{Memo, Session};

/// A configuration with its store.
struct Server {
    config: Config4,
    store: LeaseStore4,
    pools: Arc<PoolSet4>,
}

impl Server {
    fn new(subnets: &str) -> Self {
        let text =
            format!("{{ \"Dhcp4\": {{ \"valid-lifetime\": 100, \"subnet4\": [ {subnets} ] }} }}");
        let mut diagnostics = Diagnostics::new();
        let document = Document::parse(&text, "test", &mut NoIncludes, &mut diagnostics);
        let config = config4::read(&document.unwrap(), 1, &mut diagnostics).unwrap();
        let range = |pool: &Pool4| PoolRange {
            first: pool.first.into(),
            last: pool.last.into(),
            skips_edges: false,
        };
        let pools = Arc::new(PoolSet4::new(config.pools.iter().map(range)));
        let store = LeaseStore4::new(7, None);
        store.adopt_pools(&pools);
        Self { config, store, pools }
    }

    /// What a client that names no address is granted.
    fn grant(&self, subnet: u32, client: u8, second: u64) -> Option<Ipv4Addr> {
        let (mut entropy, mut memo) = (SplitMix::new(1), Memo::default());
        let now = Now::from_secs(second);
        let mut session = Session::new(&self.store, &self.pools, &mut entropy, &mut memo, now);
        let query = Query4 {
            config: &self.config,
            hosts: HostView::of_table(&self.config.hosts),
            candidates: &[Candidate4 { subnet: SubnetIndex(subnet), host: None }],
            classes: ClassSet::empty(),
            client: ClientKey { hw_type: 1, hw: &[client; 6], client_id: None },
            identifiers: &[],
            reserved: None,
            requested: None,
            recent_offer: None,
            wanted_lifetime: None,
            class_times: ClassTimes::default(),
            class_offer_lifetime: None,
            hostname: None,
            extended_info: b"",
        };
        match grant(&mut session, &query) {
            Ok(Granted4::Lease { address, .. }) => Some(address),
            Ok(Granted4::Exhausted) => None,
            other => panic!("{other:?}"),
        }
    }

    fn release(&self, address: Ipv4Addr) {
        let view = self.store.get(address, &ClientKey::default());
        self.store.delete(address, Expect::from(view.as_ref())).unwrap();
    }
}

fn address(last: u8) -> Option<Ipv4Addr> {
    Some(Ipv4Addr::new(192, 0, 2, last))
}

#[test]
fn pools_are_used_in_the_order_of_the_file_and_again_from_their_beginning() {
    let server = Server::new(
        r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [
            { "pool": "192.0.2.8 - 192.0.2.9" }, { "pool": "192.0.2.1 - 192.0.2.2" } ] }"#,
    );
    let granted = [1, 2, 3, 4, 5].map(|client| server.grant(0, client, 1000));
    assert_eq!(granted, [address(8), address(9), address(1), address(2), None]);
    server.release(Ipv4Addr::new(192, 0, 2, 2));
    server.release(Ipv4Addr::new(192, 0, 2, 8));
    assert_eq!(server.grant(0, 5, 1001), address(8), "round in the first pool");
    assert_eq!(server.grant(0, 6, 1001), address(2));
    assert_eq!(server.grant(0, 7, 1001), None);
    assert_eq!(server.grant(0, 2, 1001), address(9), "its own, though all are taken");
}

#[test]
fn an_address_that_two_subnets_share_is_given_out_once() {
    let server = Server::new(
        r#"{ "id": 1, "subnet": "192.0.0.0/16", "pools": [ { "pool": "192.0.2.1 - 192.0.2.2" } ] },
           { "id": 2, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.1 - 192.0.2.3" } ] }"#,
    );
    assert_eq!(server.grant(0, 1, 1000), address(1));
    assert_eq!(server.grant(1, 2, 1000), address(2));
    assert_eq!(server.grant(0, 3, 1000), None);
    assert_eq!(server.grant(1, 1, 1000), address(3), "a lease of another subnet is not its own");
}

#[test]
fn an_expired_lease_is_given_to_another_client_once_its_expiry_was_noticed() {
    let server = Server::new(
        r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.1/32" } ] }"#,
    );
    assert_eq!(server.grant(0, 1, 1000), address(1));
    server.store.expire_tick(Now::from_secs(1100), 10);
    assert_eq!(server.grant(0, 2, 1100), None, "its last second");
    server.store.expire_tick(Now::from_secs(1101), 10);
    assert_eq!(server.grant(0, 2, 1101), address(1));
    assert_eq!(server.grant(0, 1, 1101), None);
    assert_eq!(server.store.len(), 1);
}
