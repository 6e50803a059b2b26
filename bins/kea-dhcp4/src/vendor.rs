//! Options that vendors define: vendor classes (124) and vendor options (125), RFC 3925.
//!
//! Both are identified by code and enterprise number, so a reply carries what several scopes have for several
//! enterprises. Vendor classes are sent as configured. Vendor options of an enterprise are sent when the client names it
//! in its own option 124 or 125, or when option 125 is itself configured for it and wanted: those that the client lists
//! in sub-option 1 of its option 125 (as DOCSIS has it), and those that are always sent. Kea:
//! `appendRequestedVendorOptions`.

use arrayvec::ArrayVec;
use libdhcp::v4::{VendorBlocks, View, code};
use libdhcp::{EncodedOption, OptionCodes};

use crate::scopes::{ScopeCodes, Scopes};

/// Bytes of the bodies of options 124 and 125, each; no packet has room for more.
const BODY_LEN_MAX: usize = 1280;
/// Most bytes of one enterprise in option 125.
const BLOCK_LEN_MAX: usize = 255;
/// Bytes before them: enterprise number and length.
const BLOCK_HEAD_LEN: usize = 5;
/// Enterprises that one reply has options of.
const ENTERPRISES_MAX: usize = 8;
/// Sub-option of 125 in which a client lists the vendor's options that it wants.
const VENDOR_ORO: u8 = 1;

/// The bodies of options 124 and 125 of one reply.
#[derive(Debug, Default)]
pub struct VendorBodies {
    classes: ArrayVec<u8, BODY_LEN_MAX>,
    options: ArrayVec<u8, BODY_LEN_MAX>,
    answered: ArrayVec<u32, ENTERPRISES_MAX>,
    left_out: usize,
}

impl VendorBodies {
    /// Bodies without content.
    #[must_use]
    #[inline]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the scopes may have something for them; mostly not, and the bodies are large.
    #[must_use]
    #[inline]
    pub fn is_due(codes: &ScopeCodes) -> bool {
        codes.configured.contains(code::VIVCO_SUBOPTIONS)
            || codes.configured.contains(code::VIVSO_SUBOPTIONS)
            || codes.has_vendors
    }

    /// Gathers what the scopes have for a client; `codes` is what they say about the top level.
    pub fn gather(&mut self, view: &View<'_>, scopes: &Scopes<'_>, codes: &ScopeCodes) {
        let is_wanted = |code| {
            codes.configured.contains(code)
                && !codes.cancelled.contains(code)
                && (codes.always_send.contains(code)
                    || view.parameter_request_list().contains(&code))
        };
        if is_wanted(code::VIVCO_SUBOPTIONS) {
            scopes.each(code::VIVCO_SUBOPTIONS).for_each(|option| self.add_class(option));
        }
        let is_configured = is_wanted(code::VIVSO_SUBOPTIONS);
        if is_configured || codes.has_vendors {
            self.gather_options(view, scopes, is_configured);
        }
    }

    /// Body of option 124, when there is one.
    #[must_use]
    pub fn classes(&self) -> Option<&[u8]> {
        Some(&*self.classes).filter(|body| !body.is_empty())
    }

    /// Body of option 125, when there is one.
    #[must_use]
    pub fn options(&self) -> Option<&[u8]> {
        Some(&*self.options).filter(|body| !body.is_empty())
    }

    /// Number of options and sub-options for which there was no room.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Adds those vendor classes of a configured option whose enterprises have none yet.
    fn add_class(&mut self, option: EncodedOption<'_>) {
        let body = joined(option);
        let before = self.classes.len();
        for block in VendorBlocks::new(&body) {
            let of_other_scopes = self.classes.get(..before).unwrap_or_default();
            let enterprise = block.enterprise;
            if VendorBlocks::new(of_other_scopes).all(|other| other.enterprise != enterprise) {
                let is_added = push_block(&mut self.classes, enterprise, block.data);
                self.left_out += usize::from(!is_added);
            }
        }
    }

    #[cold]
    fn gather_options(&mut self, view: &View<'_>, scopes: &Scopes<'_>, is_configured: bool) {
        if is_configured {
            for option in scopes.each(code::VIVSO_SUBOPTIONS) {
                for block in VendorBlocks::new(&joined(option)) {
                    self.add_options(view, scopes, block.enterprise, Some(block.data));
                }
            }
        }
        for block in view.vendor_options().chain(view.vendor_classes()) {
            self.add_options(view, scopes, block.enterprise, None);
        }
    }

    /// Adds the options of an enterprise. `configured` are the sub-options that lie in the scope of a configured option
    /// 125: they are sent if neither the client nor `always-send` says which, as Kea 1.1 did.
    fn add_options(
        &mut self,
        view: &View<'_>,
        scopes: &Scopes<'_>,
        enterprise: u32,
        configured: Option<&[u8]>,
    ) {
        let codes = scopes.codes_of_vendor(enterprise);
        let is_known = configured.is_some() || !codes.configured.is_empty();
        if !is_known || self.answered.contains(&enterprise) {
            return;
        }
        if self.answered.try_push(enterprise).is_err() {
            self.left_out += 1;
            return;
        }
        let requested = requested_options(view, enterprise);
        let wanted = requested.union(codes.always_send).intersection(codes.configured);
        let mut block = ArrayVec::<u8, BLOCK_LEN_MAX>::new();
        for code in wanted.difference(codes.cancelled) {
            let Some(option) = scopes.find_of_vendor(enterprise, code) else { continue };
            let is_added = block.try_extend_from_slice(option.tlv()).is_ok();
            self.left_out += usize::from(!is_added);
        }
        let data = match configured {
            Some(configured) if block.is_empty() && requested.is_empty() => configured,
            None if block.is_empty() => return,
            _ => &*block,
        };
        self.left_out += usize::from(!push_block(&mut self.options, enterprise, data));
    }
}

/// The options of an enterprise that the client lists.
fn requested_options(view: &View<'_>, enterprise: u32) -> OptionCodes {
    let blocks = view.vendor_options().filter(|block| block.enterprise == enterprise);
    let lists =
        blocks.flat_map(|block| block.sub_options()).filter(|(code, _)| *code == VENDOR_ORO);
    lists.flat_map(|(_, list)| list.iter().copied()).collect()
}

/// Body of an option in one piece; what no packet could hold is cut off.
fn joined(option: EncodedOption<'_>) -> ArrayVec<u8, BODY_LEN_MAX> {
    let mut body = ArrayVec::new();
    for piece in option.body() {
        if body.try_extend_from_slice(piece).is_err() {
            break;
        }
    }
    body
}

/// Appends a block of at most 255 bytes; false when there is no room.
fn push_block(body: &mut ArrayVec<u8, BODY_LEN_MAX>, enterprise: u32, data: &[u8]) -> bool {
    let Ok(len) = u8::try_from(data.len()) else { return false };
    let has_room = body.remaining_capacity() >= BLOCK_HEAD_LEN + data.len();
    has_room
        && body.try_extend_from_slice(&enterprise.to_be_bytes()).is_ok()
        && body.try_push(len).is_ok()
        && body.try_extend_from_slice(data).is_ok()
}
