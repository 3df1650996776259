//! Settings, from files and from the environment.

use std::{collections::HashMap, fs, path::PathBuf, process, thread};

use super::{CANARY, is_showable};
use crate::{
    app::Ingredients,
    base::clock::Clock,
    commands::fuzzing::check,
    metrics::Metrics,
    settings::{Layers, Problems, Settings},
};

/// Between the text of a file and that of the environment.
const ENVIRONMENT: &str = "\n%environment\n";

/// Where people put keys, wherever they belong: above the other settings of a file.
const IN_FILES: [&str; 16] = [
    "",
    "[providers.xai]\napi_keys = [\"CANARY\"]\n",
    "[providers.xai]\napi_keys = \"CANARY\"\n",
    "[providers.xai]\napi_keys = CANARY\n",
    "[providers.xai]\napi_keys = [\"env:CANARY\", \"file:CANARY\", \"CANARY\"]\n",
    "[providers.xai]\napi_keys = \"env:XAI_API_KEY,CANARY\"\n",
    "[providers.xai]\napi_keys = { key = \"CANARY\" }\n",
    "[providers.xai]\nCANARY = 1\n",
    "[providers.xai]\nbase_url = \"https://CANARY@api.example\"\n",
    "[providers.xai]\nbase_url = \"https://api.example/?key=CANARY\"\n",
    "identity.hash_key = \"CANARY\"\n",
    "limits.store = \"redis://:CANARY@127.0.0.1:1\"\n",
    "CANARY\n",
    "[CANARY]\n",
    "[[auth.jwt]]\nsecret = \"CANARY\"\n",
    "[[auth.keys]]\nid = \"ada\"\nsha256 = \"CANARY\"\n",
];

/// The same in the environment.
const IN_ENVIRONMENT: [(&str, &str); 12] = [
    ("", ""),
    ("VALETKEY__PROVIDERS__XAI__API_KEYS", "CANARY"),
    ("VALETKEY__PROVIDERS__XAI__API_KEYS", "env:XAI_API_KEY, CANARY"),
    ("VALETKEY__PROVIDERS__XAI__API_KEYS__0", "CANARY"),
    ("VALETKEY__IDENTITY__HASH_KEY", "CANARY"),
    ("VALETKEY__LIMITS__STORE", "redis://:CANARY@127.0.0.1:1"),
    ("VALETKEY__AUTH__JWT__0__SECRET", "CANARY"),
    ("VALETKEY__CANARY", "1"),
    ("VALETKEY_CANARY__X", "1"),
    ("XAI_API_KEY", "CANARY"),
    ("XAI_API_KEY_FILE", "CANARY"),
    ("VALETKEY_HASH_KEY", "CANARY"),
];

/// Any text is settings or problems, and nothing that is said of it repeats a secret or moves a
/// terminal's cursor. The bytes are a file and, after a line `%environment`, variables.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // Nothing is to be read from the machine it runs on, nor a canary that someone else put there.
    if text.contains(CANARY) || text.contains("file:") || text.contains('\\') {
        return;
    }
    // Both places from the bytes, so that the same bytes do the same.
    let place: usize = data.iter().map(|byte| usize::from(*byte)).sum();
    let in_file = IN_FILES[place % IN_FILES.len()];
    let in_environment = IN_ENVIRONMENT[place / IN_FILES.len() % IN_ENVIRONMENT.len()];
    with(&text, in_file, in_environment);
}

/// As [`settings`], with the canary in each of the places.
#[cfg(test)]
pub(super) fn everywhere(text: &str) {
    for in_file in IN_FILES {
        with(text, in_file, IN_ENVIRONMENT[0]);
    }
    for in_environment in IN_ENVIRONMENT {
        with(text, IN_FILES[0], in_environment);
    }
}

fn with(text: &str, in_file: &str, (name, value): (&str, &str)) {
    let put = |text: &str| text.replace("CANARY", CANARY);
    let (file, lines) = text.split_once(ENVIRONMENT).unwrap_or((text, ""));
    let pairs = lines.lines().filter_map(|line| line.split_once('='));
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut environment: HashMap<String, String> = pairs.collect();
    if !name.is_empty() {
        environment.insert(put(name), put(value));
    }
    let path = written(&(put(in_file) + file));
    let said = read(Layers { files: vec![path.clone()], environment, ..Layers::default() });
    fs::remove_file(path).expect("it was just written");
    assert!(!said.contains(CANARY), "{in_file}{name}={value}: {said}");
    let odd = said.lines().find(|line| !is_showable(line));
    assert!(odd.is_none(), "{odd:?}");
}

/// What `valetkey check` says of the layers.
fn read(layers: Layers) -> String {
    let mut problems = Problems::default();
    let tree = layers.merge(&mut problems);
    let settings = Settings::read(&tree, &mut problems);
    settings.refuse_danger(&tree, layers.sandbox, &mut problems);
    let env = |name: &str| layers.environment.get(name).filter(|it| !it.is_empty()).cloned();
    let clock = Clock::fixed(1_800_000_000);
    let metrics = Metrics::new(["type"], ["xai"]);
    let ingredients = Ingredients {
        settings: &settings,
        tree: &tree,
        env: &env,
        clock,
        metrics,
        sandbox: false,
        previous: None,
    };
    let live = ingredients.live(&mut problems);
    check(settings.clone(), tree, problems, &live)
}

/// A file with `text`, always the same of this thread.
fn written(text: &str) -> PathBuf {
    let name = format!("valetkey-fuzz-{}-{:?}.toml", process::id(), thread::current().id());
    let path = std::env::temp_dir().join(name);
    fs::write(&path, text).expect("there is room for a file");
    path
}
