//! A second look at JSON that was already found to be JSON: a scan for its brackets and names.

use std::collections::BTreeSet;

/// What `serde_json::Value` does not tell.
#[derive(Default)]
pub(super) struct Scan {
    /// In how many objects and lists the innermost value is.
    pub(super) depth: usize,
    /// The objects that have a name twice, each by the names that lead there; "" for a list.
    pub(super) repeats: BTreeSet<Vec<String>>,
}

/// An object or a list that is not yet at its end.
#[derive(Default)]
struct Open {
    names: BTreeSet<String>,
    /// The name of what is read now.
    now: String,
}

pub(super) fn scan(json: &[u8]) -> Scan {
    let (mut found, mut open) = (Scan::default(), Vec::<Open>::new());
    let mut at = 0;
    while at < json.len() {
        match json[at] {
            b'{' | b'[' => open.push(Open::default()),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let end = at + string(&json[at..]);
                let is_name = json[end..].trim_ascii_start().starts_with(b":");
                if let Some(inner) = open.last_mut().filter(|_| is_name) {
                    inner.now = serde_json::from_slice(&json[at..end]).unwrap_or_default();
                    if !inner.names.insert(inner.now.clone()) {
                        let outer = &open[..open.len() - 1];
                        found.repeats.insert(outer.iter().map(|it| it.now.clone()).collect());
                    }
                }
                at = end - 1;
            }
            _ => (),
        }
        found.depth = found.depth.max(open.len());
        at += 1;
    }
    found
}

/// The length of the string that `json` begins with, its quotes included.
fn string(json: &[u8]) -> usize {
    let mut end = 1;
    while end < json.len() && json[end] != b'"' {
        end += if json[end] == b'\\' { 2 } else { 1 };
    }
    (end + 1).min(json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_what_is_there_twice_and_where() {
        let scanned = scan(br#"{"a":{"b":[{"c":"}\"{","c":1}]},"\u0061":2,"d":[[]]}"#);
        assert_eq!(scanned.depth, 4);
        let paths: Vec<String> = scanned.repeats.iter().map(|path| path.join("/")).collect();
        assert_eq!(paths, ["", "a/b/"]);
        assert!(scan(br#"{"a":{"a":{"a":["a","a"]}}}"#).repeats.is_empty());
    }
}
