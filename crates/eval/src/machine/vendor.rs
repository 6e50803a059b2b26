//! Vendor options and vendor classes: 125 and 124 of DHCPv4, 17 and 16 of DHCPv6.
//!
//! Only the first occurrence and its first enterprise are seen. What is too short for the number of
//! an enterprise does not exist.

use std::fmt::Display;

use libdhcp::Universe;
use libdhcp::v6::Tuples;

use super::{Machine, vendor_messages};
use crate::ast::Vendor;
use crate::context::PacketContext;
use crate::messages;
use crate::scratch::Slice;
use crate::trace::{Hex, Quoted, Watch};

/// An option that begins with the number of an enterprise.
#[derive(Clone, Copy)]
pub(super) struct OfEnterprise<'p> {
    pub(super) enterprise: u32,
    pub(super) rest: &'p [u8],
}

impl<'p, C: PacketContext + ?Sized, W: Watch> Machine<'p, '_, C, W> {
    /// The option of the wanted enterprise, 0 for any; a reason for its absence is reported with
    /// the result that it leads to.
    pub(super) fn vendor(
        &mut self,
        vendor: Vendor,
        wanted: u32,
        failed: &dyn Display,
    ) -> Option<OfEnterprise<'p>> {
        let code = vendor.code(self.code.universe);
        let [missing, mismatch, ..] = vendor_messages(vendor);
        let Some(found) = self.context.option(code).and_then(of_enterprise) else {
            self.note(missing, &[&code, failed]);
            return None;
        };
        if wanted != 0 && wanted != found.enterprise {
            self.note(mismatch, &[&wanted, &found.enterprise, failed]);
            return None;
        }
        Some(found)
    }

    /// Reports that the option is there.
    pub(super) fn note_vendor_exists(&mut self, vendor: Vendor) {
        if W::ON
            && let Some(found) = self.vendor(vendor, 0, &"")
        {
            let [.., exists, _] = vendor_messages(vendor);
            self.note(exists, &[&found.enterprise, &true]);
        }
    }

    /// For an option inside vendor options: true when those were missing, which is then reported
    /// with the result.
    pub(super) fn is_vendor_missing(&mut self, path: u32, failed: &dyn Display) -> bool {
        let path = self.code.paths.get(path as usize);
        let enterprise = path.and_then(|path| path.enterprise());
        enterprise.is_some_and(|wanted| self.vendor(Vendor::Options, wanted, failed).is_none())
    }

    /// `vendor.enterprise`, `vendor-class.enterprise`
    pub(super) fn enterprise(&mut self, vendor: Vendor) -> Slice<'p> {
        let Some(found) = self.vendor(vendor, 0, &"''") else { return Slice::EMPTY };
        let code = vendor.code(self.code.universe);
        let number = self.context.option(code).and_then(|body| body.get(..4)).unwrap_or_default();
        let [.., message] = vendor_messages(vendor);
        self.note(message, &[&found.enterprise, &Hex(number)]);
        Slice::Lent(number)
    }

    /// `vendor-class[enterprise].data[index]`
    pub(super) fn class_data(&mut self, enterprise: u32, index: u8) -> Slice<'p> {
        let Some(found) = self.vendor(Vendor::Class, enterprise, &"''") else {
            return Slice::EMPTY;
        };
        let mut tuples = ClassTuples::new(self.code.universe, found.rest);
        let data = tuples.clone().nth(usize::from(index));
        if W::ON {
            let count = tuples.by_ref().count();
            let values: [&dyn Display; 3] = [&index, &count, &Quoted(data.unwrap_or_default())];
            let missing: [&dyn Display; 4] = [&index, &found.enterprise, &count, &"''"];
            match data {
                Some(_) => self.note(&messages::EVAL_DEBUG_VENDOR_CLASS_DATA, &values),
                None => self.note(&messages::EVAL_DEBUG_VENDOR_CLASS_DATA_NOT_FOUND, &missing),
            }
        }
        Slice::Lent(data.unwrap_or_default())
    }
}

fn of_enterprise(body: &[u8]) -> Option<OfEnterprise<'_>> {
    let (enterprise, rest) = body.split_first_chunk()?;
    Some(OfEnterprise { enterprise: u32::from_be_bytes(*enterprise), rest })
}

/// The data of a vendor class behind its first enterprise number. In DHCPv4 the number is repeated
/// before each further piece; data of another enterprise end the list.
#[derive(Clone)]
enum ClassTuples<'p> {
    V4 { rest: &'p [u8] },
    V6(Tuples<'p>),
}

impl<'p> ClassTuples<'p> {
    fn new(universe: Universe, rest: &'p [u8]) -> Self {
        match universe {
            Universe::V4 => Self::V4 { rest },
            Universe::V6 => Self::V6(Tuples::new(rest)),
        }
    }
}

impl<'p> Iterator for ClassTuples<'p> {
    type Item = &'p [u8];

    fn next(&mut self) -> Option<&'p [u8]> {
        match self {
            Self::V6(tuples) => tuples.next(),
            Self::V4 { rest } => {
                let (len, behind) = rest.split_first()?;
                let (data, behind) = behind.split_at_checked(usize::from(*len))?;
                *rest = behind.get(4..).unwrap_or_default();
                Some(data)
            }
        }
    }
}
