//! An owned DHCPv4 packet that can be changed piece by piece.
//!
//! Used when a hook or a test edits a packet; the packet path itself never makes one. Options keep
//! their order and are held whole: repeated ones are joined when a [`View`] is taken over, long
//! ones are split when bytes are made.

use std::net::Ipv4Addr;

use crate::HardwareAddress;
use crate::v4::builder::{BuildError, Builder};
use crate::v4::view::View;
use crate::v4::{BOOTREQUEST, OPTIONS_OFFSET, code};

/// Header and options of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Fixed fields.
    pub header: Header,
    options: Vec<(u8, Vec<u8>)>,
}

/// The fixed fields of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Request or reply.
    pub op: u8,
    /// Hops over relays.
    pub hops: u8,
    /// Transaction id.
    pub xid: u32,
    /// Seconds since the client began.
    pub secs: u16,
    /// Flags.
    pub flags: u16,
    /// Address the client has.
    pub ciaddr: Ipv4Addr,
    /// Address the client is given.
    pub yiaddr: Ipv4Addr,
    /// Next server.
    pub siaddr: Ipv4Addr,
    /// Relay address.
    pub giaddr: Ipv4Addr,
    /// `htype`, `hlen` and `chaddr`.
    pub hardware_address: HardwareAddress,
    /// Server name without NUL.
    pub sname: Vec<u8>,
    /// Boot file name without NUL.
    pub file: Vec<u8>,
}

impl Message {
    /// A request of a client without options.
    #[must_use]
    pub fn new(xid: u32, hardware_address: HardwareAddress) -> Self {
        let none = Ipv4Addr::UNSPECIFIED;
        let header = Header {
            op: BOOTREQUEST,
            hops: 0,
            xid,
            secs: 0,
            flags: 0,
            ciaddr: none,
            yiaddr: none,
            siaddr: none,
            giaddr: none,
            hardware_address,
            sname: Vec::new(),
            file: Vec::new(),
        };
        Self { header, options: Vec::new() }
    }

    /// Puts an option at the end, behind others of the same code.
    pub fn add(&mut self, code: u8, body: impl Into<Vec<u8>>) {
        self.options.push((code, body.into()));
    }

    /// Gives an option a new body in its place, or adds it; others of the same code go.
    pub fn replace(&mut self, code: u8, body: impl Into<Vec<u8>>) {
        match self.options.iter().position(|(found, _)| *found == code) {
            None => self.add(code, body),
            Some(first) => {
                let mut index = 0;
                self.options.retain(|(found, _)| {
                    index += 1;
                    *found != code || index - 1 == first
                });
                if let Some((_, old)) = self.options.get_mut(first) {
                    *old = body.into();
                }
            }
        }
    }

    /// Removes all options of a code; true when there was one.
    pub fn remove(&mut self, code: u8) -> bool {
        let before = self.options.len();
        self.options.retain(|(found, _)| *found != code);
        self.options.len() < before
    }

    /// Body of the first option of a code.
    #[must_use]
    pub fn option(&self, code: u8) -> Option<&[u8]> {
        self.options.iter().find(|(found, _)| *found == code).map(|(_, body)| body.as_slice())
    }

    /// All options in order.
    pub fn options(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.options.iter().map(|(code, body)| (*code, body.as_slice()))
    }

    /// Writes the packet into a buffer whose length is the limit; tells the packet's length.
    ///
    /// # Errors
    /// When it does not fit, or an option has the code of PAD or END.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BuildError> {
        let header = &self.header;
        let mut builder = Builder::with_op(buffer, header.op)?;
        builder.set_hops(header.hops);
        builder.set_xid(header.xid);
        builder.set_secs(header.secs);
        builder.set_flags(header.flags);
        builder.set_ciaddr(header.ciaddr);
        builder.set_yiaddr(header.yiaddr);
        builder.set_siaddr(header.siaddr);
        builder.set_giaddr(header.giaddr);
        builder.set_hardware_address(header.hardware_address);
        builder.set_sname(&header.sname);
        builder.set_file(&header.file);
        for (code, body) in self.options() {
            builder.option(code, body)?;
        }
        Ok(builder.finish())
    }

    /// The packet as bytes, as long as it needs to be.
    ///
    /// # Errors
    /// When an option has the code of PAD or END.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BuildError> {
        let len: usize =
            self.options.iter().map(|(_, body)| body.len() + body.len() / 100 + 4).sum();
        let mut bytes = vec![0; OPTIONS_OFFSET + len + 1];
        let written = self.write(&mut bytes)?;
        bytes.truncate(written);
        Ok(bytes)
    }
}

impl From<&View<'_>> for Message {
    /// Takes a packet over. The options of `sname` and `file` become ordinary ones, so option 52
    /// has no place.
    fn from(view: &View<'_>) -> Self {
        let header = Header {
            op: view.op(),
            hops: view.hops(),
            xid: view.xid(),
            secs: view.secs(),
            flags: view.flags(),
            ciaddr: view.ciaddr(),
            yiaddr: view.yiaddr(),
            siaddr: view.siaddr(),
            giaddr: view.giaddr(),
            hardware_address: view.hardware_address(),
            sname: view.sname().to_vec(),
            file: view.file().to_vec(),
        };
        let mut message = Self { header, options: Vec::new() };
        for (code, _) in view.fragments() {
            let is_dissolved = code == code::OPTION_OVERLOAD;
            if let (Some(body), None, false) =
                (view.option(code), message.option(code), is_dissolved)
            {
                message.add(code, body);
            }
        }
        message
    }
}
