//! What an issuer says of a caller.

use std::sync::Arc;

use serde_json::{Map, Value};

/// The claims of a verified JWT; none for a caller known in another way.
#[derive(Clone, Debug, Default)]
pub struct Claims(Arc<Map<String, Value>>);

impl Claims {
    /// Takes `claims`, which someone has verified.
    pub fn new(claims: Map<String, Value>) -> Self {
        Self(Arc::new(claims))
    }

    /// The claim `name`: of that very name, or with dots the path to one within another.
    pub fn find(&self, name: &str) -> Option<&Value> {
        if let Some(claim) = self.0.get(name) {
            return Some(claim);
        }
        let mut parts = name.split('.');
        let first = self.0.get(parts.next()?)?;
        parts.try_fold(first, |claim, part| claim.as_object()?.get(part))
    }

    /// Whether the claim `name` is one of `values` or has one of them in a list; or, of `scope` and
    /// `scp`, among words with blanks between them (RFC 8693, section 4.2). Other claims may be text
    /// of the user's own.
    pub fn has(&self, name: &str, values: &[String]) -> bool {
        let has_words = matches!(name, "scope" | "scp");
        let is_word =
            |text: &str, value: &String| has_words && text.split(' ').any(|it| it == value);
        let is_wanted = |claim: &Value| match claim {
            Value::String(text) => values.iter().any(|value| value == text || is_word(text, value)),
            Value::Bool(_) | Value::Number(_) => values.contains(&claim.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        match self.find(name) {
            Some(Value::Array(items)) => items.iter().any(is_wanted),
            Some(claim) => is_wanted(claim),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_found_by_its_name_or_its_path_and_in_every_usual_form() {
        let claims = json!({
            "scope": "openid voice", "about": "not pro at all", "roles": ["pro"], "verified": true, "level": 3,
            "https://app.example/plan": "pro", "realm_access": { "roles": ["voice"] },
        });
        let claims = Claims::new(claims.as_object().unwrap().clone());
        let has = |name: &str, value: &str| claims.has(name, &["other".into(), value.into()]);
        for (name, value) in [
            ("scope", "voice"),
            ("scope", "openid voice"),
            ("roles", "pro"),
            ("verified", "true"),
            ("level", "3"),
            ("https://app.example/plan", "pro"),
            ("realm_access.roles", "voice"),
        ] {
            assert!(has(name, value), "{name}");
        }
        for (name, value) in [
            ("scope", "voic"),
            ("roles", "p"),
            ("realm_access", "roles"),
            ("none", ""),
            ("a.b", ""),
        ] {
            assert!(!has(name, value), "{name}");
        }
    }
}
