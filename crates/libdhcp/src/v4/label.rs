//! The name of a client in log messages.

use std::fmt;

use crate::HardwareAddress;
use crate::hardware_address::AddressLabel;
use crate::hex::ColonHex;

/// Displays `[hwtype=1 00:0c:01:02:03:04], cid=[01:00:0c], tid=0x1a2b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLabel<'a> {
    /// Hardware address, when the packet has one.
    pub hardware_address: Option<HardwareAddress>,
    /// Body of option 61, valid or not.
    pub client_id: Option<&'a [u8]>,
    /// Transaction id.
    pub xid: u32,
}

impl fmt::Display for ClientLabel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", AddressLabel(self.hardware_address.as_ref()))?;
        match self.client_id {
            Some(bytes) => write!(f, "cid=[{}], ", ColonHex(bytes))?,
            None => f.write_str("cid=[no info], ")?,
        }
        write!(f, "tid={:#x}", self.xid)
    }
}

#[cfg(test)]
mod tests {
    use super::ClientLabel;
    use crate::HardwareAddress;

    #[test]
    fn label_has_the_known_form() {
        let hardware_address = Some(HardwareAddress::ethernet([0, 12, 1, 2, 3, 4]));
        let label = ClientLabel { hardware_address, client_id: Some(&[1, 0, 12]), xid: 0x1a2b };
        assert_eq!(label.to_string(), "[hwtype=1 00:0c:01:02:03:04], cid=[01:00:0c], tid=0x1a2b");
        let label = ClientLabel { hardware_address: None, client_id: None, xid: 0 };
        assert_eq!(label.to_string(), "[no hwaddr info], cid=[no info], tid=0x0");
    }
}
