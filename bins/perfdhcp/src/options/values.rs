//! Values of single options.

use std::path::PathBuf;
use std::str::FromStr;

use clap::ArgMatches;

use crate::generator::plan::{DropsMax, SECOND_NS, Spacing};
use crate::identity::{DUID_LEN_MAX, DUID_LEN_MIN};
use crate::options::{Family, FindRate, LeaseType, RelayOption};
use crate::protocol::MESSAGE_LEN_MAX;

/// Most relays that a message passes (RFC 8415 section 7.6 has 8, Kea 32).
pub const RELAYS_MAX: u8 = 32;
/// Offsets are those within a message.
const OFFSET_MAX: usize = MESSAGE_LEN_MAX;
/// Longest times, in seconds: ten years.
const SECONDS_MAX: f64 = 315_360_000.0;
/// Highest rate.
const RATE_MAX: f64 = 1e8;

/// What is wrong with the command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// A base without `=`.
    #[error("base value not provided as -b<value>, expected -b mac=<mac> or -b duid=<duid>")]
    Base,
    /// A base of an unknown type.
    #[error("expected -b mac=<mac> or -b duid=<duid>, found the type '{found}'")]
    BaseType {
        /// The type.
        found: String,
    },
    /// A DUID that is too long or too short or no hexadecimal number.
    #[error("{0}")]
    Duid(&'static str),
    /// More than one server.
    #[error("extra arguments?")]
    ExtraArguments,
    /// A base address that is none.
    #[error(
        "expected -b<base> format for mac address is -b mac=00::0C::01::02::03::04 or -b mac=00:0C:01:02:03:04"
    )]
    Mac,
    /// `-o` without a family before it.
    #[error("-4 or -6 must be explicitly specified before -o is used.")]
    NoFamilyBeforeOption,
    /// An option of a message that is none.
    #[error(
        "{flag} option must provide option code, a coma and hexstring for the option content, e.g. {flag}60,646f63736973: '{found}'"
    )]
    Option {
        /// The flag.
        flag: &'static str,
        /// What was given.
        found: String,
    },
    /// Options that cannot be together, or miss each other.
    #[error("{0}")]
    Relation(&'static str),
    /// A value given too often.
    #[error("value of {0} already specified, unexpected 3rd occurrence")]
    ThirdOccurrence(&'static str),
    /// Both families.
    #[error("IP version already set to {first}")]
    TwoFamilies {
        /// The one that came first.
        first: u8,
    },
    /// An unknown option, or one without its value.
    #[error("wrong command line option")]
    UnknownOption,
    /// A value that is none.
    #[error("value of {0}")]
    Value(&'static str),
}

/// The values of the command line by name.
pub(super) struct Values<'m> {
    matches: &'m ArgMatches,
}

impl<'m> Values<'m> {
    pub(super) fn new(matches: &'m ArgMatches) -> Self {
        Self { matches }
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'m String> {
        self.matches.get_many(name).unwrap_or_default()
    }

    /// The last value, as getopt's users expect it.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.all(name).last().cloned()
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    pub(super) fn paths(&self, name: &str) -> Result<Vec<PathBuf>, OptionsError> {
        let all = self.all(name).map(PathBuf::from).collect();
        twice(all, "template-file: -T<value>")
    }

    pub(super) fn number<T: FromStr>(
        &self,
        name: &str,
        what: &'static str,
    ) -> Result<Option<T>, OptionsError> {
        let parse = |text: String| text.trim().parse().map_err(|_| OptionsError::Value(what));
        self.text(name).map(parse).transpose()
    }

    pub(super) fn positive(
        &self,
        name: &str,
        what: &'static str,
    ) -> Result<Option<u32>, OptionsError> {
        match self.number(name, what)? {
            Some(0) => Err(OptionsError::Value(what)),
            number => Ok(number),
        }
    }

    pub(super) fn rate(&self, name: &str, what: &'static str) -> Result<Option<f64>, OptionsError> {
        match self.number::<f64>(name, what)? {
            Some(rate) if rate > 0.0 && rate <= RATE_MAX => Ok(Some(rate)),
            None => Ok(None),
            Some(_) => Err(OptionsError::Value(what)),
        }
    }

    pub(super) fn seconds_ns(
        &self,
        name: &str,
        what: &'static str,
    ) -> Result<Option<u64>, OptionsError> {
        self.text(name).map(|text| seconds(&text).ok_or(OptionsError::Value(what))).transpose()
    }

    pub(super) fn offset(
        &self,
        name: &str,
        what: &'static str,
    ) -> Result<Option<usize>, OptionsError> {
        match self.number(name, what)? {
            Some(offset) if offset > OFFSET_MAX => Err(OptionsError::Value(what)),
            offset => Ok(offset),
        }
    }

    pub(super) fn port(
        &self,
        name: &str,
        what: &'static str,
        flag: &'static str,
    ) -> Result<u16, OptionsError> {
        let negative = match flag {
            "-L" => "local port: -L<value> must not be a negative integer",
            _ => "remote port: -N<value> must not be a negative integer",
        };
        let port: u64 = self.number(name, negative)?.unwrap_or(0);
        u16::try_from(port).map_err(|_| {
            OptionsError::Relation(match what {
                "local-port" => "local-port must be lower than 65535",
                _ => "remote-port must be lower than 65535",
            })
        })
    }

    pub(super) fn drop_times_ns(&self) -> Result<Vec<u64>, OptionsError> {
        let all = self.all("drop-time").map(|text| {
            if text.trim().parse::<f64>().is_err() {
                return Err(OptionsError::Value("drop time: -d<value> must be positive number"));
            }
            seconds(text).ok_or(OptionsError::Relation("drop-time must be a positive number"))
        });
        let mut all = all.collect::<Result<Vec<u64>, _>>()?;
        // Kea's program takes a third time, and does nothing with it.
        all.truncate(2);
        Ok(all)
    }

    pub(super) fn drops_max(&self) -> Result<Vec<DropsMax>, OptionsError> {
        let all = self.all("max-drop").map(|text| match text.strip_suffix('%') {
            Some(percent) => match percent.parse::<f64>() {
                Ok(percent) if percent > 0.0 && percent <= 100.0 => {
                    Ok(DropsMax::Share(percent / 100.0))
                }
                _ => Err(OptionsError::Value("drop percentage: -D<value%> must be 0..100")),
            },
            None => match text.parse() {
                Ok(count) if count > 0 => Ok(DropsMax::Count(count)),
                _ => Err(OptionsError::Value(
                    "max drops number: -D<value> must be a positive integer",
                )),
            },
        });
        twice(all.collect::<Result<_, _>>()?, "maximum number of drops: -D<value>")
    }

    pub(super) fn requests(&self) -> Result<Vec<u64>, OptionsError> {
        let all = self.all("requests").map(|text| match text.parse() {
            Ok(count) if count > 0 => Ok(count),
            _ => Err(OptionsError::Value("num-request: -n<value> must be a positive integer")),
        });
        twice(all.collect::<Result<_, _>>()?, "maximum number of requests: -n<value>")
    }

    pub(super) fn random_offsets(&self) -> Result<Vec<usize>, OptionsError> {
        let what = "random offset: -O<value> must be greater than 3";
        let all = self.all("random-offset").map(|text| match text.parse() {
            Ok(offset) if (3..=OFFSET_MAX).contains(&offset) => Ok(offset),
            _ => Err(OptionsError::Value(what)),
        });
        twice(all.collect::<Result<_, _>>()?, "random offset: -O<value>")
    }

    pub(super) fn xid_offsets(&self) -> Result<Vec<usize>, OptionsError> {
        let what = "transaction id: -X<value> must be a positive integer";
        let all = self.all("xid-offset").map(|text| match text.parse() {
            Ok(offset) if (1..=OFFSET_MAX).contains(&offset) => Ok(offset),
            _ => Err(OptionsError::Value(what)),
        });
        twice(all.collect::<Result<_, _>>()?, "transaction id: -X<value>")
    }

    pub(super) fn lease_type(&self) -> Result<LeaseType, OptionsError> {
        match self.text("lease-type").as_deref() {
            None | Some("address-only") => Ok(LeaseType::Address),
            Some("address-and-prefix") => Ok(LeaseType::AddressAndPrefix),
            Some("prefix-only") => Ok(LeaseType::Prefix),
            Some(_) => Err(OptionsError::Value(
                "lease-type: -e<lease-type>, must be one of the following: 'address-only' or 'prefix-only' or \
                 'address-and-prefix'",
            )),
        }
    }

    pub(super) fn thread_mode(&self) -> Result<Option<bool>, OptionsError> {
        match self.text("thread-mode").as_deref() {
            None => Ok(None),
            Some("single") => Ok(Some(true)),
            Some("multi") => Ok(Some(false)),
            Some(_) => Err(OptionsError::Value(
                "thread mode (-g) is wrong - should be '-g single' or '-g multi'",
            )),
        }
    }

    pub(super) fn is_avalanche(&self) -> Result<bool, OptionsError> {
        match self.text("scenario").as_deref() {
            None | Some("basic") => Ok(false),
            Some("avalanche") => Ok(true),
            Some(_) => {
                Err(OptionsError::Value("scenario is wrong - should be 'basic' or 'avalanche'"))
            }
        }
    }

    pub(super) fn spacing(&self) -> Result<Option<Spacing>, OptionsError> {
        match self.text("arrivals").as_deref() {
            None => Ok(None),
            Some("even") => Ok(Some(Spacing::Even)),
            Some("poisson") => Ok(Some(Spacing::Poisson)),
            Some(_) => {
                Err(OptionsError::Value("arrivals is wrong - should be 'even' or 'poisson'"))
            }
        }
    }

    pub(super) fn find_rate(&self) -> Result<Option<FindRate>, OptionsError> {
        let what = "find-rate: --find-rate is the greatest share of drops, 0 to 100 percent";
        let trial = self.seconds_ns(
            "find-time",
            "find-time: --find-time must be a positive number of seconds",
        )?;
        let Some(text) = self.text("find-rate") else {
            return match trial {
                Some(_) => Err(OptionsError::Relation("--find-time needs --find-rate")),
                None => Ok(None),
            };
        };
        match text.trim_end_matches('%').parse::<f64>() {
            Ok(percent) if (0.0..100.0).contains(&percent) => Ok(Some(FindRate {
                loss_max: percent / 100.0,
                trial_ns: trial.unwrap_or(3 * SECOND_NS),
            })),
            _ => Err(OptionsError::Value(what)),
        }
    }

    /// `-b`: hardware address and DUID.
    pub(super) fn bases(&self) -> Result<[Option<Vec<u8>>; 2], OptionsError> {
        let [mut mac, mut duid] = [None, None];
        for text in self.all("base") {
            let (kind, value) = text.split_once('=').ok_or(OptionsError::Base)?;
            match kind {
                "mac" | "ether" => mac = Some(parse_mac(value).ok_or(OptionsError::Mac)?.to_vec()),
                "duid" => duid = Some(parse_duid(value)?),
                _ => return Err(OptionsError::BaseType { found: kind.to_owned() }),
            }
        }
        Ok([mac, duid])
    }

    /// `-o`.
    pub(super) fn options(&self, family: Family) -> Result<Vec<(u16, Vec<u8>)>, OptionsError> {
        let texts: Vec<&String> = self.all("option").collect();
        let first_option = self.matches.index_of("option");
        let name = if family == Family::V4 { "v4" } else { "v6" };
        if !texts.is_empty() && self.matches.index_of(name) > first_option {
            return Err(OptionsError::NoFamilyBeforeOption);
        }
        let options = texts.into_iter().map(|text| {
            let (code, body) = parse_option("-o", text)?;
            let is_long = body.len() > 255 || code > 255;
            if family == Family::V4 && is_long {
                return Err(OptionsError::Relation(
                    "-o: a DHCPv4 option has a code of 0..255 and at most 255 bytes",
                ));
            }
            Ok((code, body))
        });
        options.collect()
    }

    /// `--or`.
    pub(super) fn relay_options(&self) -> Result<Vec<RelayOption>, OptionsError> {
        let options = self.all("or").map(|text| {
            let (level, option) = text.split_once(':').unwrap_or(("1", text));
            let level = level.parse().ok().filter(|level| (1..=RELAYS_MAX).contains(level));
            let level = level.ok_or(OptionsError::Value("--or: the level is 1 to 32"))?;
            let (code, body) = parse_option("--or ", option)?;
            Ok(RelayOption { level, code, body })
        });
        options.collect()
    }

    /// `-A`.
    pub(super) fn relay_levels(&self) -> Result<u8, OptionsError> {
        let what = "encapsulation: -A<encapsulation-level> must be a positive integer, at most 32";
        match self.number("relays", what)? {
            Some(levels @ 1..=RELAYS_MAX) => Ok(levels),
            Some(_) => Err(OptionsError::Value(what)),
            None => Ok(0),
        }
    }
}

/// Seconds with a fraction, as nanoseconds; more than 0.
fn seconds(text: &str) -> Option<u64> {
    let seconds: f64 = text.trim().parse().ok()?;
    let nanoseconds = seconds * SECOND_NS as f64;
    (seconds <= SECONDS_MAX && nanoseconds >= 1.0).then_some(nanoseconds as u64)
}

/// At most two values.
fn twice<T>(all: Vec<T>, what: &'static str) -> Result<Vec<T>, OptionsError> {
    if all.len() > 2 { Err(OptionsError::ThirdOccurrence(what)) } else { Ok(all) }
}

/// A hardware address of six bytes, with `:` or `::` in between.
pub fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let text = text.trim().replace("::", ":");
    let mut parts = text.split(':');
    for byte in &mut mac {
        let is_byte = |part: &&str| {
            // A number may have a sign, which a byte of an address may not.
            matches!(part.len(), 1 | 2) && part.bytes().all(|digit| digit.is_ascii_hexdigit())
        };
        let part = parts.next().filter(is_byte)?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

fn parse_duid(text: &str) -> Result<Vec<u8>, OptionsError> {
    let bytes = parse_hex(text).ok_or(OptionsError::Duid("invalid hexadecimal digit in DUID"))?;
    match bytes.len() {
        ..DUID_LEN_MIN => Err(OptionsError::Duid("DUID must be at least 6 octets long")),
        DUID_LEN_MIN..=DUID_LEN_MAX => Ok(bytes),
        _ => Err(OptionsError::Duid("DUID is too long")),
    }
}

/// `CODE,HEX`; a code alone is an option without content.
fn parse_option(flag: &'static str, text: &str) -> Result<(u16, Vec<u8>), OptionsError> {
    let error = || OptionsError::Option { flag, found: text.to_owned() };
    let (code, body) = text.split_once(',').ok_or_else(error)?;
    let body = parse_hex(body).filter(|body| body.len() <= MESSAGE_LEN_MAX).ok_or_else(error)?;
    Ok((code.trim().parse().map_err(|_| error())?, body))
}

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let byte =
        |[high, low]: &[u8; 2]| Some(util::hex::digit(*high)? << 4 | util::hex::digit(*low)?);
    if odd.is_empty() { pairs.iter().map(byte).collect() } else { None }
}
