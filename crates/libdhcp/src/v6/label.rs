//! The name of a client in log messages.

use std::fmt;

use crate::hardware_address::AddressLabel;
use crate::hex::ColonHex;
use crate::{Duid, HardwareAddress};

/// Displays `duid=[00:01:0c], [hwtype=1 00:0c:01:02:03:04], tid=0x1a2b3c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLabel<'a> {
    /// Body of option 1, valid or not.
    pub duid: Option<&'a [u8]>,
    /// Hardware address, when one is known.
    pub hardware_address: Option<HardwareAddress>,
    /// Transaction id.
    pub transaction_id: [u8; 3],
}

impl fmt::Display for ClientLabel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.duid {
            Some(bytes) => {
                // What is longer is no DUID, and would push everything else out of a line.
                let shown = bytes.get(..Duid::LEN_MAX).unwrap_or(bytes);
                let rest = if shown.len() < bytes.len() { "..." } else { "" };
                write!(f, "duid=[{}{rest}], ", ColonHex(shown))?;
            }
            None => f.write_str("duid=[no info], ")?,
        }
        let [a, b, c] = self.transaction_id;
        let transaction_id = u32::from_be_bytes([0, a, b, c]);
        let hardware_address = AddressLabel(self.hardware_address.as_ref());
        write!(f, "{hardware_address}, tid={transaction_id:#x}")
    }
}

#[cfg(test)]
mod tests {
    use super::ClientLabel;
    use crate::HardwareAddress;

    #[test]
    fn label_has_the_known_form() {
        let transaction_id = [0x1a, 0x2b, 0x3c];
        let label = ClientLabel { duid: Some(&[0, 1, 12]), hardware_address: None, transaction_id };
        assert_eq!(label.to_string(), "duid=[00:01:0c], [no hwaddr info], tid=0x1a2b3c");
        let hardware_address = Some(HardwareAddress::ethernet([0, 12, 1, 2, 3, 4]));
        let label = ClientLabel { duid: None, hardware_address, transaction_id: [0, 0, 1] };
        assert_eq!(label.to_string(), "duid=[no info], [hwtype=1 00:0c:01:02:03:04], tid=0x1");
    }
}
