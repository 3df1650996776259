//! Every dangerous combination refuses to start, with its own line.

use super::{file, hash};
use crate::support::process::{run, transcript, valetkey};

/// The settings, the setting that is complained about, and a word of the complaint.
fn dangers() -> Vec<(&'static str, String, &'static str, &'static str)> {
    let jwt = "[[auth.jwt]]\nissuer = \"https://login.example\"\nalgorithms = [\"RS256\"]\n\
               jwks_url = \"https://login.example/jwks\"\n";
    let page = format!(
        "[[auth.keys]]\nid = \"page\"\nsha256 = \"{}\"\npublishable = true\n",
        hash("vkp_x")
    );
    let open = "[server]\nlisten = \"0.0.0.0:0\"\n";
    vec![
        ("open off loopback", open.to_owned(), "server.listen", "auth.anonymous = true"),
        (
            "open on loopback, and to whomever a proxy lets in",
            "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n".to_owned(),
            "server.trusted_proxies",
            "auth.anonymous = true",
        ),
        (
            "anonymous without the address limit",
            "[auth]\nanonymous = true\n[limits.address]\nmode = \"off\"\n".to_owned(),
            "limits.address",
            "anyone",
        ),
        (
            "anonymous with the address limit only looking on",
            "[auth]\nanonymous = true\n[limits.address]\nmode = \"observe\"\n".to_owned(),
            "limits.address",
            "anyone",
        ),
        (
            "anonymous with an address limit of nothing",
            "[auth]\nanonymous = true\n[limits.address]\nrate = \"off\"\n".to_owned(),
            "limits.address",
            "anyone",
        ),
        (
            "credentials with *",
            "[origins]\nallowed = [\"*\"]\ncredentials = true\n".to_owned(),
            "origins.credentials",
            "every page",
        ),
        (
            "everyone a trusted proxy",
            "[server]\ntrusted_proxies = [\"0.0.0.0/0\"]\n".to_owned(),
            "server.trusted_proxies",
            "everyone",
        ),
        (
            "everyone a trusted proxy, in IPv6",
            "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"::/0\"]\n".to_owned(),
            "server.trusted_proxies",
            "everyone",
        ),
        (
            "everyone a trusted proxy, in halves",
            "[server]\ntrusted_proxies = [\"0.0.0.0/1\", \"128.0.0.0/1\"]\n".to_owned(),
            "server.trusted_proxies",
            "everyone",
        ),
        (
            "everyone a trusted proxy, IPv4 in the clothes of IPv6",
            "[server]\ntrusted_proxies = [\"::ffff:0:0/96\"]\n".to_owned(),
            "server.trusted_proxies",
            "everyone",
        ),
        (
            "a proxy that knows users by cookies, for all pages",
            "[server]\ntrusted_proxies = [\"10.0.0.1\"]\n[auth]\nproxy_header = \
             \"X-Forwarded-User\"\n[origins]\nallowed = [\"*\"]\n"
                .to_owned(),
            "origins.allowed",
            "cookie",
        ),
        (
            "a publishable key without the address limit",
            format!("{page}origins = [\"https://a.example\"]\n[limits.address]\nmode = \"off\"\n"),
            "limits.address",
            "anyone",
        ),
        (
            "a proxy's header without a proxy",
            "[auth]\nproxy_header = \"X-Forwarded-User\"\n".to_owned(),
            "auth.proxy_header",
            "server.trusted_proxies",
        ),
        ("a JWT without audience", jwt.to_owned(), "auth.jwt.0.audience", "is missing"),
        (
            "a JWT with no audience",
            format!("{jwt}audience = []\n"),
            "auth.jwt.0.audience",
            "every other application",
        ),
        (
            "a shared secret that can be guessed",
            jwt.replace("RS256", "HS256").replace(
                "jwks_url = \"https://login.example/jwks\"",
                "audience = \"x\"\nsecret = \"env:SHORT\"",
            ),
            "auth.jwt.0.secret",
            "32",
        ),
        ("a publishable key without origins", page.clone(), "auth.keys.0.origins", "pages"),
        (
            "a publishable key for every page",
            format!("{page}origins = [\"*\"]\n"),
            "auth.keys.0.origins",
            "all of them",
        ),
        (
            "cookies passed on for whichever page asks",
            "[auth.forward]\nurl = \"http://app:3000/auth\"\n".to_owned(),
            "auth.forward.cookies",
            "origins.allowed",
        ),
        (
            "cookies passed on for all pages",
            "[auth.forward]\nurl = \"http://app:3000/auth\"\n[origins]\nallowed = [\"*\"]\n"
                .to_owned(),
            "auth.forward.cookies",
            "origins.allowed",
        ),
    ]
}

#[test]
fn every_dangerous_combination_is_refused_with_its_own_line() {
    for (what, settings, key, why) in dangers() {
        let file = file(&settings);
        for command in ["serve", "check"] {
            let output = run(valetkey(&[command, "--config"])
                .arg(file.path())
                .env("XAI_API_KEY", "key")
                .env("SHORT", "31-bytes-of-a-secret-are-not-32"));
            assert_eq!(output.status.code(), Some(78), "{what}: {}", transcript(&output));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let line = said.lines().find(|line| line.trim_start().starts_with(key));
            assert!(line.is_some_and(|line| line.contains(why)), "{what}: {said}");
            assert!(said.starts_with("valetkey: 1 problem "), "{what}: {said}");
        }
    }
}

/// An empty variable is one that someone forgot to fill, and must not lift what it was to restrict.
#[test]
fn the_environment_lifts_no_restriction_by_being_empty_or_half_there() {
    let grants = file("[[grants]]\nkeys = [\"a\"]\n[[auth.keys]]\nid = \"a\"\nsha256 = \"00\"\n");
    for (name, value) in [
        ("VALETKEY__GRANTS__0__KEYS", ""),
        ("VALETKEY__AUTH__KEYS__0__ORIGINS", ""),
        ("VALETKEY__AUTH__KEYS__0__EXPIRES", ""),
        ("VALETKEY__AUTH__JWT__0__TYP", ""),
        ("VALETKEY__GRANTS__0__MAX_TTL", "1m"),
        ("VALETKEY__AUTH__KEYS__0__ENABLED", "false"),
    ] {
        let output = run(valetkey(&["check", "--config"])
            .arg(grants.path())
            .env("XAI_API_KEY", "key")
            .env(name, value));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{name}: {said}");
        assert!(said.contains(&format!("\n  {name}: ")), "{name}: {said}");
    }
}
