//! Keeps credentials out of the history: people may send a real key by mistake.

use axum::http::HeaderMap;

use super::{ELEVENLABS_KEY, XAI_KEY, query::Query, tokens::Tokens};

/// How keys and tokens of known providers begin.
const KEY_PREFIXES: [&str; 5] = ["xai-", "sk_", "sk-", "sutkn_", "ek_"];

/// Shortest word taken for a key on its prefix alone.
const KEY_LENGTH: usize = 16;

/// Headers whose name suggests a credential but that carry none.
const HARMLESS: [&str; 1] = ["sec-websocket-key"];

/// Parts of names of headers and query parameters that carry credentials.
const TELLTALE: [&str; 5] = ["auth", "key", "token", "secret", "cookie"];

/// Subprotocols that carry a credential after the dot.
const SUBPROTOCOLS: [&str; 2] = ["xai-client-secret", "openai-insecure-api-key"];

/// The value of the header `name`, safe to keep; several values are joined as HTTP joins them.
pub(crate) fn header(tokens: &Tokens, headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter();
    let text: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let text = text.join(", ");
    match name {
        "authorization" => authorization(tokens, &text),
        "sec-websocket-protocol" => {
            let offered: Vec<_> =
                text.split(',').map(|one| subprotocol(tokens, one.trim())).collect();
            offered.join(", ")
        }
        _ if tells(name) => word(tokens, &text).to_owned(),
        _ => scrub(tokens, &text),
    }
}

/// Names and values of `query`, safe to keep.
pub(crate) fn query<'a>(
    tokens: &'a Tokens,
    query: &'a Query,
) -> impl Iterator<Item = (String, String)> + 'a {
    query.iter().map(|(name, value)| {
        let value = if tells(name) { word(tokens, value).to_owned() } else { scrub(tokens, value) };
        (scrub(tokens, name), value)
    })
}

/// `text` with everything in it that looks like a key replaced.
pub(crate) fn scrub(tokens: &Tokens, text: &str) -> String {
    let part_of_key = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(part_of_key) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !part_of_key(c)).unwrap_or(from.len());
        let (candidate, after) = from.split_at(end);
        clean.push_str(before);
        clean.push_str(if looks_like_key(candidate) { word(tokens, candidate) } else { candidate });
        rest = after;
    }
    clean + rest
}

fn looks_like_key(text: &str) -> bool {
    // `task_…` begins no key, though it contains how one begins.
    let begins_at = |at: usize| !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    let begins = |prefix: &str| text.match_indices(prefix).any(|(at, _)| begins_at(at));
    text == XAI_KEY
        || text == ELEVENLABS_KEY
        || text.len() >= KEY_LENGTH && KEY_PREFIXES.iter().any(|prefix| begins(prefix))
}

fn tells(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !HARMLESS.contains(&name.as_str()) && TELLTALE.iter().any(|part| name.contains(part))
}

/// Keeps the scheme, which says much about a client, and only if it is the usual one.
fn authorization(tokens: &Tokens, text: &str) -> String {
    match text.split_once(' ') {
        Some((scheme, credential)) if scheme.eq_ignore_ascii_case("bearer") => {
            format!("{scheme} {}", word(tokens, credential.trim()))
        }
        _ => word(tokens, text).to_owned(),
    }
}

fn subprotocol(tokens: &Tokens, text: &str) -> String {
    match text.split_once('.') {
        Some((name, credential)) if SUBPROTOCOLS.contains(&name) => {
            format!("{name}.{}", word(tokens, credential))
        }
        _ => scrub(tokens, text),
    }
}

/// The word that stands for a credential.
fn word(tokens: &Tokens, credential: &str) -> &'static str {
    if credential == XAI_KEY || credential == ELEVENLABS_KEY {
        return "<sandbox key>";
    }
    if tokens.knows(credential) { "<minted token>" } else { "<other>" }
}
