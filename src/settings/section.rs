//! Reading one table of the settings: typed values, defaults where a value is wrong, and a problem
//! for every key that nobody asked for.

use std::{collections::BTreeMap, sync::LazyLock};

use config::{Map, Value, ValueKind};

use super::{
    Problems, Tree,
    environment::variable,
    removed,
    tree::leaves,
    value::{FromSetting, OneOrMore},
};

/// A table that is being read.
pub(super) struct Section<'a> {
    path: String,
    tree: &'a Tree,
    table: &'a Map<String, Value>,
    /// The same table of the defaults; empty for one that only the user has.
    defaults: &'a Map<String, Value>,
    known: Vec<String>,
    problems: &'a mut Problems,
}

impl<'a> Section<'a> {
    pub(super) fn root(tree: &'a Tree, problems: &'a mut Problems) -> Self {
        let (table, defaults) = (&tree.merged, &tree.defaults);
        Self { path: String::new(), tree, table, defaults, known: Vec::new(), problems }
    }

    /// A value that has a default. `fallback` is what stands in while looking for more problems
    /// where the user's own table has no default; that the key is missing there is a problem too.
    pub(super) fn get<T: FromSetting>(&mut self, key: &str, fallback: T) -> T {
        match self.optional(key) {
            Some(value) => value,
            None => self.default(key).unwrap_or_else(|| {
                if !self.table.contains_key(key) {
                    self.problem(key, self.missing());
                }
                fallback
            }),
        }
    }

    /// A value that need not be there; `None` also where it is wrong.
    pub(super) fn optional<T: FromSetting>(&mut self, key: &str) -> Option<T> {
        self.known.push(key.to_owned());
        let value = self.table.get(key)?;
        match T::from_setting(value) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.problem(key, expected);
                None
            }
        }
    }

    /// The table `key`, read by `read`.
    pub(super) fn section<T>(&mut self, key: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        self.known.push(key.to_owned());
        let (table, defaults) = (table_of(self.table, key), table_of(self.defaults, key));
        let result = self.inner(key, table, defaults, read);
        if self.table.get(key).is_some_and(|value| !matches!(value.kind, ValueKind::Table(_))) {
            self.problem(key, "is a section, not a single value");
        }
        result
    }

    /// A table within this one, read by `read` to its end.
    fn inner<T>(
        &mut self,
        key: &str,
        table: &Map<String, Value>,
        defaults: &Map<String, Value>,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        let mut inner = Section {
            path: self.key(key),
            tree: self.tree,
            table,
            defaults,
            known: Vec::new(),
            problems: self.problems,
        };
        let result = read(&mut inner);
        inner.finish();
        result
    }

    /// The table `key` of tables with names of the user's choice, each read by `read`.
    pub(super) fn map<T>(
        &mut self,
        key: &str,
        read: impl Fn(&mut Section<'_>) -> T,
    ) -> BTreeMap<String, T> {
        self.section(key, |outer| {
            let names = sorted(outer.table);
            let mut items = BTreeMap::new();
            for name in names {
                if is_name(&name) {
                    items.insert(name.clone(), outer.section(&name, &read));
                } else {
                    outer.known.push(name.clone());
                    outer.problem(&name, "a name is made of a-z, 0-9 and _, 32 at most");
                }
            }
            items
        })
    }

    /// The list `key` of tables, each read by `read`. In the environment the tables have their places
    /// for names: `VALETKEY__AUTH__KEYS__0__ID`.
    pub(super) fn list<T>(&mut self, key: &str, read: impl Fn(&mut Section<'_>) -> T) -> Vec<T> {
        let is_array = |value: &Value| matches!(value.kind, ValueKind::Array(_));
        let Some(array) = self.table.get(key).filter(|value| is_array(value)) else {
            return self.section(key, |outer| outer.numbered(&read));
        };
        self.known.push(key.to_owned());
        let ValueKind::Array(items) = &array.kind else { return Vec::new() };
        let mut found = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let name = format!("{key}.{place}");
            match &item.kind {
                ValueKind::Table(table) => found.push(self.inner(&name, table, &EMPTY, &read)),
                _ => self.problem(&name, "is a section, not a single value"),
            }
        }
        found
    }

    /// The tables that have their places in a list for names.
    fn numbered<T>(&mut self, read: impl Fn(&mut Section<'_>) -> T) -> Vec<T> {
        let mut places: Vec<usize> =
            self.table.keys().filter_map(|name| name.parse().ok()).collect();
        places.sort_unstable();
        if places.len() < self.table.len() {
            self.known = sorted(self.table);
            let (path, variable) = (self.path.clone(), variable(&format!("{}.0", self.path)));
            let message = format!(
                "is a list: write [[{path}]], with two brackets, or in the environment {variable}__…"
            );
            self.problems.add(self.tree, &path, message);
        }
        places.into_iter().map(|place| self.section(&place.to_string(), &read)).collect()
    }

    /// The table `key` of values with keys of the user's choice.
    pub(super) fn values<T: FromSetting>(&mut self, key: &str) -> BTreeMap<String, T> {
        self.section(key, |inner| {
            let names = sorted(inner.table).into_iter();
            names.filter_map(|name| inner.optional(&name).map(|value| (name, value))).collect()
        })
    }

    /// The same, each one value or a list of them.
    pub(super) fn lists(&mut self, key: &str) -> BTreeMap<String, Vec<String>> {
        self.values(key).into_iter().map(|(name, OneOrMore(values))| (name, values)).collect()
    }

    /// Whether the table has the key, be it right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Complains about every key that was not read.
    pub(super) fn finish(&mut self) {
        let unknown = sorted(self.table).into_iter().filter(|key| !self.known.contains(key));
        let unknown: Vec<String> = unknown.collect();
        for key in unknown {
            let message = match (removed::fate(&self.key(&key)), self.nearest(&key)) {
                (Some(fate), _) => fate.to_owned(),
                (None, Some(known)) => format!("is not a setting; did you mean {known}?"),
                (None, None) => "is not a setting; config/default.toml lists them all".to_owned(),
            };
            self.problem(&key, message);
        }
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Adds a problem of the setting `key` of this table.
    pub(super) fn problem(&mut self, key: &str, message: impl Into<String>) {
        let key = self.key(key);
        self.problems.add(self.tree, &key, message);
    }

    fn default<T: FromSetting>(&self, key: &str) -> Option<T> {
        T::from_setting(self.defaults.get(key)?).ok()
    }

    /// The known key most like `key`: of this table, or else the end of any other.
    fn nearest(&self, key: &str) -> Option<String> {
        let here = self.known.iter().map(|known| (self.key(known), known.clone()));
        let anywhere = leaves(&self.tree.defaults).into_keys();
        let anywhere = anywhere.map(|path| {
            let name = path.rsplit('.').next().unwrap_or_default().to_owned();
            (self.under_this_name(path), name)
        });
        nearest(key, here).or_else(|| nearest(key, anywhere))
    }

    /// What `path` is for the token type or the provider that this table is of.
    fn under_this_name(&self, path: String) -> String {
        let mut ours = self.path.splitn(3, '.');
        let mut theirs = path.splitn(3, '.');
        match (ours.next(), ours.next(), theirs.next(), theirs.next(), theirs.next()) {
            (Some(ours), Some(name), Some(theirs), Some(_), Some(rest))
                if ours == theirs && NAMED.contains(&ours) =>
            {
                format!("{ours}.{name}.{rest}")
            }
            _ => path,
        }
    }

    /// That a key is missing, perhaps because the table's name is a misspelt one.
    fn missing(&self) -> String {
        let like = self.path.split_once('.').and_then(|(outer, name)| {
            let known = sorted(table_of(&self.tree.defaults, outer)).into_iter();
            nearest(name, known.map(|known| (format!("{outer}.{known}"), known)))
        });
        match like {
            Some(like) => format!("is missing; or did you mean [{like}]?"),
            None => "is missing".to_owned(),
        }
    }
}

/// The sections whose tables have names of the user's choice, and all the same keys.
const NAMED: [&str; 2] = ["providers", "tokens"];

/// Of pairs of a path and its name: the path whose name is most like `key`, if it is like it at all.
pub(crate) fn nearest(key: &str, known: impl Iterator<Item = (String, String)>) -> Option<String> {
    let distances = known.map(|(path, name)| (strsim::damerau_levenshtein(&name, key), path));
    let (distance, path) = distances.min()?;
    (distance <= 1.max(key.len() / 3)).then_some(path)
}

/// The keys in an order that is the same every time.
fn sorted(table: &Map<String, Value>) -> Vec<String> {
    let mut keys: Vec<String> = table.keys().cloned().collect();
    keys.sort();
    keys
}

static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

fn table_of<'a>(outer: &'a Map<String, Value>, key: &str) -> &'a Map<String, Value> {
    match outer.get(key).map(|value| &value.kind) {
        Some(ValueKind::Table(table)) => table,
        _ => &EMPTY,
    }
}

fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
