//! JSON objects read strictly. `serde_json` lets the last of two equal fields win, where another
//! reader of the same text may believe the first.

use std::{borrow::Cow, cell::OnceCell, fmt};

use serde::de::{
    Deserialize as _, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

/// The longest field name that is repeated to the caller and in the log, in characters.
const MAX_NAME: usize = 64;

/// Why a text is not taken.
#[derive(Debug)]
pub enum NotStrict {
    /// It is not JSON; at which place, `serde_json` says.
    Syntax(serde_json::Error),
    /// It is JSON, and breaks this rule. The sentence can be shown to whoever sent it.
    Rule(String),
}

/// The object that `json` is: no field twice at any depth, and at most `max_depth` levels of objects
/// and arrays. Errors call `json` itself `name`.
///
/// # Errors
/// When it is not JSON or no such object. What is not JSON is always called so, whatever came first.
pub fn object(json: &[u8], name: &str, max_depth: usize) -> Result<Map<String, Value>, NotStrict> {
    let broken = OnceCell::new();
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = Reader { name, levels: max_depth, max_depth, broken: &broken };
    let value = value.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    let value = value.map_err(NotStrict::Syntax)?;
    match (broken.into_inner(), value) {
        (Some(rule), _) => Err(NotStrict::Rule(rule)),
        (None, Value::Object(object)) => Ok(object),
        (None, _) => Err(NotStrict::Rule(format!("{name} must be a JSON object"))),
    }
}

/// A name that can be shown: not long, and without what would move a terminal's cursor or turn its
/// direction.
pub fn shortened(name: &str) -> String {
    let hidden = |letter: char| {
        letter.is_control() || matches!(letter, '\u{200e}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut letters = name.chars().map(|letter| if hidden(letter) { '\u{fffd}' } else { letter });
    let mut shown: String = letters.by_ref().take(MAX_NAME).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Reads one value, and notes the first rule that it breaks.
#[derive(Clone, Copy)]
struct Reader<'a> {
    /// The field that the value is in.
    name: &'a str,
    /// How many levels there may be from here on.
    levels: usize,
    max_depth: usize,
    broken: &'a OnceCell<String>,
}

impl<'a> Reader<'a> {
    /// The reader of what lies in this value. `None`: it would be too deep.
    fn below(&self) -> Option<Reader<'a>> {
        let Some(levels) = self.levels.checked_sub(1) else {
            let Self { name, max_depth, .. } = self;
            self.breaks(|| {
                format!("{name} lies deeper than {max_depth} levels of objects and arrays")
            });
            return None;
        };
        Some(Reader { levels, ..*self })
    }

    fn breaks(&self, rule: impl FnOnce() -> String) {
        self.broken.get_or_init(rule);
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! scalars {
    ($($visit:ident($kind:ty)),*) => {
        $(fn $visit<E>(self, value: $kind) -> Result<Value, E> {
            Ok(value.into())
        })*
    };
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    scalars!(visit_bool(bool), visit_u64(u64), visit_i64(i64), visit_f64(f64), visit_str(&str));

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let Some(below) = self.below() else {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        };
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(below)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let Some(below) = self.below() else {
            IgnoredAny::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
            return Ok(Value::Null);
        };
        let mut object = Map::new();
        while let Some(field) = map.next_key::<Cow<'de, str>>()? {
            let field = field.into_owned();
            let name = format!("`{}`", shortened(&field));
            let value = map.next_value_seed(Reader { name: &name, ..below })?;
            if object.insert(field, value).is_some() {
                self.breaks(|| format!("{} has the field {name} twice", self.name));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(json: &str) -> Option<String> {
        match object(json.as_bytes(), "the body", 8) {
            Ok(_) => None,
            Err(NotStrict::Rule(rule)) => Some(rule),
            Err(NotStrict::Syntax(error)) => panic!("{json}: {error}"),
        }
    }

    #[test]
    fn an_object_is_read_as_serde_json_reads_it() {
        let text = r#" {"a":[1,-2,0.5,true,null,"x",{"b":"\u00e4"}],"c":{}} "#;
        let expected = json!({"a": [1, -2, 0.5, true, null, "x", {"b": "ä"}], "c": {}});
        let read = object(text.as_bytes(), "it", 3).unwrap();
        assert_eq!(Value::Object(read), expected);
    }

    #[test]
    fn no_field_is_there_twice_at_any_depth() {
        assert_eq!(rule(r#"{"a":{"a":{"a":[{"a":1},{"a":2}]}}}"#), None);
        for (json, expected) in [
            (r#"{"a":1,"a":1}"#, "the body has the field `a` twice"),
            (r#"{"a":1,"\u0061":1}"#, "the body has the field `a` twice"),
            (r#"{"x":{"y":{"a":1,"a":2}}}"#, "`y` has the field `a` twice"),
            (r#"{"x":[0,[{"a":1,"b":2,"a":3}]]}"#, "`x` has the field `a` twice"),
            (r#"{"x":{"\u002f":1,"\/":1}}"#, "`x` has the field `/` twice"),
            (r#"{"x":{"a\n":1,"a\n":1}}"#, "`x` has the field `a\u{fffd}` twice"),
        ] {
            assert_eq!(rule(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn a_level_more_than_allowed_is_refused() {
        let nested = |open: &str, close: &str, depth: usize| {
            format!("{{\"x\":{}1{}}}", open.repeat(depth - 1), close.repeat(depth - 1))
        };
        for (open, close) in [(r#"{"a":"#, "}"), ("[", "]")] {
            assert_eq!(rule(&nested(open, close, 8)), None);
            for depth in [9, 10_000] {
                let rule = rule(&nested(open, close, depth)).unwrap();
                assert!(
                    rule.ends_with("lies deeper than 8 levels of objects and arrays"),
                    "{rule}"
                );
            }
        }
    }

    #[test]
    fn only_an_object_is_taken() {
        for json in ["null", "[]", r#"["iss"]"#, "\"x\"", "1"] {
            assert_eq!(rule(json).as_deref(), Some("the body must be a JSON object"), "{json}");
        }
    }

    #[test]
    fn what_is_no_json_is_called_so_whatever_came_first() {
        for json in [
            "",
            "{",
            "{}x",
            "{} {}",
            "\u{feff}{}",
            r#"{"a":1e999}"#,
            r#"{"a":NaN}"#,
            r#"{"a":1,}"#,
            r#"{'a':1}"#,
            r#"{"a":1,"a":1"#,
            r#"{"a":[[[[[[[[[1]]]]]]]],x}"#,
        ] {
            let read = object(json.as_bytes(), "it", 8);
            assert!(matches!(read, Err(NotStrict::Syntax(_))), "{json}: {read:?}");
        }
        let latin = object(b"{\"a\":\"\xff\"}", "it", 8);
        assert!(matches!(latin, Err(NotStrict::Syntax(_))), "not UTF-8");
    }

    #[test]
    fn a_name_that_is_shown_is_short_and_visible() {
        assert_eq!(shortened("a\u{1b}[2J\u{202e}b"), "a\u{fffd}[2J\u{fffd}b");
        assert_eq!(shortened(&"ä".repeat(64)), "ä".repeat(64));
        assert_eq!(shortened(&"ä".repeat(65)), format!("{}…", "ä".repeat(64)));
    }
}
