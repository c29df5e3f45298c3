//! GitHub's own words in an answer that is not a success.

use http::StatusCode;
use serde_json::Value;

/// GitHub's `message` with everything that `errors` adds to it. It is the whole body if that is not GitHub's, and the
/// name of the status if the body is empty.
pub(crate) fn message(status: StatusCode, body: &str) -> String {
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    let mut parts = Vec::new();
    parts.extend(json["message"].as_str().map(str::to_owned));
    add_errors(&json["errors"], &mut parts);
    parts.retain(|part| !part.is_empty());
    match body.trim() {
        _ if !parts.is_empty() => parts.join("; "),
        "" => status.canonical_reason().unwrap_or("no message").to_owned(),
        body => body.to_owned(),
    }
}

/// Adds the content of `errors`: a text, or objects with a message or a code
/// (<https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed>), or a list of these.
fn add_errors(errors: &Value, parts: &mut Vec<String>) {
    match errors {
        Value::Null => {}
        Value::String(text) => parts.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|error| add_errors(error, parts)),
        other => {
            let text = |name: &str| other[name].as_str();
            parts.push(match (text("message"), text("code")) {
                (Some(message), _) => message.to_owned(),
                (None, Some(code)) => {
                    let place: Vec<&str> =
                        ["resource", "field"].into_iter().filter_map(text).collect();
                    match place.join(".") {
                        place if place.is_empty() => code.to_owned(),
                        place => format!("{place}: {code}"),
                    }
                }
                (None, None) => other.to_string(),
            });
        }
    }
}

/// The title of an HTML page, or its text if it has no title; `None` if this is not a page. The content type does not
/// count: pages are labelled JSON, too.
pub(crate) fn page_title(body: &str) -> Option<String> {
    if !body.trim_start().starts_with('<') {
        return None;
    }
    let lower = body.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let start = at + lower[at..].find('>')? + 1;
        let end = start + lower[start..].find("</title")?;
        body.get(start..end)
    });
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    match title.map(words) {
        Some(title) if !title.is_empty() => Some(title),
        _ => {
            let parts = body
                .split('<')
                .map(|part| part.split_once('>').map_or("", |(_, text)| text));
            Some(words(&parts.collect::<Vec<_>>().join(" ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> String {
        message(StatusCode::UNPROCESSABLE_ENTITY, body)
    }

    #[test]
    fn errors_in_any_form_are_part_of_the_message() {
        for (errors, expected) in [
            (r#""one""#, "Oh; one"),
            (r#"["one","two"]"#, "Oh; one; two"),
            (
                r#"[{"resource":"Hook","code":"custom","message":"one"},"two"]"#,
                "Oh; one; two",
            ),
            (
                r#"[{"resource":"Hook","field":"url","code":"missing_field"}]"#,
                "Oh; Hook.url: missing_field",
            ),
            (r#"[{"field":"url","code":"invalid"}]"#, "Oh; url: invalid"),
            (r#"{"code":"invalid"}"#, "Oh; invalid"),
            (r#"[["one"],[]]"#, "Oh; one"),
            (
                r#"[{"url":["is missing"]},7]"#,
                r#"Oh; {"url":["is missing"]}; 7"#,
            ),
            (r#"[null,""]"#, "Oh"),
            ("null", "Oh"),
        ] {
            let body = format!(r#"{{"message":"Oh","errors":{errors},"status":"422"}}"#);
            assert_eq!(of(&body), expected, "{errors}");
        }
        assert_eq!(of(r#"{"errors":"one"}"#), "one");
    }

    #[test]
    fn a_body_without_a_message_is_shown_as_it_is() {
        for body in [
            "<html>no</html>",
            r#"{"error":"no"}"#,
            r#"{"message":7}"#,
            r#"{"message":"cut"#,
            "[]",
        ] {
            assert_eq!(of(&format!(" {body}\n")), body);
        }
        assert_eq!(of(" "), "Unprocessable Entity");
        let unknown = StatusCode::from_u16(499).unwrap();
        assert_eq!(message(unknown, ""), "no message");
    }
}
