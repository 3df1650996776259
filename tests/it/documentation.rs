//! The pages say what is there.

use std::{fs, path::Path};

use valetkey::web::Code;

use crate::support::{
    http::get,
    process::{Server, run, transcript, valetkey},
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
    let pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(str::to_owned);
    let docs =
        fs::read_dir("docs").unwrap().map(|entry| entry.unwrap().path().display().to_string());
    let mut links = 0;
    for page in pages.into_iter().chain(docs) {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let target = link.split('#').next().unwrap();
            if !target.is_empty() && !target.starts_with("http") {
                let path = Path::new(&page).parent().unwrap().join(target);
                assert!(path.exists(), "{page} links to {link}");
                links += 1;
            }
        }
    }
    assert!(links > 5, "only {links} links were found");
}

#[test]
fn settings_in_the_readme_can_be_used() {
    let blocks = include_str!("../../README.md").split("```toml\n").skip(1);
    let blocks: Vec<&str> = blocks.map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        fs::write(file.path(), block).unwrap();
        let output =
            run(valetkey(&["check", "--config"]).arg(file.path()).env("XAI_API_KEY", "key"));
        assert!(output.status.success(), "{}", transcript(&output));
    }
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
