//! The merged settings before they are understood: every value with its place of origin.

use std::collections::{BTreeMap, BTreeSet};

use config::{Map, Value, ValueKind};

use super::{
    environment::{ENVIRONMENT, variable},
    value::render,
};

/// The merged settings, and beneath them the defaults.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(super) merged: Map<String, Value>,
    pub(super) defaults: Map<String, Value>,
}

/// A setting as `valetkey check` shows it.
#[derive(Debug)]
pub struct Setting {
    /// `server.listen`
    pub key: String,
    /// As TOML would write it; masked where it may be a secret.
    pub value: String,
    /// Where it came from.
    pub origin: String,
}

impl Tree {
    /// Where the value of `key` came from; `None` if it has none.
    pub fn origin(&self, key: &str) -> Option<String> {
        let value = find(&self.merged, key)?;
        // A section is merged from many places; the first of its values must do.
        let first = |section| leaves(section).pop_first();
        match &value.kind {
            ValueKind::Table(section) => first(section).map(|(_, leaf)| origin(key, leaf)),
            _ => Some(origin(key, value)),
        }
    }

    /// The keys whose values are others than in `before`, or are in one of the two only.
    pub fn changes(&self, before: &Self) -> Vec<String> {
        let (now, before) = (leaves(&self.merged), leaves(&before.merged));
        let same = |key: &String| match (now.get(key), before.get(key)) {
            (Some(now), Some(before)) => same(now, before),
            _ => false,
        };
        let keys: BTreeSet<&String> = now.keys().chain(before.keys()).collect();
        keys.into_iter().filter(|key| !same(key)).map(|key| showable(key)).collect()
    }

    /// Every single value, by key.
    pub fn settings(&self) -> Vec<Setting> {
        leaves(&self.merged)
            .into_iter()
            .map(|(key, value)| Setting {
                value: render(&key, value),
                origin: origin(&key, value),
                key: showable(&key),
            })
            .collect()
    }
}

fn origin(key: &str, value: &Value) -> String {
    match value.origin() {
        Some(ENVIRONMENT) => variable(key),
        Some(place) => place.to_owned(),
        None => "default".to_owned(),
    }
}

/// The longest part of a key that is shown, in bytes. Ours are shorter, API keys are longer.
const MAX_SHOWN: usize = 32;

/// `key`, without the parts that no setting could be called: someone may have pasted an API key.
pub(super) fn showable(key: &str) -> String {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let shown = |part: &str| part.len() <= MAX_SHOWN && part.bytes().all(allowed);
    let parts = key.split('.').map(|part| if shown(part) { part } else { "(not shown)" });
    parts.collect::<Vec<_>>().join(".")
}

fn find<'a>(table: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    let (first, rest) =
        key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let value = table.get(first)?;
    match (&value.kind, rest) {
        (_, None) => Some(value),
        (ValueKind::Table(inner), Some(rest)) => find(inner, rest),
        (ValueKind::Array(items), Some(rest)) => {
            let (place, rest) = rest.split_once('.').unwrap_or((rest, ""));
            let item = items.get(place.parse::<usize>().ok()?)?;
            match &item.kind {
                ValueKind::Table(inner) if !rest.is_empty() => find(inner, rest),
                _ => Some(item),
            }
        }
        _ => None,
    }
}

/// Every value that is no table, by its dotted key; the tables of a list by their place in it.
pub(super) fn leaves(table: &Map<String, Value>) -> BTreeMap<String, &Value> {
    let mut found = BTreeMap::new();
    for (name, value) in table {
        add_leaves(name.clone(), value, &mut found);
    }
    found
}

fn add_leaves<'a>(key: String, value: &'a Value, found: &mut BTreeMap<String, &'a Value>) {
    match &value.kind {
        ValueKind::Table(inner) => {
            inner
                .iter()
                .for_each(|(name, value)| add_leaves(format!("{key}.{name}"), value, found));
        }
        ValueKind::Array(items) if items.iter().any(is_table) => {
            let places = items.iter().enumerate();
            places.for_each(|(place, item)| add_leaves(format!("{key}.{place}"), item, found));
        }
        _ => drop(found.insert(key, value)),
    }
}

/// Whether two values say the same, wherever they came from.
fn same(one: &Value, other: &Value) -> bool {
    match (&one.kind, &other.kind) {
        (ValueKind::Array(one), ValueKind::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (one, other) => one == other,
    }
}

fn is_table(value: &Value) -> bool {
    matches!(value.kind, ValueKind::Table(_))
}

#[cfg(test)]
mod tests {
    use config::{Config, File, FileFormat};

    use super::*;

    fn tree(toml: &str) -> Tree {
        let source = File::from_str(toml, FileFormat::Toml);
        let merged = Config::builder().add_source(source).build().unwrap().cache;
        Tree { merged: merged.into_table().unwrap(), defaults: Map::new() }
    }

    #[test]
    fn what_changed_is_told_by_its_key() {
        let before = tree("[a]\nb = 1\nc = [\"x\", \"y\"]\n[[d]]\ne = 1\n[[d]]\ne = 2\n[f]\n");
        let changes = |toml: &str| tree(toml).changes(&before);
        assert!(changes("d = [{ e = 1 }, { e = 2 }]\n[a]\nc = [\"x\", \"y\"]\nb = 1\n").is_empty());
        let other = "[a]\nb = 2\nc = [\"x\"]\n[[d]]\ne = 2\n[g]\nh = 1\n";
        assert_eq!(changes(other), ["a.b", "a.c", "d.0.e", "d.1.e", "g.h"]);
        let key = "xai-0123456789abcdef0123456789abcdef";
        assert_eq!(tree(&format!("{key} = 1")).changes(&tree("")), ["(not shown)"]);
    }
}
