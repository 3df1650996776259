//! The client's address: what the trusted proxies say, and no word more. Anything further to the
//! left in their lists was written by the client.

use std::{
    iter,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use http::{HeaderMap, header::FORWARDED};
use ipnet::IpNet;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// So many hops are looked at. Nobody has as many proxies; an attacker may write as many.
const MAX_HOPS: usize = 32;

/// Whose request it is: `peer`, unless that is one of the `trusted` proxies; then the first
/// untrusted hop from the right in `X-Forwarded-For` (all its lines), or in `Forwarded` (RFC 7239).
///
/// A hop that is no address ends the walk, and the nearest known one stands for it. Where all are
/// trusted, it is the leftmost.
///
/// Where both headers are there and lead to different clients, it is `peer`: a proxy that writes
/// one of them passes the other through as the client sent it, and nothing tells which is which.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let listed = headers.contains_key(X_FORWARDED_FOR);
    let listed = listed.then(|| walk(peer, listed_hops(headers), trusted));
    let described = headers.contains_key(FORWARDED);
    let described = described.then(|| walk(peer, described_hops(headers), trusted));
    match (listed, described) {
        (Some(one), Some(other)) if one != other => peer,
        (one, other) => one.or(other).unwrap_or(peer),
    }
}

/// Whether `peer` is one of the `trusted` proxies. An IPv4-mapped address, as a listener on `[::]`
/// sees it, counts as the IPv4 address; the settings write mapped networks as IPv4 ones.
pub fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|network| network.contains(&peer))
}

/// What an `address` is counted by: IPv4 whole, IPv6 by its /64, which is what one household has:
/// it would otherwise have as many addresses as it likes.
pub fn limit_key(address: IpAddr) -> [u8; 16] {
    match address.to_canonical() {
        // Mapped, so that no IPv6 network has the same key.
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).octets(),
    }
}

/// From the right past trusted hops to the first that is not.
fn walk(peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>, trusted: &[IpNet]) -> IpAddr {
    let mut nearest = peer;
    for hop in hops.take(MAX_HOPS) {
        let Some(address) = hop else { break };
        nearest = address;
        if !is_trusted(nearest, trusted) {
            break;
        }
    }
    nearest
}

/// The hops of `X-Forwarded-For`, the nearest first; `None` for one that is no address.
fn listed_hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')).map(address)
}

/// The hops of `Forwarded`, the nearest first; `None` for one whose `for` is no address.
fn described_hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = headers.get_all(FORWARDED).iter().rev();
    lines.flat_map(|line| split_from_right(line.as_bytes(), b',')).map(for_address)
}

/// The address in `for=`, which may be there once.
fn for_address(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    for pair in split_from_right(element, b';') {
        let pair = pair.trim_ascii();
        let Some((name, value)) = pair.split_at_checked(4) else { continue };
        if name.eq_ignore_ascii_case(b"for=") && found.replace(value).is_some() {
            return None;
        }
    }
    let value = found?;
    // An address never needs an escape, so one that has any is no address.
    let quoted = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    address(quoted.unwrap_or(value))
}

/// The parts between `separator`s outside of quotes, the last first.
///
/// From the right, because what a proxy appended is well-formed, and what stands to the left of it
/// may open a quote and never close it, to swallow what follows.
fn split_from_right(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        for (at, byte) in text.iter().enumerate().rev() {
            if *byte == b'"' && !(quoted && is_escaped(&text[..at])) {
                quoted = !quoted;
            } else if *byte == separator && !quoted {
                rest = Some(&text[..at]);
                return Some(&text[at + 1..]);
            }
        }
        rest.take()
    })
}

/// Whether the byte after `before` is: by an odd number of backslashes.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// An address, with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:80`.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text.trim_ascii()).ok()?;
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    let bare = text.parse::<IpAddr>().ok().or_else(|| bracketed().map(IpAddr::V6));
    let found = bare.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    Some(found?.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn trusted() -> Vec<IpNet> {
        ["10.0.0.0/8", "fd00::/8", "172.16.0.0/12"].map(|it| it.parse().unwrap()).to_vec()
    }

    fn client(peer: &str, lines: &[(&'static str, &[u8])]) -> IpAddr {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = HeaderValue::from_bytes(value).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        client_address(ip(peer), &headers, &trusted())
    }

    #[test]
    fn x_forwarded_for_counts_trusted_hops_from_the_right() {
        for (lines, expected) in [
            (&["203.0.113.7"] as &[&str], "203.0.113.7"),
            (&["6.6.6.6, 203.0.113.7, 10.9.9.9"], "203.0.113.7"),
            (&["6.6.6.6", "203.0.113.7,10.9.9.9", " fd00::1 "], "203.0.113.7"),
            (&["6.6.6.6, unknown, 10.9.9.9"], "10.9.9.9"),
            (&["6.6.6.6, _hidden"], PROXY),
            (&["6.6.6.6,"], PROXY),
            (&[""], PROXY),
            (&["203.0.113.7:1234"], "203.0.113.7"),
            (&["203.0.113.7:99999"], PROXY),
            (&["[2001:db8::1]:1234"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["::ffff:203.0.113.7, ::ffff:10.2.2.2, 172.16.1.1"], "203.0.113.7"),
            (&["10.3.3.3, 10.4.4.4"], "10.3.3.3"),
        ] {
            let lines: Vec<_> =
                lines.iter().map(|line| ("x-forwarded-for", line.as_bytes())).collect();
            assert_eq!(client(PROXY, &lines), ip(expected), "{lines:?}");
        }
        let many = ["6.6.6.6"].into_iter().chain(iter::repeat_n("10.4.4.4", MAX_HOPS));
        let many = many.collect::<Vec<_>>().join(",");
        assert_eq!(client(PROXY, &[("x-forwarded-for", many.as_bytes())]), ip("10.4.4.4"));
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_has_it() {
        for (lines, expected) in [
            (&["for=203.0.113.7"] as &[&str], "203.0.113.7"),
            (&["for=192.0.2.43:47011"], "192.0.2.43"),
            (&["For=\"[2001:db8::1]:4711\";proto=http;by=10.1.1.1"], "2001:db8::1"),
            (&["proto=https; FOR=203.0.113.7 ;host=\"a,b;for=6.6.6.6\\\"\""], "203.0.113.7"),
            (&["for=6.6.6.6, for=203.0.113.7", "for=10.1.1.1, for=\"[fd00::1]\""], "203.0.113.7"),
            (&["for=6.6.6.6, for=\"a,b\", for=10.1.1.1"], "10.1.1.1"),
            (&["for=\"_a\\\",for=6.6.6.6\""], PROXY),
            (&["for=6.6.6.6;for=203.0.113.7"], PROXY),
            (&["for=6.6.6.6, for=unknown"], PROXY),
            (&["for=6.6.6.6, proto=https"], PROXY),
            (&["for=\"6.6.6.6, for=203.0.113.7"], "203.0.113.7"),
            (&["for=\"\\, for=\"[2001:db8::1]\""], "2001:db8::1"),
            (&["for=6.6.6.6, for="], PROXY),
            (&[""], PROXY),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| ("forwarded", line.as_bytes())).collect();
            assert_eq!(client(PROXY, &lines), ip(expected), "{lines:?}");
        }
    }

    #[test]
    fn two_headers_that_disagree_say_nothing() {
        let both = |one: &'static str, other: &'static str| {
            client(PROXY, &[("x-forwarded-for", one.as_bytes()), ("forwarded", other.as_bytes())])
        };
        assert_eq!(both("203.0.113.7", "for=203.0.113.7"), ip("203.0.113.7"));
        assert_eq!(both("203.0.113.7", "for=6.6.6.6"), ip(PROXY));
        assert_eq!(both("6.6.6.6", "for=203.0.113.7"), ip(PROXY));
        assert_eq!(both("203.0.113.7", "garbage"), ip(PROXY));
    }

    #[test]
    fn forwarded_header_spoofing_ipv6_rotation_in_a_64() {
        let spoof: &[(&str, &[u8])] =
            &[("x-forwarded-for", b"6.6.6.6"), ("forwarded", b"for=6.6.6.6")];
        assert_eq!(client("203.0.113.7", spoof), ip("203.0.113.7"));
        assert_eq!(client("::ffff:203.0.113.7", spoof), ip("203.0.113.7"));
        assert_eq!(client("::ffff:10.0.0.1", &spoof[..1]), ip("6.6.6.6"));
        assert!(
            !is_trusted(ip("11.0.0.1"), &trusted()) && is_trusted(ip("172.16.0.9"), &trusted())
        );
        assert!(!is_trusted(ip("10.0.0.1"), &["::/0".parse().unwrap()]));

        let key = |text| limit_key(ip(text));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("203.0.113.7"), key("::ffff:203.0.113.7"));
        assert_ne!(key("203.0.113.7"), key("203.0.113.8"));
        assert_ne!(key("0.0.0.0"), key("::"));
    }

    fn header_bytes(least: usize) -> impl Strategy<Value = Vec<u8>> {
        let odd = prop::sample::select(&b"\",;\\=[]:. f"[..]);
        let any = prop_oneof![odd, 0x20_u8..=0x7e, 0x80_u8..=0xff];
        vec(any, least..60)
    }

    proptest! {
        #[test]
        fn nothing_to_the_left_of_the_true_peer_matters(
            before in vec(header_bytes(0), 0..3), left in header_bytes(0), own_line: bool,
        ) {
            for (name, hop, tail) in [
                ("x-forwarded-for", "203.0.113.7", ""),
                ("x-forwarded-for", "2001:db8::7", ", 10.2.2.2"),
                ("forwarded", "for=203.0.113.7;proto=https", ""),
                ("forwarded", "proto=https;For=\"[2001:db8::7]:80\"", ", for=\"10.2.2.2:1\""),
            ] {
                let mut lines: Vec<_> =
                    before.iter().map(|line| (name, line.clone())).collect();
                let start = if own_line { Vec::new() } else { [&left[..], b", "].concat() };
                lines.push((name, [&start[..], hop.as_bytes(), tail.as_bytes()].concat()));
                let lines: Vec<_> = lines.iter().map(|(name, line)| (*name, &line[..])).collect();
                let expected = if hop.contains("203") { "203.0.113.7" } else { "2001:db8::7" };
                prop_assert_eq!(client(PROXY, &lines), ip(expected));
            }
        }

        #[test]
        fn anything_gives_some_address(one in header_bytes(0), other in header_bytes(0)) {
            client(PROXY, &[("x-forwarded-for", &one), ("forwarded", &other)]);
            client(PROXY, &[("forwarded", &one), ("forwarded", &other)]);
        }
    }
}
