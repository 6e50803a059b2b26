//! What `-x` says: arguments for the clients of the databases, of which those about TLS count here, too.
//!
//! Options of MySQL's and MariaDB's client and words of PostgreSQL's connection strings are understood, an option and its
//! value in one word or in two. Whatever else is there is for the scripts of `-d`; without `-d` nobody would get it, so it
//! is refused: it may be a demand for TLS in words that are not known here.
//!
//! A connection with TLS is one to a server whose certificate is verified, also where the client of the database would
//! only encrypt: by the authorities that are named, or by those of the system.

use std::path::Path;

use libdhcpsrv::config::SqlAccess;

/// Where systems keep the certificates of public authorities.
const SYSTEM_AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Whether TLS is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    /// If there are certificates for it.
    #[default]
    ByFiles,
    Off,
    On,
}

/// How connections are encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    mode: Mode,
    trust_anchor: String,
    cert_file: String,
    key_file: String,
    cipher_list: String,
}

impl Tls {
    /// Reads arguments; with `has_scripts` those that are not understood are somebody else's.
    ///
    /// # Errors
    /// Tells which argument cannot be used.
    pub(crate) fn read(arguments: &[String], has_scripts: bool) -> Result<Self, String> {
        let mut tls = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (argument.as_str(), None),
            };
            let needs_value = NAMES_WITH_VALUE.contains(&name);
            let value = match value {
                None if needs_value && name.starts_with("--") => rest.next().map(String::as_str),
                value => value,
            };
            match value {
                None | Some("") if needs_value => return Err(format!("-x: {name} needs a value")),
                value => {
                    if !tls.set(name, value.unwrap_or("")) && !has_scripts {
                        return Err(format!(
                            "-x: '{}' or its value is not understood; without -d only the options for TLS are",
                            without_secrets(name)
                        ));
                    }
                }
            }
        }
        Ok(tls)
    }

    /// Whether the argument was understood.
    fn set(&mut self, name: &str, value: &str) -> bool {
        let field = match name {
            "--ssl-ca" | "--ssl-capath" | "sslrootcert" => &mut self.trust_anchor,
            "--ssl-cert" | "sslcert" => &mut self.cert_file,
            "--ssl-key" | "sslkey" => &mut self.key_file,
            "--ssl-cipher" => &mut self.cipher_list,
            _ => {
                let mode = mode(name, value);
                self.mode = mode.unwrap_or(self.mode);
                return mode.is_some();
            }
        };
        value.clone_into(field);
        true
    }

    /// Sets what it says.
    ///
    /// # Errors
    /// TLS is wanted and nothing is known by which a server can be verified.
    pub(crate) fn apply(&self, access: &mut SqlAccess) -> Result<(), String> {
        if self.mode == Mode::Off {
            return Ok(());
        }
        access.trust_anchor.clone_from(&self.trust_anchor);
        access.cert_file.clone_from(&self.cert_file);
        access.key_file.clone_from(&self.key_file);
        access.cipher_list.clone_from(&self.cipher_list);
        let is_wanted = self.mode == Mode::On || access.wants_tls();
        if is_wanted && access.trust_anchor.is_empty() {
            let found = SYSTEM_AUTHORITIES.iter().find(|path| Path::new(path).is_file());
            access.trust_anchor = found.map(|path| (*path).to_owned()).ok_or(
                "TLS needs a file with the certificates of authorities (-x --ssl-ca=FILE)",
            )?;
        }
        Ok(())
    }
}

/// What may be shown of the name of an argument that is not understood: its value may stand right behind it, as in
/// `-pPASSWORD` and `postgresql://USER:PASSWORD@HOST`.
fn without_secrets(name: &str) -> &str {
    let is_short = name.starts_with('-') && !name.starts_with("--");
    let end = match name.char_indices().nth(2) {
        Some((end, _)) if is_short => Some(end),
        _ => name.find(|part: char| !part.is_ascii_alphanumeric() && !"-_".contains(part)),
    };
    end.map_or(name, |end| &name[..end])
}

/// Arguments that mean nothing alone.
const NAMES_WITH_VALUE: [&str; 10] = [
    "--ssl-ca",
    "--ssl-capath",
    "--ssl-cert",
    "--ssl-cipher",
    "--ssl-key",
    "--ssl-mode",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
];

/// Arguments that say whether TLS is used.
fn mode(name: &str, value: &str) -> Option<Mode> {
    let value = value.to_ascii_lowercase().replace('_', "-");
    match (name, value.as_str()) {
        ("--ssl" | "--ssl-verify-server-cert", "" | "1" | "true" | "on") => Some(Mode::On),
        ("--ssl", "0" | "false" | "off") | ("--skip-ssl" | "--disable-ssl", "") => Some(Mode::Off),
        ("--ssl-mode", "disabled") | ("sslmode", "disable") => Some(Mode::Off),
        ("--ssl-mode", "preferred") | ("sslmode", "prefer" | "allow") => Some(Mode::ByFiles),
        ("--ssl-mode", "required" | "verify-ca" | "verify-identity")
        | ("sslmode", "require" | "verify-ca" | "verify-full") => Some(Mode::On),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use libdhcpsrv::config::SqlKind;

    use super::*;

    fn read(line: &str, has_scripts: bool) -> Result<Tls, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Tls::read(&words, has_scripts)
    }

    fn access(line: &str) -> SqlAccess {
        let mut access = SqlAccess::new(SqlKind::Mysql, "kea");
        // Not every system has authorities.
        if let Err(reason) = read(line, false).unwrap().apply(&mut access) {
            assert!(reason.contains("--ssl-ca"), "{reason}");
            access.trust_anchor = "none".to_owned();
        }
        access
    }

    #[test]
    fn demands_for_tls_are_heard() {
        for line in [
            "--ssl",
            "--ssl-mode=REQUIRED",
            "--ssl-mode VERIFY_CA",
            "sslmode=require",
            "sslmode=verify-full",
            "--ssl-ca /etc/ca.pem",
            "--ssl-ca=/etc/ca.pem",
            "sslrootcert=/etc/ca.pem",
            "--ssl-cert c --ssl-key k",
        ] {
            assert!(access(line).wants_tls(), "{line}");
        }
        for line in ["", "--ssl=0", "--skip-ssl", "sslmode=disable", "--ssl-mode=PREFERRED"] {
            assert!(!access(line).wants_tls(), "{line}");
        }
        let files = access("--ssl-ca /a --ssl-cert=/c --ssl-key /k --ssl-cipher list");
        assert_eq!((files.trust_anchor.as_str(), files.cert_file.as_str()), ("/a", "/c"));
        assert_eq!((files.key_file.as_str(), files.cipher_list.as_str()), ("/k", "list"));
        assert!(!access("--ssl-ca=/a --ssl-mode=DISABLED").wants_tls());
    }

    #[test]
    fn refusals_tell_no_secrets() {
        for (line, shown) in [
            ("password=geheim", "'password'"),
            ("--password=geheim", "'--password'"),
            ("--password geheim", "'--password'"),
            ("-pgeheim", "'-p'"),
            ("-p=geheim", "'-p'"),
            ("postgresql://kea:geheim@host/kea?sslmode=require", "'postgresql'"),
            ("--ssl-mode=geheim", "'--ssl-mode'"),
        ] {
            let reason = read(line, false).unwrap_err();
            assert!(reason.contains(shown) && !reason.contains("geheim"), "{line}: {reason}");
        }
    }

    #[test]
    fn what_nobody_would_hear_is_refused() {
        for line in ["--verbose", "--ssl-mode=SOMETIMES", "sslmode=no", "--ssl-ca", "sslmode", "x"]
        {
            assert!(read(line, false).is_err(), "{line}");
        }
        let tls = read("--verbose --protocol tcp --ssl-ca /a", true).unwrap();
        assert_eq!(tls.trust_anchor, "/a");
        assert!(read("--verbose --ssl-mode", true).is_err());
    }
}
