//! A JSON object read strictly. `serde` would take an array for a struct, and let the last of two
//! equal keys win, so that two readers could understand two different things.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

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
        while let Some((name, value)) = map.next_entry()? {
            if fields.iter().any(|(seen, _)| *seen == name) {
                return Err(serde::de::Error::custom(format_args!("has the field `{name}` twice")));
            }
            fields.push((name, value));
        }
        Ok(Object(fields))
    }
}
