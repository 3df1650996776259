//! Every dangerous combination refuses to start, with its own line.

use super::{file, hash};
use crate::support::process::{run, transcript, valetkey};

/// Behind `#` the case, the setting that is complained about, and a word of the complaint; then the settings.
const DANGERS: &str = r#"
# open off loopback | server.listen | auth.anonymous = true
server.listen = "0.0.0.0:0"
# open on loopback, and to whomever a proxy lets in | server.trusted_proxies | auth.anonymous = true
server.trusted_proxies = ["127.0.0.1"]
# anonymous without the address limit | limits.address | anyone
auth.anonymous = true
limits.address.mode = "off"
# anonymous with the address limit only looking on | limits.address | anyone
auth.anonymous = true
limits.address.mode = "observe"
# anonymous with an address limit of nothing | limits.address | anyone
auth.anonymous = true
limits.address.rate = "off"
# credentials with * | origins.credentials | every page
origins = { allowed = ["*"], credentials = true }
# everyone a trusted proxy | server.trusted_proxies | everyone
server.trusted_proxies = ["0.0.0.0/0"]
# everyone a trusted proxy, in IPv6 | server.trusted_proxies | everyone
server.trusted_proxies = ["10.0.0.0/8", "::/0"]
# everyone a trusted proxy, in halves | server.trusted_proxies | everyone
server.trusted_proxies = ["0.0.0.0/1", "128.0.0.0/1"]
# everyone a trusted proxy, IPv4 in the clothes of IPv6 | server.trusted_proxies | everyone
server.trusted_proxies = ["::ffff:0:0/96"]
# a proxy that knows users by cookies, for all pages | origins.allowed | cookie
server.trusted_proxies = ["10.0.0.1"]
auth.proxy_header = "X-Forwarded-User"
origins.allowed = ["*"]
# a publishable key without the address limit | limits.address | anyone
limits.address.mode = "off"
<page>
origins = ["https://a.example"]
# a proxy's header without a proxy | auth.proxy_header | server.trusted_proxies
auth.proxy_header = "X-Forwarded-User"
# a JWT without audience | auth.jwt.0.audience | is missing
<jwt>
algorithms = ["RS256"]
jwks_url = "https://login.example/jwks"
# a JWT with no audience | auth.jwt.0.audience | every other application
<jwt>
algorithms = ["RS256"]
jwks_url = "https://login.example/jwks"
audience = []
# a shared secret that can be guessed | auth.jwt.0.secret | 32
<jwt>
algorithms = ["HS256"]
audience = "x"
secret = "env:SHORT"
# a publishable key without origins | auth.keys.0.origins | pages
<page>
# a publishable key for every page | auth.keys.0.origins | all of them
<page>
origins = ["*"]
# cookies passed on for whichever page asks | auth.forward.cookies | origins.allowed
auth.forward.url = "http://app:3000/auth"
# cookies passed on for all pages | auth.forward.cookies | origins.allowed
auth.forward.url = "http://app:3000/auth"
origins.allowed = ["*"]
"#;

#[test]
fn every_dangerous_combination_is_refused_with_its_own_line() {
    let page = format!("[[auth.keys]]\nid = \"page\"\nsha256 = \"{}\"", hash("vkp_x"));
    let dangers = DANGERS
        .replace("<page>", &format!("{page}\npublishable = true"))
        .replace("<jwt>", "[[auth.jwt]]\nissuer = \"https://login.example\"");
    let mut tried = 0;
    for danger in dangers.split("\n# ").skip(1) {
        let (head, settings) = danger.split_once('\n').unwrap();
        let [what, key, why] = head.split(" | ").collect::<Vec<_>>()[..] else { panic!("{head}") };
        let file = file(settings);
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
        tried += 1;
    }
    assert_eq!(tried, 20);
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
