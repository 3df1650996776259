//! A JSON object read strictly. `serde` would take an array for a struct, and let the last of two
//! equal keys win, so that two readers could understand two different things.

use std::{collections::HashSet, fmt};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The longest field name that is repeated to the caller and in the log, in characters.
const MAX_NAME: usize = 64;

/// How deep objects and arrays may lie in each other.
const MAX_DEPTH: usize = 8;

/// The fields in their order, each once, their values not yet understood.
pub(super) struct Object<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Reads `json`. An error goes behind the name of what was read: "must be a JSON object".
    pub(super) fn parse(json: &'a RawValue) -> Result<Self, String> {
        if !json.get().starts_with('{') {
            return Err("must be a JSON object".to_owned());
        }
        serde_json::from_str(json.get()).map_err(|error| {
            let message = error.to_string();
            message.rsplit_once(" at line ").map_or("", |(text, _)| text).to_owned()
        })
    }
}

/// Checks all of `json`, whoever will read it: that no object has a field twice, and that it is not
/// deep. An error begins with where it is; `json` itself is called `name`.
pub(super) fn check(json: &RawValue, name: &str) -> Result<(), String> {
    check_below(json, name, 1)
}

fn check_below(json: &RawValue, name: &str, depth: usize) -> Result<(), String> {
    let text = json.get();
    if !text.starts_with(['{', '[']) {
        return Ok(());
    }
    if depth > MAX_DEPTH {
        return Err(format!("{name} lies deeper than {MAX_DEPTH} levels of objects and arrays"));
    }
    if text.starts_with('{') {
        let object = Object::parse(json).map_err(|why| format!("{name} {why}"))?;
        return object.0.into_iter().try_for_each(|(field, value)| {
            let field = shortened(field);
            check_below(value, &format!("`{field}`"), depth + 1)
        });
    }
    let items: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|_| format!("{name} cannot be read"))?;
    items.into_iter().try_for_each(|item| check_below(item, name, depth + 1))
}

/// A name that can be shown: not long, and without what would move a terminal's cursor or turn its
/// direction.
pub(super) fn shortened(name: String) -> String {
    let hidden = |letter: char| {
        letter.is_control() || matches!(letter, '\u{200e}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut letters = name.chars().map(|it| if hidden(it) { '\u{fffd}' } else { it });
    let mut shown: String = letters.by_ref().take(MAX_NAME).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut fields: Vec<(String, &RawValue)> = Vec::new();
        let mut seen = HashSet::new();
        while let Some((name, value)) = map.next_entry::<String, _>()? {
            if !seen.insert(name.clone()) {
                let name = shortened(name);
                return Err(serde::de::Error::custom(format_args!("has the field `{name}` twice")));
            }
            fields.push((name, value));
        }
        Ok(Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(json: &str) -> Result<(), String> {
        check(serde_json::from_str(json).unwrap(), "the body")
    }

    #[test]
    fn no_field_is_there_twice_at_any_depth() {
        checked(r#"{"a":{"a":{"a":[{"a":1},{"a":2}]}}}"#).unwrap();
        for (json, place) in [
            (r#"{"a":1,"a":1}"#, "the body has the field `a` twice"),
            (r#"{"a":1,"\u0061":1}"#, "the body has the field `a` twice"),
            (r#"{"x":{"y":{"a":1,"a":2}}}"#, "`y` has the field `a` twice"),
            (r#"{"x":[0,[{"a":1,"b":2,"a":3}]]}"#, "`x` has the field `a` twice"),
            (r#"{"x":{"\u002f":1,"\/":1}}"#, "`x` has the field `/` twice"),
        ] {
            assert_eq!(checked(json).unwrap_err(), place, "{json}");
        }
    }

    #[test]
    fn eight_levels_are_enough() {
        let nested = |open: &str, close: &str, depth: usize| {
            format!("{}1{}", open.repeat(depth), close.repeat(depth))
        };
        for (open, close) in [(r#"{"a":"#, "}"), ("[", "]")] {
            checked(&nested(open, close, 8)).unwrap();
            assert!(checked(&nested(open, close, 9)).unwrap_err().contains("deeper than 8"));
            assert!(checked(&nested(open, close, 1000)).is_err());
        }
    }
}
