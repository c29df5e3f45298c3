//! Properties of every key.

use proptest::prelude::*;
use simulated_github::TestKey;

use super::*;
use crate::hostile;

/// Characters that would give a key away: more than match by chance.
const REVEALING: usize = 12;

fn app(given: &str) -> Result<AppKey, KeyError> {
    AppKey::new("Iv1", &PrivateKey::new(given, None), &Secrets::default())
}

fn keys() -> impl Strategy<Value = String> {
    let keys = [TestKey::APP.pkcs1_pem, TestKey::APP.pkcs8_pem];
    proptest::sample::select(keys.to_vec()).prop_map(str::to_owned)
}

/// A token that the key signs. RSA signatures of the same text are equal.
fn signed(app: &AppKey) -> String {
    let token = app.sign(DateTime::UNIX_EPOCH).unwrap();
    token.expose().to_owned()
}

proptest! {
    // Each key is checked at its first signature, which is slow.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 8, ..ProptestConfig::default() })]

    #[test]
    fn a_mangled_key_signs_as_the_whole_one_does(mangled in keys().prop_flat_map(pem::properties::mangled)) {
        let whole = app(TestKey::APP.pkcs1_pem).unwrap();
        let mended = app(&mangled);
        prop_assert!(mended.is_ok(), "{:?}: {}", mended.err(), mangled);
        prop_assert_eq!(signed(&mended.unwrap()), signed(&whole));
    }

    #[test]
    fn an_error_about_a_damaged_key_shows_nothing_of_it(
        damaged in keys().prop_flat_map(pem::properties::mangled).prop_flat_map(hostile::mutated),
    ) {
        let Err(error) = app(&damaged) else { return Ok(()) };
        let said = error.to_string();
        let letters: Vec<char> = damaged.chars().collect();
        let ours = KeyError::Sort.to_string() + &KeyError::Malformed(String::new()).to_string();
        for part in letters.windows(REVEALING) {
            let part: String = part.iter().collect();
            let of_the_key = part.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c));
            prop_assert!(!of_the_key || !said.contains(&part) || ours.contains(&part), "{}", said);
        }
    }
}
