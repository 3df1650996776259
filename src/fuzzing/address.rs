//! `X-Forwarded-For` and `Forwarded`.

use std::{
    net::{IpAddr, SocketAddr},
    sync::LazyLock,
};

use http::{HeaderMap, HeaderName, HeaderValue, header::FORWARDED};
use ipnet::IpNet;

use crate::caller::{client_address, limit_key};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The most hops that are looked at.
const MAX_HOPS: usize = 32;

static TRUSTED: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    ["10.0.0.0/8", "fd00::/8"].map(|it| it.parse().expect("these are networks")).to_vec()
});

/// The client is the peer, unless that is a trusted proxy; and whatever a client writes to the left
/// of the hop that a proxy saw changes nothing. Each line of the bytes is a line of a header:
/// `Forwarded` if there is a `=` in it.
pub fn address(data: &[u8]) {
    let headers = headers(data);
    let [near, far] = ["10.0.0.1", "203.0.113.9"].map(ip);
    assert_eq!(client_address(far, &headers, &TRUSTED), far, "a stranger was believed");
    assert_eq!(client_address(near, &headers, &[]), near, "nobody is to be believed");

    let found = client_address(near, &headers, &TRUSTED);
    let mapped = "::ffff:10.0.0.1".parse().expect("this is an address");
    assert_eq!(client_address(mapped, &headers, &TRUSTED), found);
    assert_eq!(limit_key(found).len(), 16);
    if let Some(naive) = naive(near, &headers) {
        assert_eq!(found, naive);
    }
    for name in [X_FORWARDED_FOR, FORWARDED] {
        alone(near, &headers, &name);
    }
}

/// One of the headers: what stands to the left of an untrusted hop does not matter.
fn alone(peer: IpAddr, headers: &HeaderMap, name: &HeaderName) {
    let lines: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
    let of = |lines: &[HeaderValue]| {
        let lines = lines.iter().map(|line| (name.clone(), line.clone()));
        client_address(peer, &HeaderMap::from_iter(lines), &TRUSTED)
    };
    let line = |text: &[u8]| HeaderValue::from_bytes(text).expect("it came from a header");
    let bytes: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    let text = bytes.join(&b", "[..]);
    let whole = of(&[line(&text)]);
    let is = if *name == FORWARDED { "for=" } else { "" };
    for seen in ["203.0.113.7", "\"[2001:db8::7]:80\""] {
        // A proxy adds what it saw, to the line that is there or as a line of its own.
        let seen = if *name == FORWARDED { seen } else { seen.trim_matches('"') };
        let hop = format!("{is}{seen}, {is}10.2.2.2");
        let expected = ip(seen.trim_matches('"').trim_end_matches(":80").trim_matches(['[', ']']));
        let added = [&text[..], b", ", hop.as_bytes()].concat();
        assert_eq!(of(&[line(&added)]), expected);
        assert_eq!(of(&[line(&text), line(hop.as_bytes())]), expected);
    }
    // Nothing more can be said of a client that all claim to be proxies.
    let forged = ip("198.51.100.66");
    let forged_line = line(format!("{is}{forged}").as_bytes());
    let with_forged = of(&[forged_line, line(&text)]);
    let is_trusted = TRUSTED.iter().any(|network| network.contains(&whole));
    assert!(with_forged == whole || (with_forged == forged && is_trusted));
}

fn headers(data: &[u8]) -> HeaderMap {
    let lines = data.split(|byte| *byte == b'\n').take(8);
    let lines = lines.filter_map(|line| Some((line, HeaderValue::from_bytes(line).ok()?)));
    let named = lines.map(|(line, value)| {
        (if line.contains(&b'=') { FORWARDED } else { X_FORWARDED_FOR }, value)
    });
    let mut headers = HeaderMap::new();
    for (name, value) in named {
        headers.append(name, value);
    }
    headers
}

/// The same by someone who reads from the left, and no quotes: `None` where there are any.
fn naive(peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
    let mut found = Vec::new();
    for name in [X_FORWARDED_FOR, FORWARDED] {
        if !headers.contains_key(&name) {
            continue;
        }
        let lines = headers.get_all(&name).iter().map(HeaderValue::as_bytes);
        let lines: Vec<String> =
            lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        let all = lines.join(",");
        if name == FORWARDED && all.contains('"') {
            return None;
        }
        let hops = all.split(',').map(|hop| match name == FORWARDED {
            true => in_for(hop),
            false => with_port(hop),
        });
        let hops: Vec<Option<IpAddr>> = hops.collect();
        found.push(nearest(peer, &hops[hops.len().saturating_sub(MAX_HOPS)..]));
    }
    found.dedup();
    Some(if let [only] = found[..] { only } else { peer })
}

/// The last of the hops that is not trusted; or the one after the last that is no address.
fn nearest(peer: IpAddr, hops: &[Option<IpAddr>]) -> IpAddr {
    let is_proxy = |hop: &Option<IpAddr>| {
        hop.is_some_and(|it| TRUSTED.iter().any(|network| network.contains(&it)))
    };
    let last = hops.iter().rposition(|hop| !is_proxy(hop));
    let after = |at: usize| hops.get(at).copied().flatten();
    match last {
        Some(at) => hops[at].or_else(|| after(at + 1)).unwrap_or(peer),
        None => after(0).unwrap_or(peer),
    }
}

fn in_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').map(|pair| pair.trim_matches(is_blank));
    let mut values =
        pairs.filter(|it| it.to_ascii_lowercase().starts_with("for=")).map(|it| &it[4..]);
    match (values.next(), values.next()) {
        (Some(only), None) => with_port(only),
        _ => None,
    }
}

fn with_port(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches(is_blank);
    let without = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let without = without.filter(|it| it.contains(':')).unwrap_or(text);
    let bare = without.parse::<IpAddr>().ok();
    let with = text.parse::<SocketAddr>().ok().map(|it| it.ip());
    Some(bare.or(with)?.to_canonical())
}

fn is_blank(letter: char) -> bool {
    letter.is_ascii_whitespace()
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("this is an address")
}
