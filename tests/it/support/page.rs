//! The pages of the documentation: what they show is what is tested.

use std::fs;

/// A page.
pub struct Page {
    /// Its path from the root of the repository.
    pub path: String,
    pub text: String,
}

impl Page {
    pub fn read(path: &str) -> Self {
        Self { path: path.to_owned(), text: fs::read_to_string(path).expect(path) }
    }

    /// All of them, those in the root first.
    pub fn all() -> Vec<Self> {
        let root = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
        let mut docs: Vec<String> = fs::read_dir("docs")
            .unwrap()
            .map(|entry| entry.unwrap().path().display().to_string())
            .collect();
        docs.sort();
        let paths = root.map(str::to_owned).into_iter().chain(docs);
        paths.map(|path| Self::read(&path)).collect()
    }

    /// What stands below `heading`, up to the next of any level.
    pub fn section(&self, heading: &str) -> Self {
        let (path, heading) = (format!("{} ({heading})", self.path), format!("\n{heading}\n"));
        let (_, below) = self.text.split_once(&heading).unwrap_or_else(|| panic!("no {path}"));
        let mut lines = Vec::new();
        let mut in_block = false;
        for line in below.lines() {
            in_block ^= line.starts_with("```");
            // A comment in a block begins like a heading.
            if line.starts_with('#') && !in_block {
                break;
            }
            lines.push(line);
        }
        Self { path, text: lines.join("\n") }
    }

    /// Its code blocks in `language`.
    pub fn blocks(&self, language: &str) -> Vec<String> {
        let mut found: Vec<Vec<&str>> = Vec::new();
        let (mut in_block, mut wanted) = (false, false);
        for line in self.text.lines() {
            if let Some(info) = line.strip_prefix("```") {
                (in_block, wanted) = (!in_block, !in_block && info == language);
                if wanted {
                    found.push(Vec::new());
                }
            } else if wanted {
                found.last_mut().unwrap().push(line);
            }
        }
        found.into_iter().map(|lines| lines.join("\n")).collect()
    }

    /// Every row of its tables, as cells.
    pub fn rows(&self) -> Vec<Vec<&str>> {
        let rows = self.text.lines().filter_map(|line| line.strip_prefix("| "));
        rows.map(|row| row.trim_end_matches('|').split('|').map(str::trim).collect()).collect()
    }

    /// What stands in backticks amid its prose and tables.
    pub fn code_spans(&self) -> Vec<&str> {
        let mut in_block = false;
        let mut found = Vec::new();
        for line in self.text.lines() {
            if line.starts_with("```") {
                in_block = !in_block;
            } else if !in_block {
                found.extend(line.split('`').skip(1).step_by(2));
            }
        }
        found
    }
}
