//! The authorities that a connection trusts, and the name of one that it does not trust.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};

use crate::file;
use crate::github::pem;
use crate::text::one_line;

/// Longest name of an authority that is shown, in characters.
const NAME: usize = 100;

/// Further trusted roots, as the input names them.
#[derive(Clone, Debug)]
pub enum CaCertificates {
    /// As PEM text.
    Pem(String),
    /// In a file.
    File(PathBuf),
}

impl CaCertificates {
    /// PEM text, or a path relative to `folder`.
    pub fn new(given: &str, folder: Option<&Path>) -> Self {
        if given.contains(pem::BEGIN) {
            Self::Pem(given.to_owned())
        } else {
            Self::File(folder.unwrap_or(Path::new("")).join(given))
        }
    }
}

/// The reason why further roots can't be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file could not be used.
    #[error(
        "`ca-certificates`: the file `{}` {error}. Put a PEM file in the workspace, which is all that is visible in \
         the action's container, or pass the PEM text", path.display()
    )]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// The cause.
        error: file::Error,
    },
    /// It holds no certificate, or one that is not valid.
    #[error(
        "`ca-certificates` {0}: pass the authority's certificates as PEM, each from `-----BEGIN CERTIFICATE-----` \
         to `-----END CERTIFICATE-----`"
    )]
    Malformed(String),
    /// TLS can't be set up.
    #[error("TLS could not be set up ({0})")]
    Tls(#[from] rustls::Error),
    /// The same, for the verification of certificates.
    #[error("TLS could not be set up ({0})")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

/// The authorities compiled into this binary, because the image holds no others, and those that the user names. An
/// oddity in a file that may be meant for another tool is only a warning.
pub(super) fn roots(
    given: Option<&CaCertificates>,
    ssl_cert_file: Option<&Path>,
) -> Result<(RootCertStore, Vec<String>), TrustError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.into(),
    };
    match given {
        Some(CaCertificates::Pem(text)) => add(&mut roots, text).map_err(TrustError::Malformed)?,
        Some(CaCertificates::File(path)) => {
            let text = pem::read(path).map_err(|error| TrustError::Unreadable {
                path: path.clone(),
                error,
            })?;
            add(&mut roots, &text).map_err(TrustError::Malformed)?;
        }
        None => {}
    }
    let mut warnings = Vec::new();
    if let Some(path) = ssl_cert_file {
        let text = pem::read(path).map_err(|error| format!("it {error}"));
        let odd = text.and_then(|text| {
            let odd = certificates(&text)?
                .into_iter()
                .filter_map(|certificate| roots.add(certificate.ok()?).err())
                .count();
            Ok(odd)
        });
        let path = path.display();
        match odd {
            Ok(0) => {}
            Ok(odd) => warnings.push(format!(
                "`SSL_CERT_FILE` is `{path}`, of which {odd} certificates can't be read and were left out"
            )),
            Err(why) => warnings.push(format!("`SSL_CERT_FILE` is `{path}`, and was left alone: {why}")),
        }
    }
    Ok((roots, warnings))
}

fn add(roots: &mut RootCertStore, text: &str) -> Result<(), String> {
    let certificates = certificates(text)?;
    if certificates.is_empty() {
        return Err("holds no certificate".into());
    }
    for (number, certificate) in (1..).zip(certificates) {
        roots.add(certificate?).map_err(|error| {
            format!("holds a certificate that can't be read (number {number}: {error})")
        })?;
    }
    Ok(())
}

type Certificate = Result<CertificateDer<'static>, String>;

/// The certificates in a PEM text, each with its defect if it has one.
fn certificates(text: &str) -> Result<Vec<Certificate>, String> {
    let blocks = pem::blocks(text)?.into_iter();
    let certificates =
        blocks.filter(|block| matches!(&*block.label, "CERTIFICATE" | "X509 CERTIFICATE"));
    let der = |(number, block): (usize, pem::Block)| {
        CertificateDer::from_pem_slice(block.text.as_bytes())
            .map_err(|_| format!("holds a certificate that is no base64 (number {number})"))
    };
    Ok((1..).zip(certificates).map(der).collect())
}

/// TLS that trusts these authorities.
pub(super) fn tls(roots: RootCertStore) -> Result<ClientConfig, TrustError> {
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Naming(verifier)))
        .with_no_client_auth())
}

/// Verifies as rustls does, and names an authority that is unknown.
#[derive(Debug)]
struct Naming(Arc<WebPkiServerVerifier>);

/// A certificate of an authority that is not trusted.
#[derive(Debug)]
pub(super) struct UnknownAuthority(pub(super) String);

impl fmt::Display for UnknownAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "it was signed by `{}`, which is no authority trusted here",
            self.0
        )
    }
}

impl std::error::Error for UnknownAuthority {}

impl ServerCertVerifier for Naming {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified =
            self.0
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verified.map_err(|error| match error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                let topmost = intermediates.last().unwrap_or(end_entity);
                let unknown = UnknownAuthority(issuer(topmost));
                CertificateError::Other(OtherError(Arc::new(unknown))).into()
            }
            error => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// The name of the authority that signed a certificate: its common name, or else its organization.
fn issuer(certificate: &CertificateDer<'_>) -> String {
    /// The first bytes of an X.520 attribute's identifier in DER.
    const ATTRIBUTE: [u8; 4] = [0x06, 0x03, 0x55, 0x04];
    const COMMON_NAME: u8 = 3;
    const ORGANIZATION: u8 = 10;
    let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) else {
        return "a certificate that can't be read".into();
    };
    let name = parsed.issuer();
    let attribute = |kind: u8| {
        let identifier = [&ATTRIBUTE[..], &[kind]].concat();
        let place = name
            .windows(identifier.len())
            .position(|each| each == identifier)?;
        // A string's tag, its length in one byte, and so many bytes.
        let (length, text) = name.get(place + identifier.len() + 1..)?.split_first()?;
        text.get(..usize::from(*length))
    };
    let found = attribute(COMMON_NAME).or_else(|| attribute(ORGANIZATION));
    match found {
        Some(name) => one_line(&String::from_utf8_lossy(name), NAME),
        None => "an authority without a name".into(),
    }
}
