//! The providers' real answers, as data: `tests/fixtures/<provider>/<name>.json`.

use std::{collections::BTreeMap, fs};

use serde::Deserialize;
use serde_json::Value;

/// An answer of a provider, and what it means.
#[derive(Deserialize)]
pub struct Fixture {
    #[serde(skip)]
    pub name: String,
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, if it is JSON.
    #[serde(default)]
    pub body: Value,
    /// The body, if it is not.
    #[serde(default)]
    pub text: String,
    /// ok, key, key_or_request, credit, permission, credit_or_permission, request, rate_limited or
    /// unavailable.
    pub classify: String,
}

/// Every answer of `provider`, in the order of their names.
pub fn all(provider: &str) -> Vec<Fixture> {
    let folder = fs::read_dir(format!("tests/fixtures/{provider}")).unwrap();
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 10, "the fixtures of {provider} are gone");
    let read = |path: &std::path::PathBuf| {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).unwrap();
        let fixture: Fixture =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Fixture { name, ..fixture }
    };
    paths.iter().map(read).collect()
}

impl Fixture {
    /// The answer on the wire, as if it had been made just now.
    pub fn bytes(&self) -> Vec<u8> {
        let mut json = self.body.clone();
        if let Some(expires_at) = json.get_mut("expires_at") {
            *expires_at = (super::now() + 300).into();
        }
        let body = if json.is_null() { self.text.clone() } else { json.to_string() };
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (status, length) = (self.status, body.len());
        let head =
            format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n");
        format!("{head}{headers}\r\n{body}").into_bytes()
    }

    /// Every text of the body that is meant for people.
    pub fn prose(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.body, &mut found);
        found.retain(|text| text.contains(' '));
        found.extend((!self.text.is_empty()).then(|| self.text.clone()));
        found
    }
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, found)),
        _ => (),
    }
}
