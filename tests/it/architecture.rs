//! Who may import whom. Reads the `use crate::` lines and fails on any edge that is not here.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Each module and what it may use, with blanks between. The order is that of the layers, the lowest first.
const ALLOWED: &[(&str, &str)] = &[
    ("base", ""),
    ("gate", ""),
    ("token", "base"),
    // Shares nothing with the rest, so that it cannot share its mistakes.
    ("sandbox", ""),
    // Knows names as text only, so that every layer may count.
    ("metrics", ""),
    ("settings", "base"),
    ("outbound", "base settings"),
    ("caller", "base outbound settings"),
    ("limit", "base settings"),
    ("audit", "base settings"),
    ("telemetry", "settings"),
    ("policy", "caller settings token"),
    // Of the policy it may know the grant only. What is minted ahead has no caller to record it.
    ("provider", "audit base metrics outbound policy::Grant token"),
    ("error", "audit caller limit policy provider"),
    ("app", "audit base caller gate limit metrics outbound policy provider settings token"),
    ("vending", "app audit caller error limit policy provider::Stocked settings token"),
    ("shape", "token vending"),
    (
        "web",
        "app audit base caller error limit metrics policy::Denied provider::ProviderError settings shape token vending",
    ),
    ("server", "app base caller::is_trusted metrics settings web"),
    ("reload", "app base settings"),
    (
        "commands",
        "app base caller error metrics policy::Denied reload sandbox server settings shape telemetry token vending",
    ),
    ("cli", "commands"),
    // Compiled for tests and fuzzing alone, and so at the top of all that it tries.
    ("fuzzing", "app base caller commands metrics outbound::fuzzing provider settings token web"),
];

/// The crates of HTTP servers, and the only modules that may know them.
const AXUM_IN: &[&str] = &["sandbox", "server", "web"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path() {
            path if path.is_dir() => found.extend(sources(&path)),
            path => found.push(path),
        }
    }
    found
}

/// Whether a file is compiled for tests or fuzzing alone, and may set up what it tests with anything.
fn is_of_tests(path: &Path) -> bool {
    let parts = path.iter().map(|part| part.to_str().unwrap());
    { parts }.any(|part| matches!(part, "tests" | "tests.rs" | "fuzzing.rs"))
}

/// A file without the module of tests that stands last in it.
fn without_tests(text: &str) -> String {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
}

/// The top module that a file belongs to.
fn module(path: &Path) -> String {
    let below = path.strip_prefix("src").unwrap();
    below.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The paths that `text` uses of this crate, from one level below the root: `provider::Grant`.
fn imports(text: &str) -> Vec<String> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap()).collect();
    let code: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            found.extend(members(group));
        } else {
            found.push(path(rest));
        }
    }
    found
}

/// The members of an outermost `{…}`, each with what follows it up to its own group.
fn members(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(group[start..at].to_owned());
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(group[start..at].to_owned());
                start = at + 1;
            }
            _ => (),
        }
    }
    found.iter().map(|member| path(member.trim())).filter(|path| !path.is_empty()).collect()
}

fn path(text: &str) -> String {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':');
    text[..end.unwrap_or(text.len())].trim_end_matches(':').to_owned()
}

#[test]
fn no_module_imports_what_it_may_not() {
    let allowed: BTreeMap<&str, &str> = ALLOWED.iter().copied().collect();
    let mut edges = 0;
    for file in sources(Path::new("src")) {
        let module = module(&file);
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let allowed =
            allowed.get(module.as_str()).unwrap_or_else(|| panic!("{module} has no layer"));
        let text = without_tests(&fs::read_to_string(&file).unwrap());
        if is_of_tests(&file) {
            continue;
        }
        for import in imports(&text) {
            let top = import.split("::").next().unwrap();
            let fits = |may: &str| may == top || import.starts_with(may);
            assert!(
                top == module || allowed.split_whitespace().any(fits),
                "{} uses {import}",
                file.display()
            );
            edges += 1;
        }
        assert!(
            !text.contains("axum") || AXUM_IN.contains(&module.as_str()),
            "{} knows axum",
            file.display()
        );
    }
    assert!(edges > 50, "only {edges} imports were found: the reader is broken");
}

#[test]
fn a_module_uses_only_what_lies_below_it() {
    for (at, (module, uses)) in ALLOWED.iter().enumerate() {
        for used in uses.split_whitespace() {
            let top = used.split("::").next().unwrap();
            let below = ALLOWED[..at].iter().any(|(lower, _)| *lower == top);
            assert!(below, "{module} would use {used}, which is not below it");
        }
    }
}

#[test]
fn the_reader_sees_every_form_of_an_import() {
    let text = "use crate::a::B; use crate::{ c::{D, E}, f, // g\n h::I }; let x = crate::j::k(1);";
    assert_eq!(imports(text), ["a::B", "c", "f", "h::I", "j::k"]);
}

#[test]
fn files_stay_small() {
    for file in sources(Path::new("src")) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 300, "{} has {lines} lines: is it one thing?", file.display());
    }
}
