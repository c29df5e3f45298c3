//! Properties of every checkpoint file.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::hostile;
use crate::remember::checkpoint::store::tests::shared;

/// Texts that may be stored: a value, with or without JSON beside it.
fn stored() -> impl Strategy<Value = (String, Option<String>)> {
    let value = prop_oneof!["[0-9]{13}", hostile::text()];
    let state = hostile::text()
        .prop_map(|text| serde_json::json!({ "version": 1, "a": [text] }).to_string());
    (value, proptest::option::of(state))
}

proptest! {
    #[test]
    fn a_file_is_read_as_it_was_written((value, state) in stored()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.json");
        let text = contents(&value, state.as_deref());
        file::write_whole(&shared(&path), |file| file.write_all(text.as_bytes())).unwrap();
        let read = StoredTexts { value: Some(value), state };
        prop_assert_eq!(read_file(&path).unwrap(), read);
    }

    #[test]
    fn a_damaged_file_is_read_or_an_error(
        (damaged, bytes) in (
            stored().prop_map(|(value, state)| contents(&value, state.as_deref())).prop_flat_map(hostile::mutated),
            proptest::collection::vec(any::<u8>(), 0..3),
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.json");
        let damaged = [damaged.as_bytes(), &bytes].concat();
        fs::write(&path, &damaged).unwrap();
        if let Err(error) = read_file(&path) {
            let message = error.to_string();
            prop_assert!(message.contains(&format!("`{}` ", path.display())), "{}", message);
            prop_assert!(!message.contains('\n'), "{:?}", message);
        }
        prop_assert_eq!(fs::read(&path).unwrap(), damaged, "it is left as it was");
    }
}
