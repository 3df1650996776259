//! The pages say what is there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use valetkey::web::Code;

use crate::support::{
    certificate,
    http::get,
    page::Page,
    process::{Server, run, transcript, valetkey},
    settings_file,
};

#[test]
fn every_code_has_its_heading() {
    let page = include_str!("../../docs/problems.md");
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(headings, names, "in the order of the codes");
    for code in Code::ALL {
        let section = page.split(&format!("## {}\n", code.name())).nth(1).unwrap();
        let status = format!("Status {}", code.status().as_u16());
        assert!(section.trim_start().starts_with(&status), "{}: {status}", code.name());
    }
}

#[tokio::test]
async fn every_fault_and_every_target_is_listed() {
    let server = Server::sandbox(&[]);
    let index = get(&format!("{}/_sandbox", server.stand_ins)).await.json();
    let page = include_str!("../../docs/sandbox.md");
    let settings = index["settings"].as_array().unwrap();
    for setting in settings {
        let name = setting.as_str().unwrap().split(['=', ':', ' ']).next().unwrap();
        let listed = |line: &&str| {
            line.starts_with(&format!("| `{name}`")) || line.starts_with(&format!("| `{name}="))
        };
        assert!(page.lines().any(|line| listed(&line)), "{name} is not in docs/sandbox.md");
    }
    for target in index["targets"].as_array().unwrap() {
        let target = target.as_str().unwrap();
        assert!(page.contains(&format!("`{target}`")), "{target} is not in docs/sandbox.md");
    }
    assert!(settings.len() > 15);
}

#[test]
fn no_link_leads_nowhere() {
    let mut links = 0;
    for page in Page::all() {
        for link in page.text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.starts_with("http") {
                continue;
            }
            let (target, heading) = link.split_once('#').unwrap_or((link, ""));
            let path = match target {
                "" => PathBuf::from(&page.path),
                target => Path::new(&page.path).parent().unwrap().join(target),
            };
            let text = fs::read_to_string(&path);
            let text = text.unwrap_or_else(|why| panic!("{} links to {link}: {why}", page.path));
            let there = heading.is_empty() || text.lines().any(|line| anchor(line) == heading);
            assert!(there, "{} links to {link}", page.path);
            links += 1;
        }
    }
    assert!(links > 20, "only {links} links were found");
}

/// How a heading is linked to.
fn anchor(line: &str) -> String {
    let heading = line.trim_start_matches('#').trim().to_lowercase();
    let kept = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
    heading.chars().filter(kept).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[test]
fn every_settings_file_on_a_page_can_be_used() {
    let mut blocks = 0;
    for page in Page::all() {
        for block in page.blocks("toml") {
            let (block, _files) = with_files(block);
            let file = settings_file(&block);
            let mut check = valetkey(&["check", "--config"]);
            check.arg(file.path()).envs(secrets(&block)).env("XAI_API_KEY", "key");
            let output = run(&mut check);
            let transcript = transcript(&output);
            assert!(output.status.success(), "{}:\n{block}\n{transcript}", page.path);
            blocks += 1;
        }
    }
    assert!(blocks > 8, "only {blocks} were found");
}

/// Where it names certificates or a key, names some that are there.
fn with_files(block: String) -> (String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let own = certificate::self_signed("localhost");
    let mut text = block.clone();
    for path in block.split("\"file:").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let there = folder.path().join(Path::new(path).file_name().unwrap());
        fs::write(&there, if path.ends_with(".key") { &own.key } else { &own.cert }).unwrap();
        text = text.replace(path, there.to_str().unwrap());
    }
    (text, folder)
}

/// Something for every variable that `block` refers to.
fn secrets(block: &str) -> Vec<(String, String)> {
    let references = block.split("\"env:").skip(1);
    let names = references.map(|rest| rest.split('"').next().unwrap().to_owned());
    names
        .map(|name| match name.as_str() {
            "REDIS_URL" => (name, "redis://127.0.0.1:6379".to_owned()),
            _ => (name, "0123456789abcdef".repeat(4)),
        })
        .collect()
}

#[test]
fn every_environment_on_a_page_can_be_used() {
    let mut blocks = 0;
    for page in Page::all() {
        for block in page.blocks("env") {
            let mut check = valetkey(&["check"]);
            check.envs(block.lines().map(|line| line.split_once('=').unwrap()));
            let output = run(check.env("XAI_API_KEY", "key"));
            assert!(output.status.success(), "{}: {}", page.path, transcript(&output));
            blocks += 1;
        }
    }
    assert!(blocks > 0);
}

#[test]
fn the_container_of_the_readme_starts() {
    let readme = Page::read("README.md");
    let blocks = readme.section("## Container").blocks("sh");
    let command = blocks.iter().find(|block| block.contains("docker run")).unwrap();
    let words = command.replace("\\\n", " ");
    let mut check = valetkey(&["check"]);
    for word in words.split_whitespace() {
        match word.split_once('=') {
            Some((name, value)) if name.starts_with("VALETKEY__") => {
                check.env(name, value.replace("$HASH", &"0".repeat(64)));
            }
            _ => (),
        }
    }
    let image = fs::read_to_string("Dockerfile").unwrap();
    let set = image.lines().filter_map(|line| line.strip_prefix("ENV ")?.split_once('='));
    let output = run(check.envs(set).env("XAI_API_KEY", "key"));
    let transcript = transcript(&output);
    assert!(output.status.success() && transcript.contains("\"0.0.0.0:8081\""), "{transcript}");
}

#[test]
fn every_setting_that_a_page_names_is_one() {
    const SECTIONS: &str = "server log session auth origins limits grants audit reload identity \
                            providers tokens";
    let is_part = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || b"_<>[]".contains(&byte);
        !part.is_empty() && part.bytes().all(allowed)
    };
    let mut named = 0;
    for page in Page::all() {
        let mut check = valetkey(&["check"]);
        for span in page.code_spans() {
            let key = span.split(" = ").next().unwrap();
            let section = key.split('.').next().unwrap();
            if !SECTIONS.split(' ').any(|it| it == section)
                || section == key
                || !key.split('.').all(is_part)
            {
                continue;
            }
            let key = key.replace("[]", ".0").replace("tokens.<type>", "tokens.xai_realtime");
            let key = key.replace("providers.<name>", "providers.xai").replace("<name>", "pro");
            check.env(format!("VALETKEY__{}", key.replace('.', "__").to_uppercase()), "x");
            named += 1;
        }
        // Any value will do, since what is complained about most is a key that does not exist.
        let transcript = transcript(&run(&mut check));
        assert!(!transcript.contains("is not a setting"), "{}: {transcript}", page.path);
    }
    assert!(named > 40, "only {named} were found");
}

/// The settings as they are shipped.
fn defaults() -> config::Config {
    let text = include_str!("../../config/default.toml");
    let source = config::File::from_str(text, config::FileFormat::Toml);
    config::Config::builder().add_source(source).build().unwrap()
}

#[test]
fn the_table_of_limits_has_the_defaults() {
    let page = Page::read("docs/access.md").section("## Limits");
    let defaults = defaults();
    let mut limits = defaults.get_table("limits").unwrap();
    limits.retain(|_, value| value.clone().into_table().is_ok());
    for row in page.rows() {
        let Some(limit) = row[0].strip_prefix("`limits.").map(|name| name.trim_end_matches('`'))
        else {
            continue;
        };
        let Some(values) = limits.remove(limit) else {
            assert!(limit.starts_with("named.") && row[3..].concat().is_empty(), "{row:?}");
            continue;
        };
        let values = values.into_table().unwrap();
        let value = |key: &str| values[key].clone().into_string().unwrap();
        assert_eq!(row[3..], [value("rate"), value("quota")], "{limit}");
        assert_eq!(value("mode"), "enforce");
    }
    assert!(limits.is_empty(), "{limits:?} are not in the table");
}

#[test]
fn the_reference_of_settings_explains_every_section() {
    let reference = include_str!("../../config/default.toml");
    let (mut seen, mut explained) = (Vec::new(), false);
    for line in reference.lines() {
        match line.split_once(" = ") {
            // A key is explained where it comes first: in the first provider, the first token type.
            Some((key, _)) if !line.starts_with('#') => {
                let connection = ["model", "model_id"].contains(&key);
                assert!(explained || connection || seen.contains(&key), "{line} has no comment");
                seen.push(key);
                explained = false;
            }
            _ => explained = line.starts_with('#') || (explained && line.starts_with('[')),
        }
    }
    assert!(seen.len() > 20);
}

#[test]
fn the_page_for_operations_knows_every_problem_and_every_default() {
    let page = Page::read("docs/operations.md");
    let problems = page.section("## What a problem means");
    let rows = problems.rows();
    let codes: Vec<&str> = rows.iter().skip(1).map(|row| row[0].trim_matches('`')).collect();
    let names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(codes, names, "in the order of the codes");

    let defaults = defaults();
    let mut named = Vec::new();
    for row in page.rows().iter().filter(|row| row.len() == 4 && row[1].starts_with('`')) {
        let key = row[1].trim_matches('`').replace("<name>", "xai");
        let key = key.replace("<type>", "xai_realtime");
        let default = defaults.get_string(&key).unwrap_or_else(|why| panic!("{key}: {why}"));
        assert_eq!(row[2].trim_matches(['`', '"']), default, "{key}");
        named.push(key);
    }
    for key in defaults.get_table("server").unwrap().into_keys() {
        let is_bound = ["timeout", "max_", "lame_duck", "drain"].iter().any(|it| key.contains(it));
        assert!(!is_bound || named.contains(&format!("server.{key}")), "{key} is not in a table");
    }
}
