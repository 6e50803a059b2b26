//! The client's hardware address, which DHCPv6 does not carry: found in one of the places that `mac-sources` allows.
//!
//! The sources are tried in the order of the configuration and the first that yields something wins. What it yields is
//! kept with the lease. Kea: `Pkt::getMAC`.

use libdhcp::v6::VendorOptions;
use libdhcp::{Duid, HardwareAddress};
use libdhcpsrv::config6::MacSource;
use libdhcpsrv::lease6::HardwareSource6;
use util::link::Inbound;

use crate::query::Query;

/// Enterprise number of CableLabs.
const CABLELABS: u32 = 4491;
/// Sub-option of CableLabs with the modem's hardware address.
const DOCSIS_DEVICE_ID: u16 = 36;
/// Sub-option of CableLabs with the hardware address that the CMTS has seen.
const DOCSIS_CMTS_CM_MAC: u16 = 1026;

/// A hardware address and where it was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hardware(Option<(HardwareAddress, MacSource)>);

impl Hardware {
    /// The address.
    #[must_use]
    pub fn address(&self) -> Option<HardwareAddress> {
        self.0.map(|(address, _)| address)
    }

    /// In the form in which leases keep it.
    #[must_use]
    pub fn as_stored(&self) -> HardwareSource6<'_> {
        self.0.as_ref().map_or_else(HardwareSource6::default, |(address, source)| HardwareSource6 {
            hw_type: address.htype(),
            source: source_number(*source),
            hw: address.bytes(),
        })
    }
}

/// Looks for the hardware address of a client.
#[must_use]
pub fn find(sources: &[MacSource], query: &Query<'_>, input: &Inbound<'_>) -> Hardware {
    let mut tried = sources.iter();
    Hardware(tried.find_map(|&source| {
        let address = from(source, query, input)?;
        (!address.is_empty()).then_some((address, source))
    }))
}

fn from(source: MacSource, query: &Query<'_>, input: &Inbound<'_>) -> Option<HardwareAddress> {
    let view = query.view;
    let ethernet = |bytes: &[u8]| HardwareAddress::new(HardwareAddress::ETHERNET, bytes);
    match source {
        MacSource::ClientLinkAddress => view.nearest_client_relay()?.client_link_layer_address(),
        MacSource::DocsisCmts => {
            let options = view.nearest_client_relay()?.vendor_options();
            ethernet(of_cablelabs(options, DOCSIS_CMTS_CM_MAC)?)
        }
        MacSource::DocsisModem => ethernet(of_cablelabs(view.vendor_options(), DOCSIS_DEVICE_ID)?),
        MacSource::Duid => Duid::new(query.duid?).ok()?.hardware_address(),
        MacSource::LinkLocal => {
            let client = query.client_address(input);
            HardwareAddress::from_link_local(HardwareAddress::ETHERNET, client)
        }
        MacSource::Raw => Some(HardwareAddress::ethernet(input.link_source?.0)),
        MacSource::RemoteId => {
            let (_enterprise, address) = view.nearest_client_relay()?.remote_id()?;
            ethernet(address)
        }
        MacSource::SubscriberId => None,
    }
}

/// A sub-option of CableLabs' option 17.
fn of_cablelabs<'a>(
    mut instances: impl Iterator<Item = VendorOptions<'a>>,
    code: u16,
) -> Option<&'a [u8]> {
    instances.find(|instance| instance.enterprise == CABLELABS)?.options.option(code)
}

/// The number of a source in lease files and databases.
const fn source_number(source: MacSource) -> u32 {
    match source {
        MacSource::Raw => 1,
        MacSource::LinkLocal => 2,
        MacSource::Duid => 4,
        MacSource::ClientLinkAddress => 8,
        MacSource::RemoteId => 16,
        MacSource::SubscriberId => 32,
        MacSource::DocsisCmts => 64,
        MacSource::DocsisModem => 128,
    }
}
