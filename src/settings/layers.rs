//! Where settings come from, from the least to the most specific.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use config::{Config, Environment, File, FileFormat, Map, Source, Value, ValueKind};

use super::{
    Problems, Tree,
    environment::{ENVIRONMENT, PREFIX, SEPARATOR, variable},
    tree::{leaves, showable},
};

/// The longest file of settings, in bytes: the reference has some ten thousand.
const MAX_FILE: u64 = 1024 * 1024;

/// The compiled-in reference of every setting.
const DEFAULTS: &str = include_str!("../../config/default.toml");

/// The lists of tables, all of them about who may ask.
const LISTS: [&str; 3] = ["auth.keys", "auth.jwt", "grants"];

/// What is different in the sandbox.
const SANDBOX: &str = include_str!("../../config/sandbox.toml");

/// The places that settings are read from.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Whether the sandbox's own come over the defaults.
    pub sandbox: bool,
    /// The files of `--config`, the later over the earlier.
    pub files: Vec<PathBuf>,
    /// The environment.
    pub environment: HashMap<String, String>,
    /// Settings that command-line options stand for: key, value and the option's name.
    pub options: Vec<(&'static str, String, &'static str)>,
}

impl Layers {
    /// Lays one over the other. A file that cannot be read is a problem and left out.
    pub fn merge(&self, problems: &mut Problems) -> Tree {
        let defaults = parse(DEFAULTS).unwrap_or_default();
        let mut builder = Config::builder().add_source(Layer::new("default", defaults.clone()));
        if self.sandbox {
            let values = parse(SANDBOX).unwrap_or_default();
            builder = builder.add_source(Layer::new("sandbox", values));
        }
        let mut in_files = BTreeSet::new();
        for path in &self.files {
            match read(path) {
                Ok(values) => {
                    in_files.extend(leaves(&values).into_keys());
                    builder = builder.add_source(Layer::new(&path.to_string_lossy(), values))
                }
                Err(why) => problems.add_general(format!("{}: {why}", path.display())),
            }
        }
        self.refuse_torn_lists(&in_files, problems);
        match self.environment(problems).collect() {
            Ok(values) => builder = builder.add_source(Layer::new(ENVIRONMENT, values)),
            Err(_) => problems.add_general("the environment cannot be read"),
        }
        for (key, text, option) in &self.options {
            let values = Map::from([((*key).to_owned(), text.as_str().into())]);
            builder = builder.add_source(Layer::new(option, values));
        }
        let merged = builder.build().and_then(|config| config.cache.into_table());
        let merged = merged.unwrap_or_else(|_| {
            problems.add_general("the settings cannot be laid over one another");
            defaults.clone()
        });
        Tree { merged, defaults }
    }

    /// Complains about `VALETKEY_SERVER_LISTEN` and `VALETKEY_SERVER__LISTEN`: a single `_` between its
    /// parts makes it nobody's.
    fn suggest_separators(&self, problems: &mut Problems) {
        let defaults = parse(DEFAULTS).unwrap_or_default();
        let single = |name: &str| name.replace(SEPARATOR, "_");
        let known: BTreeMap<String, String> =
            leaves(&defaults).keys().map(|key| variable(key)).map(|it| (single(&it), it)).collect();
        let (right, wrong) = (format!("{PREFIX}{SEPARATOR}"), format!("{PREFIX}_"));
        let mut names: Vec<&String> = self.environment.keys().collect();
        names.sort();
        for name in names.into_iter().filter(|name| !name.starts_with(&right)) {
            let Some(rest) = name.strip_prefix(&wrong) else { continue };
            // What has a `__` was meant for us; of the rest only what would be a setting of ours.
            let meant = match known.get(&single(name)) {
                Some(meant) => meant.clone(),
                None if rest.contains(SEPARATOR) => {
                    let parts: Vec<String> = rest.split(SEPARATOR).map(showable).collect();
                    format!("{right}{}", parts.join(SEPARATOR))
                }
                None => continue,
            };
            let name = showable(name);
            problems.add_general(format!("{name}: is not read; did you mean {meant}?"));
        }
    }

    /// A list in the environment takes the place of a whole list in a file. Of lists that say who may
    /// ask, what is lost so may be what kept someone out.
    fn refuse_torn_lists(&self, in_files: &BTreeSet<String>, problems: &mut Problems) {
        for list in LISTS {
            let (below, variables) = (format!("{list}."), variable(&format!("{list}.")));
            let is_in_file = in_files.iter().any(|key| key.starts_with(&below));
            let mut here = self.environment.keys().filter(|name| name.starts_with(&variables));
            if let Some(name) = here.next().filter(|_| is_in_file) {
                let name = showable(name);
                problems.add_general(format!(
                    "{name}: would take the place of all of {list} in the file; have the list in \
                     one place"
                ));
            }
        }
    }

    /// Our variables. Those that could be read in two ways are problems: which one won would be chance.
    fn environment(&self, problems: &mut Problems) -> Environment {
        let prefix = format!("{PREFIX}{SEPARATOR}");
        let is_ours = |name: &&String| name.to_uppercase().starts_with(&prefix);
        let mut ours: Vec<&String> = self.environment.keys().filter(is_ours).collect();
        ours.sort();
        let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let is_section = |name: &str| {
            let below = format!("{name}{SEPARATOR}");
            ours.iter().any(|other| other.starts_with(&below))
        };
        self.suggest_separators(problems);
        let mut taken = HashMap::new();
        for name in &ours {
            if !name.bytes().all(allowed) {
                let shown = showable(name);
                problems.add_general(format!(
                    "{shown}: variables of settings are in capital letters, digits and _"
                ));
            } else if is_section(name) {
                problems.add_general(format!("{name}: is a section, not a single value"));
            } else if self.environment[*name].is_empty() && restricts(name) {
                problems.add_general(format!(
                    "{name}: is empty, which would lift a restriction; give it a value, or unset it"
                ));
            } else {
                taken.insert((*name).clone(), self.environment[*name].clone());
            }
        }
        Environment::with_prefix(PREFIX)
            .prefix_separator(SEPARATOR)
            .separator(SEPARATOR)
            .ignore_empty(true)
            .source(Some(taken))
    }
}

/// Whether a variable says who may ask, so that to pass it over would let in more.
fn restricts(name: &str) -> bool {
    ["auth.", "grants."].iter().any(|section| name.starts_with(&variable(section)))
}

fn read(path: &Path) -> Result<Map<String, Value>, String> {
    if path.is_dir() {
        return Err("is a directory, not a file".to_owned());
    }
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|it| it.take(MAX_FILE + 1).read_to_string(&mut text));
    read.map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > MAX_FILE {
        return Err("is longer than 1 MiB; is it the right file?".to_owned());
    }
    parse(&text).map_err(|error| {
        let what = one_line(&error.to_string());
        // What a parser makes of text without quotes.
        let unquoted = ["float", "integer", "number", "literal", "datetime"];
        let hint = if unquoted.iter().any(|word| what.contains(word)) {
            "; text needs quotes"
        } else {
            ""
        };
        what + hint
    })
}

fn parse(text: &str) -> Result<Map<String, Value>, config::ConfigError> {
    File::from_str(text, FileFormat::Toml).collect()
}

/// The first and the last line of a parser's message: where, and what. What lies between repeats
/// the file's text, where someone may have put a key.
fn one_line(message: &str) -> String {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().trim_start_matches("TOML parse error at ");
    match lines.next_back() {
        Some(last) => format!("{first}: {last}"),
        None => first.to_owned(),
    }
}

/// Values that know which layer they came from.
#[derive(Clone, Debug)]
struct Layer(Map<String, Value>);

impl Layer {
    fn new(origin: &str, values: Map<String, Value>) -> Self {
        Self(label(&origin.to_owned(), values))
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

fn label(origin: &String, values: Map<String, Value>) -> Map<String, Value> {
    values.into_iter().map(|(key, value)| (key, label_value(origin, value))).collect()
}

fn label_value(origin: &String, value: Value) -> Value {
    let kind = match value.kind {
        ValueKind::Table(inner) => ValueKind::Table(label(origin, inner)),
        ValueKind::Array(items) => {
            ValueKind::Array(items.into_iter().map(|item| label_value(origin, item)).collect())
        }
        kind => kind,
    };
    Value::new(Some(origin), kind)
}
