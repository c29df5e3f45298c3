//! From OpenAPI 3.0's schemas to JSON Schema.

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
}
