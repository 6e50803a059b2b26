//! TLS to the server: what `trust-anchor`, `cert-file`, `key-file` and `cipher-list` say, for rustls.
//!
//! The server's certificate is always verified, and it must be for the host that was asked for. Sockets of this machine
//! need no TLS and get none, as with PostgreSQL's own tools.

use std::path::Path;
use std::sync::Arc;

use database::{DbError, Fault};
use libdhcpsrv::config::SqlAccess;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedCipherSuite};
use tokio_postgres_rustls::MakeRustlsConnect;

fn refused(reason: String) -> DbError {
    DbError::new(Fault::Refused, "", reason)
}

/// What encrypts the connection; none where it is not wanted.
pub(crate) fn connector(access: &SqlAccess) -> Result<Option<MakeRustlsConnect>, DbError> {
    if !access.wants_tls() || access.host.starts_with('/') {
        return Ok(None);
    }
    if access.trust_anchor.is_empty() {
        let reason = "TLS needs a 'trust-anchor' by which the server's certificate is verified";
        return Err(refused(reason.to_owned()));
    }
    let roots = roots(Path::new(&access.trust_anchor))?;
    let mut provider = ring::default_provider();
    choose(&mut provider, &access.cipher_list)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(format!("cipher-list: {error}")))?
        .with_root_certificates(roots);
    let config = if access.cert_file.is_empty() {
        builder.with_no_client_auth()
    } else {
        let certificates = certificates(Path::new(&access.cert_file))?;
        let key_file =
            if access.key_file.is_empty() { &access.cert_file } else { &access.key_file };
        let key = PrivateKeyDer::from_pem_file(key_file)
            .map_err(|error| refused(format!("{key_file}: {error}")))?;
        builder
            .with_client_auth_cert(certificates, key)
            .map_err(|error| refused(format!("{}: {error}", access.cert_file)))?
    };
    Ok(Some(MakeRustlsConnect::new(config)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, DbError> {
    let told = |error| refused(format!("{}: {error}", file.display()));
    CertificateDer::pem_file_iter(file).map_err(told)?.collect::<Result<_, _>>().map_err(told)
}

/// The authorities in a file, or in all files of a folder that hold certificates.
fn roots(place: &Path) -> Result<RootCertStore, DbError> {
    let mut roots = RootCertStore::empty();
    let told = |error: &dyn std::fmt::Display| refused(format!("{}: {error}", place.display()));
    if place.is_dir() {
        for entry in std::fs::read_dir(place).map_err(|error| told(&error))? {
            let file = entry.map_err(|error| told(&error))?.path();
            if file.is_file() {
                // Other files are usual in such a folder.
                roots.add_parsable_certificates(certificates(&file).unwrap_or_default());
            }
        }
    } else {
        for certificate in certificates(place)? {
            roots.add(certificate).map_err(|error| told(&error))?;
        }
    }
    if roots.is_empty() {
        return Err(told(&"there is no certificate of an authority"));
    }
    Ok(roots)
}

/// Leaves the ciphers of a list, which has OpenSSL's names or the standard ones, separated by colons. Names that mean
/// nothing here are passed over, as OpenSSL does.
fn choose(provider: &mut CryptoProvider, list: &str) -> Result<(), DbError> {
    if list.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = list.split([':', ',', ' ']).map(plain).collect();
    let is_named = |suite: &SupportedCipherSuite| {
        let own = plain(suite.suite().as_str().unwrap_or_default());
        names.contains(&own)
    };
    provider.cipher_suites.retain(is_named);
    if provider.cipher_suites.is_empty() {
        return Err(refused("'cipher-list' names no cipher that can be used".to_owned()));
    }
    Ok(())
}

/// A cipher's name without what differs between the ways to write it: `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`,
/// `TLS13_AES_128_GCM_SHA256`, `ECDHE-RSA-AES128-GCM-SHA256`, `ECDHE-RSA-CHACHA20-POLY1305` (which leaves the hash out).
fn plain(name: &str) -> String {
    let upper = name.to_ascii_uppercase().replace("_WITH_", "_");
    let core = ["TLS13_", "TLS_"].iter().find_map(|start| upper.strip_prefix(start));
    let letters: String =
        core.unwrap_or(&upper).chars().filter(char::is_ascii_alphanumeric).collect();
    match letters.strip_suffix("SHA256") {
        Some(short) if short.ends_with("CHACHA20POLY1305") => short.to_owned(),
        _ => letters,
    }
}

#[cfg(test)]
mod tests {
    use libdhcpsrv::config::SqlKind;

    use super::*;

    #[test]
    fn ciphers_have_several_names() {
        let mut provider = ring::default_provider();
        choose(&mut provider, "TLS_AES_128_GCM_SHA256:ECDHE-RSA-CHACHA20-POLY1305:AES128-SHA")
            .unwrap();
        let left: Vec<_> =
            provider.cipher_suites.iter().filter_map(|suite| suite.suite().as_str()).collect();
        assert_eq!(
            left,
            ["TLS13_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"]
        );
        assert!(choose(&mut provider, "DES-CBC3-SHA").is_err());
    }

    #[test]
    fn a_certificate_alone_is_not_enough() {
        let mut access = SqlAccess::new(SqlKind::Postgresql, "kea");
        assert!(connector(&access).unwrap().is_none());
        access.cert_file = "client.pem".to_owned();
        assert_eq!(connector(&access).err().unwrap().fault, Fault::Refused);
        access.trust_anchor = "/nowhere/ca.pem".to_owned();
        let told = connector(&access).err().unwrap().to_string();
        assert!(told.contains("/nowhere/ca.pem"), "{told}");
    }
}
