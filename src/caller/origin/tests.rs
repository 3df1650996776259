//! Which pages are welcome.

use std::net::IpAddr;

use http::{HeaderName, HeaderValue, Method};
use proptest::prelude::*;

use super::*;
use crate::caller::Claims;

const APP: &str = "https://app.example";

/// A request: its headers, whether a trusted proxy is in between, and how its caller is known.
struct Request {
    headers: HeaderMap,
    proxied: bool,
    via: Via,
    origins: Option<Vec<Origin>>,
}

fn request(pairs: &[(&'static str, &str)]) -> Request {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    Request { headers, proxied: false, via: Via::Jwt, origins: None }
}

impl Request {
    fn anonymous(mut self) -> Self {
        self.via = Via::Anonymous;
        self
    }

    fn proxied(mut self) -> Self {
        self.proxied = true;
        self
    }

    fn of_key(mut self, origins: &[&str]) -> Self {
        self.origins = Some(exact(origins));
        self
    }

    fn at(&self, allowed: &[Origin]) -> Result<(), NotWelcome> {
        let client = IpAddr::from([203, 0, 113, 7]);
        let asking = Asking {
            method: &Method::POST,
            path: "/",
            headers: &self.headers,
            peer: client,
            peer_is_trusted: self.proxied,
            client,
        };
        let origins = self.origins.clone().map(Into::into);
        let caller = Caller {
            id: "ada".into(),
            via: self.via,
            issuer: None,
            claims: Claims::default(),
            origins,
        };
        is_welcome(&asking, allowed, &caller)
    }
}

fn exact(origins: &[&str]) -> Vec<Origin> {
    origins.iter().map(|origin| Origin::Exact((*origin).to_owned())).collect()
}

fn from(origin: &str) -> Request {
    request(&[("host", "voice.example"), ("origin", origin)])
}

#[test]
fn csrf_and_cors_other_origin_null_subdomain_suffix_port_case() {
    let allowed = exact(&[APP, "http://localhost:5173"]);
    for site in ["cross-site", "same-site", "same-origin", "none", "odd"] {
        let request = request(&[("origin", APP), ("sec-fetch-site", site)]);
        assert_eq!(request.at(&allowed), Ok(()), "{site}");
        assert_eq!(request.anonymous().at(&allowed), Ok(()), "{site}");
    }
    assert_eq!(from("http://localhost:5173").at(&allowed), Ok(()));
    for other in [
        "https://evil.example",
        "null",
        "https://www.app.example",
        "https://evil-app.example",
        "https://app.example.evil.example",
        "https://app.exampl",
        "https://app.example:444",
        "https://app.example:443",
        "https://app.example:",
        "http://app.example",
        "HTTPS://app.example",
        "https://APP.example",
        "https://app.example.",
        "https://app.example/",
        "https://app.example/x",
        "https://app.example,https://evil.example",
        "https://app.example@evil.example",
        "https://evil.example\\@app.example",
        "app.example",
        "*",
        "file://",
    ] {
        assert_eq!(from(other).at(&allowed), Err(NotWelcome::Foreign), "{other}");
    }
    for odd in ["", " ", "https://app.example https://evil.example", "https://\u{e4}pp.example"] {
        assert_eq!(from(odd).at(&allowed), Err(NotWelcome::Odd), "{odd}");
        assert_eq!(from(odd).at(&[Origin::Any]), Err(NotWelcome::Odd), "{odd}");
    }
    let twice = request(&[("origin", APP), ("origin", APP)]);
    assert_eq!(twice.at(&allowed), Err(NotWelcome::Odd));
}

#[test]
fn with_an_asterisk_every_page_is_welcome() {
    for origin in [APP, "null", "https://evil.example", "file://"] {
        assert_eq!(from(origin).anonymous().at(&[Origin::Any]), Ok(()), "{origin}");
    }
    assert_eq!(request(&[("sec-fetch-site", "cross-site")]).at(&[Origin::Any]), Ok(()));
}

#[test]
fn a_request_without_origin_comes_from_no_page_unless_its_browser_says_otherwise() {
    assert_eq!(request(&[]).anonymous().at(&[]), Ok(()));
    for (site, expected) in [
        ("same-origin", Ok(())),
        ("none", Ok(())),
        ("same-site", Err(NotWelcome::Hidden)),
        ("cross-site", Err(NotWelcome::Hidden)),
        ("", Err(NotWelcome::Hidden)),
        ("None", Err(NotWelcome::Hidden)),
    ] {
        assert_eq!(request(&[("sec-fetch-site", site)]).at(&exact(&[APP])), expected, "{site}");
    }
    let twice = request(&[("sec-fetch-site", "none"), ("sec-fetch-site", "none")]);
    assert_eq!(twice.at(&[]), Err(NotWelcome::Hidden));
}

#[test]
fn the_origins_of_a_key_are_all_that_count_for_it() {
    let allowed = exact(&["https://other.example"]);
    let origins = [APP];
    assert_eq!(from(APP).of_key(&origins).at(&allowed), Ok(()));
    let refused = Err(NotWelcome::NotTheKeys);
    assert_eq!(from("https://other.example").of_key(&origins).at(&allowed), refused);
    assert_eq!(from("https://other.example").of_key(&origins).at(&[Origin::Any]), refused);
    assert_eq!(from("https://voice.example").of_key(&origins).at(&allowed), refused);
    assert_eq!(from("null").of_key(&origins).at(&allowed), refused);
    assert_eq!(request(&[]).of_key(&origins).at(&allowed), refused);
    assert_eq!(from(APP).of_key(&[]).at(&[Origin::Any]), refused);
    let twice = request(&[("origin", APP), ("origin", APP)]);
    assert_eq!(twice.of_key(&origins).at(&allowed), Err(NotWelcome::Odd));
}

#[test]
fn the_servers_own_pages_are_welcome() {
    for (origin, host) in [
        ("https://voice.example", "voice.example"),
        ("https://voice.example", "voice.example:443"),
        ("https://voice.example", "VOICE.example"),
        ("http://voice.example", "voice.example"),
        ("http://voice.example", "voice.example:80"),
        ("http://voice.example:8080", "voice.example:8080"),
        ("https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("https://[2001:db8::a]", "[2001:DB8::A]:443"),
    ] {
        let pairs = [("host", host), ("origin", origin), ("sec-fetch-site", "same-origin")];
        assert_eq!(request(&pairs).at(&[]), Ok(()), "{origin} at {host}");
        assert_eq!(request(&pairs[..2]).at(&[]), Ok(()), "{origin} at {host}");
        for site in ["same-site", "cross-site", "none", "odd"] {
            let pairs = [pairs[0], pairs[1], ("sec-fetch-site", site)];
            assert_eq!(request(&pairs).at(&[]), Err(NotWelcome::Foreign), "{origin} {site}");
        }
    }
}

#[test]
fn odd_origins_and_hosts_are_refused_and_not_repaired() {
    for (origin, host) in [
        ("https://voice.example", "voice.example:80"),
        ("https://voice.example", "voice.example:"),
        ("https://voice.example", "voice.example:0443"),
        ("https://voice.example", "voice.example:443:443"),
        ("https://voice.example", "voice.example."),
        ("https://voice.example", "user@voice.example"),
        ("https://voice.example", "voice.example/"),
        ("https://voice.example", "voice.example\\"),
        ("https://voice.example", "voice.example, voice.example"),
        ("https://voice.example", "evil.example"),
        ("https://voice.example", ""),
        ("https://voice.example:8443", "voice.example"),
        ("http://voice.example:443", "voice.example"),
        ("https://voice.example.", "voice.example."),
        ("https://voice.example.", "voice.example"),
        ("https://user@voice.example", "user@voice.example"),
        ("https://user@voice.example", "voice.example"),
        ("https://voice.example\\", "voice.example\\"),
        ("https://voice.example\\x", "voice.example"),
        ("https://VOICE.example", "VOICE.example"),
        ("https://voice.example:443", "voice.example:443"),
        ("https://xn--a-ecp.example", "xn--a-ecp.example"),
        ("https://b%C3%BCcher.example", "b%C3%BCcher.example"),
        ("https://127.1", "127.1"),
        ("https://0x7f000001", "0x7f000001"),
        ("https://[::0:1]", "[::0:1]"),
        ("ws://voice.example", "voice.example"),
        ("https:voice.example", "voice.example"),
        ("https:///voice.example", "voice.example"),
        ("//voice.example", "voice.example"),
        ("null", "null"),
    ] {
        let request = request(&[("host", host), ("origin", origin)]);
        assert_eq!(request.at(&[]), Err(NotWelcome::Foreign), "{origin} at {host}");
    }
    let own = "https://voice.example";
    let hosts = [("host", "voice.example"), ("host", "voice.example"), ("origin", own)];
    assert_eq!(request(&hosts).at(&[]), Err(NotWelcome::Foreign));
    assert_eq!(request(&[("origin", own)]).at(&[]), Err(NotWelcome::Foreign));
}

#[test]
fn a_trusted_proxy_says_what_the_host_was() {
    let own = ("origin", "https://voice.example");
    let inner = ("host", "valetkey:8080");
    let outer = ("x-forwarded-host", "voice.example");
    assert_eq!(request(&[inner, own, outer]).proxied().at(&[]), Ok(()));
    let foreign = Err(NotWelcome::Foreign);
    assert_eq!(request(&[inner, own, outer]).at(&[]), foreign);
    assert_eq!(request(&[inner, own, outer, outer]).proxied().at(&[]), foreign);
    assert_eq!(request(&[inner, own]).proxied().at(&[]), foreign);
    let evil = ("x-forwarded-host", "evil.example");
    assert_eq!(request(&[("host", "voice.example"), own, evil]).proxied().at(&[]), foreign);
    assert_eq!(request(&[("host", "voice.example"), own]).proxied().at(&[]), Ok(()));
}

#[test]
fn a_name_that_was_pointed_here_is_no_ones_own_for_anonymous_callers() {
    let at = |host: &str| {
        let origin = format!("http://{host}");
        let pairs = [("host", host), ("origin", &origin), ("sec-fetch-site", "same-origin")];
        request(&pairs).anonymous().at(&exact(&["http://voice.internal:8080"]))
    };
    for own in [
        "localhost:8080",
        "app.localhost",
        "127.0.0.1:8080",
        "192.168.0.7",
        "[::1]:8080",
        "voice.internal:8080",
    ] {
        assert_eq!(at(own), Ok(()), "{own}");
    }
    for name in [
        "evil.example:8080",
        "voice.internal",
        "localhost.evil.example",
        "evil-localhost",
        "127.0.0.1.evil.example",
    ] {
        assert_eq!(at(name), Err(NotWelcome::Rebound), "{name}");
    }
    let origin = "https://voice.example";
    let proxied =
        [("host", "127.0.0.1"), ("x-forwarded-host", "voice.example"), ("origin", origin)];
    assert_eq!(request(&proxied).proxied().anonymous().at(&[]), Err(NotWelcome::Rebound));
}

proptest! {
    #[test]
    fn an_origin_that_is_neither_listed_nor_the_hosts_is_never_welcome(
        origin in "(https?://)?[a-z.@:\\\\/\\[\\]0-9A-Z%-]{0,20}(app\\.example|voice\\.example)?[.:/@a-z0-9]{0,6}",
        host in "[a-zA-Z.@:\\\\/0-9-]{0,12}(voice\\.example)?(:443|:80)?",
        anonymous: bool, proxied: bool,
    ) {
        prop_assume!(origin != APP);
        let bare = |text: &str| {
            let text = text.rsplit_once("://").map_or(text, |(_, rest)| rest);
            let text = text.strip_suffix(":443").or(text.strip_suffix(":80")).unwrap_or(text);
            text.to_lowercase()
        };
        prop_assume!(bare(&origin) != bare(&host));
        let mut request = request(&[("host", &host), ("origin", &origin)]);
        request.proxied = proxied;
        if anonymous {
            request.via = Via::Anonymous;
        }
        prop_assert!(request.at(&exact(&[APP])).is_err());
        request.headers.insert("x-forwarded-host", HeaderValue::from_static("proxy.example"));
        prop_assert!(!proxied || request.at(&exact(&[APP])).is_err());
    }
}
