//! Key pairs for tests.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

/// An RSA key pair of 2048 bits, made for tests alone.
#[derive(Debug, Clone, Copy)]
pub struct TestKey {
    /// The private key in PEM as PKCS#1, the form that GitHub hands out: `BEGIN RSA PRIVATE KEY`.
    pub pkcs1_pem: &'static str,
    /// The same private key in PEM as PKCS#8: `BEGIN PRIVATE KEY`.
    pub pkcs8_pem: &'static str,
    /// The public key in DER as PKCS#1, as [`App::new`](crate::App::new) takes it.
    pub public_der: &'static [u8],
}

impl TestKey {
    /// For the App.
    pub const APP: Self = Self {
        pkcs1_pem: include_str!("../fixtures/app.pkcs1.pem"),
        pkcs8_pem: include_str!("../fixtures/app.pkcs8.pem"),
        public_der: include_bytes!("../fixtures/app.public.der"),
    };

    /// A key that is not the App's.
    pub const OTHER: Self = Self {
        pkcs1_pem: include_str!("../fixtures/other.pkcs1.pem"),
        pkcs8_pem: include_str!("../fixtures/other.pkcs8.pem"),
        public_der: include_bytes!("../fixtures/other.public.der"),
    };

    /// A JSON web token with these claims, signed with this key as RS256.
    ///
    /// # Panics
    /// If the machine has no randomness to sign with.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as("RS256", claims)
    }

    /// The same, calling the algorithm by another name.
    pub(crate) fn sign_as(&self, algorithm: &str, claims: &Value) -> String {
        let header = json!({ "alg": algorithm, "typ": "JWT" });
        let [header, claims] =
            [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let Some(signature) = self.signature(signed.as_bytes()) else {
            panic!("a key of this crate cannot sign; please report this");
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        let base64: String = self
            .pkcs8_pem
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).ok()?).ok()?;
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )
        .ok()?;
        Some(signature)
    }
}
