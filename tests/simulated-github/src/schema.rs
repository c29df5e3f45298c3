//! From the schemas as they are published to JSON Schema.

use serde_json::{Value, json};

/// Rewrites `nullable: true`, which JSON Schema does not know, everywhere below `value`.
pub(crate) fn with_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(with_nulls),
        Value::Object(object) => {
            object.values_mut().for_each(with_nulls);
            if object.get("nullable") == Some(&Value::Bool(true)) {
                object.remove("nullable");
                let schema = value.take();
                *value = json!({ "anyOf": [schema, { "type": "null" }] });
            }
        }
        _ => {}
    }
}

/// Lets the account of an installation be a person, an organization or an enterprise, everywhere below `value`.
///
/// The description wants all of them in one (`allOf`), which its own examples are not.
pub(crate) fn with_either_account(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(with_either_account),
        Value::Object(object) => {
            object.values_mut().for_each(with_either_account);
            let is_either = object.get("allOf").is_some_and(|all| {
                all[0]["title"] == "Simple User" && all[1]["title"] == "Enterprise"
            });
            if is_either && let Some(either) = object.remove("allOf") {
                object.insert("anyOf".to_owned(), either);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_null_may_be_null_and_nothing_else_may() {
        let mut schema = json!({
            "type": "object",
            "properties": {
                "action": { "type": "string", "nullable": true },
                "event": { "type": "string" },
                "nullable": { "type": "boolean" },
            },
        });
        with_nulls(&mut schema);
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(validator.is_valid(&json!({ "action": null, "event": "push", "nullable": false })));
        assert!(validator.is_valid(&json!({ "action": "opened" })));
        assert!(!validator.is_valid(&json!({ "action": 1 })));
        assert!(!validator.is_valid(&json!({ "event": null })));
    }

    #[test]
    fn an_account_is_one_of_two_and_all_else_stays_all_of_what_it_is() {
        let either = |title| {
            let mut schema = json!({ "properties": { "account": { "allOf": [
                { "title": "Simple User", "required": ["login"] },
                { "title": title, "required": ["slug"] },
            ] } } });
            with_either_account(&mut schema);
            jsonschema::validator_for(&schema).unwrap()
        };
        let of_account = |account| json!({ "account": account });
        let accounts = either("Enterprise");
        assert!(accounts.is_valid(&of_account(json!({ "login": "acme" }))));
        assert!(accounts.is_valid(&of_account(json!({ "slug": "acme" }))));
        assert!(!accounts.is_valid(&of_account(json!({ "name": "acme" }))));
        assert!(!either("Team").is_valid(&of_account(json!({ "login": "acme" }))));
    }
}
