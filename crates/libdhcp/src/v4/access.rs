//! Typed access to the options of a [`View`].
//!
//! Each accessor judges its option at the moment of use: `Ok(None)` when it does not occur, `Err`
//! with an explanation when its body is wrong. For options of fixed size a first occurrence of that
//! size wins over joined repetitions, so that a packet that says the same thing twice is
//! understood.

use std::net::Ipv4Addr;

use crate::ClientId;
use crate::v4::code;
use crate::v4::label::ClientLabel;
use crate::v4::message_type::MessageType;
use crate::v4::relay::RelayAgentInformation;
use crate::v4::view::View;

impl<'a> View<'a> {
    /// Option 53.
    ///
    /// # Errors
    /// When it is not one byte, or a number without meaning.
    #[inline]
    pub fn message_type(&self) -> Result<Option<MessageType>, OptionError> {
        match self.u8_option(code::MESSAGE_TYPE)? {
            None => Ok(None),
            Some(found) => match MessageType::from_u8(found) {
                Some(known) => Ok(Some(known)),
                None => Err(OptionError::UnknownMessageType { found }),
            },
        }
    }

    /// Option 50.
    ///
    /// # Errors
    /// When it is not four bytes.
    #[inline]
    pub fn requested_address(&self) -> Result<Option<Ipv4Addr>, OptionError> {
        self.address_option(code::REQUESTED_ADDRESS)
    }

    /// Option 54.
    ///
    /// # Errors
    /// When it is not four bytes.
    #[inline]
    pub fn server_identifier(&self) -> Result<Option<Ipv4Addr>, OptionError> {
        self.address_option(code::SERVER_IDENTIFIER)
    }

    /// Option 61.
    ///
    /// # Errors
    /// When it has fewer than two bytes.
    #[inline]
    pub fn client_identifier(&self) -> Result<Option<ClientId<'a>>, OptionError> {
        match self.option(code::CLIENT_IDENTIFIER) {
            None => Ok(None),
            Some(bytes) => ClientId::new(bytes).map(Some).ok_or(OptionError::Length {
                code: code::CLIENT_IDENTIFIER,
                expected: "at least 2",
                found: bytes.len(),
            }),
        }
    }

    /// Option 55; empty when it does not occur.
    #[must_use]
    #[inline]
    pub fn parameter_request_list(&self) -> &'a [u8] {
        self.option(code::PARAMETER_REQUEST_LIST).unwrap_or_default()
    }

    /// Option 82.
    #[must_use]
    #[inline]
    pub fn relay_agent_information(&self) -> Option<RelayAgentInformation<'a>> {
        self.option(code::RELAY_AGENT_INFORMATION).map(RelayAgentInformation::new)
    }

    /// Sub-option 5 of option 82 (RFC 3527).
    ///
    /// # Errors
    /// When it is not four bytes.
    #[inline]
    pub fn link_selection(&self) -> Result<Option<Ipv4Addr>, OptionError> {
        let Some(information) = self.relay_agent_information() else { return Ok(None) };
        match information.sub_option(code::RAI_LINK_SELECTION) {
            None => Ok(None),
            Some(bytes) => match <[u8; 4]>::try_from(bytes) {
                Ok(octets) => Ok(Some(Ipv4Addr::from(octets))),
                Err(_) => Err(OptionError::SubOptionLength {
                    code: code::RELAY_AGENT_INFORMATION,
                    sub_code: code::RAI_LINK_SELECTION,
                    expected: "4",
                    found: bytes.len(),
                }),
            },
        }
    }

    /// Option 118 (RFC 3011).
    ///
    /// # Errors
    /// When it is not four bytes.
    #[inline]
    pub fn subnet_selection(&self) -> Result<Option<Ipv4Addr>, OptionError> {
        self.address_option(code::SUBNET_SELECTION)
    }

    /// Option 51.
    ///
    /// # Errors
    /// When it is not four bytes.
    #[inline]
    pub fn lease_time(&self) -> Result<Option<u32>, OptionError> {
        self.u32_option(code::LEASE_TIME)
    }

    /// Option 57.
    ///
    /// # Errors
    /// When it is not two bytes.
    #[inline]
    pub fn max_message_size(&self) -> Result<Option<u16>, OptionError> {
        Ok(self.fixed_option(code::MAX_MESSAGE_SIZE, "2")?.map(u16::from_be_bytes))
    }

    /// Option 12 without the NULs some clients append.
    ///
    /// # Errors
    /// When nothing is left.
    #[inline]
    pub fn host_name(&self) -> Result<Option<&'a [u8]>, OptionError> {
        self.text_option(code::HOST_NAME)
    }

    /// Option 60 as it is.
    #[must_use]
    #[inline]
    pub fn vendor_class_identifier(&self) -> Option<&'a [u8]> {
        self.option(code::VENDOR_CLASS_IDENTIFIER)
    }

    /// Option 77 as it is.
    #[must_use]
    #[inline]
    pub fn user_class(&self) -> Option<&'a [u8]> {
        self.option(code::USER_CLASS)
    }

    /// Option 81: flags, two result codes and the name.
    ///
    /// # Errors
    /// When it has fewer than three bytes.
    pub fn client_fqdn(&self) -> Result<Option<(u8, &'a [u8])>, OptionError> {
        match self.option(code::CLIENT_FQDN) {
            None => Ok(None),
            Some([flags, _, _, name @ ..]) => Ok(Some((*flags, name))),
            Some(short) => Err(OptionError::Length {
                code: code::CLIENT_FQDN,
                expected: "at least 3",
                found: short.len(),
            }),
        }
    }

    /// The client as log messages name it.
    #[must_use]
    pub fn label(&self) -> ClientLabel<'a> {
        ClientLabel {
            hardware_address: Some(self.hardware_address()).filter(|address| !address.is_empty()),
            client_id: self.option(code::CLIENT_IDENTIFIER),
            xid: self.xid(),
        }
    }

    /// An option of one byte.
    ///
    /// # Errors
    /// When it has another length.
    #[inline]
    pub fn u8_option(&self, code: u8) -> Result<Option<u8>, OptionError> {
        Ok(self.fixed_option(code, "1")?.map(|[byte]| byte))
    }

    /// An option that is a 32-bit number.
    ///
    /// # Errors
    /// When it is not four bytes.
    #[inline]
    pub fn u32_option(&self, code: u8) -> Result<Option<u32>, OptionError> {
        Ok(self.fixed_option(code, "4")?.map(u32::from_be_bytes))
    }

    /// An option that is one address.
    ///
    /// # Errors
    /// When it is not four bytes.
    #[inline]
    pub fn address_option(&self, code: u8) -> Result<Option<Ipv4Addr>, OptionError> {
        Ok(self.fixed_option(code, "4")?.map(|octets: [u8; 4]| Ipv4Addr::from(octets)))
    }

    /// An option that is text, without trailing NULs.
    ///
    /// # Errors
    /// When nothing is left.
    #[inline]
    pub fn text_option(&self, code: u8) -> Result<Option<&'a [u8]>, OptionError> {
        let Some(bytes) = self.option(code) else { return Ok(None) };
        let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        match bytes.get(..len) {
            Some(text) if !text.is_empty() => Ok(Some(text)),
            _ => Err(OptionError::Length { code, expected: "at least 1", found: len }),
        }
    }

    #[inline]
    fn fixed_option<const N: usize>(
        &self,
        code: u8,
        expected: &'static str,
    ) -> Result<Option<[u8; N]>, OptionError> {
        let Some(first) = self.first_fragment(code) else { return Ok(None) };
        if let Ok(array) = <[u8; N]>::try_from(first) {
            return Ok(Some(array));
        }
        let joined = self.option(code).unwrap_or_default();
        <[u8; N]>::try_from(joined).map(Some).map_err(|_| OptionError::Length {
            code,
            expected,
            found: joined.len(),
        })
    }
}

/// What is wrong with the body of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Wrong number of bytes.
    #[error("option {code} has {found} bytes, expected {expected}")]
    Length {
        /// Number of the option.
        code: u8,
        /// What would be right.
        expected: &'static str,
        /// Length in the packet.
        found: usize,
    },
    /// Wrong number of bytes in a sub-option.
    #[error("sub-option {sub_code} of option {code} has {found} bytes, expected {expected}")]
    SubOptionLength {
        /// Number of the option.
        code: u8,
        /// Number of the sub-option.
        sub_code: u8,
        /// What would be right.
        expected: &'static str,
        /// Length in the packet.
        found: usize,
    },
    /// Option 53 holds a number that stands for no message.
    #[error("option 53 holds message type {found}, which does not exist")]
    UnknownMessageType {
        /// The number.
        found: u8,
    },
}
