//! Ways to a provider that cannot be gone are found out at the start, and say how to mend them.

use crate::support::{
    XAI_KEY,
    certificate::{Authority, put},
    process::{run, transcript, valetkey},
    settings_file,
};

/// What `check` says of these lines in the section of xai.
fn told(settings: &str) -> String {
    let file = settings_file(&format!("[providers.xai]\n{settings}\n"));
    let mut check = valetkey(&["check", "--config"]);
    let check = check.arg(file.path()).env("XAI_API_KEY", XAI_KEY);
    transcript(&run(check.env("HALF_A_PROXY", "http://user:canary@")))
}

#[test]
fn what_cannot_be_used_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| put(folder.path(), name, text).display().to_string();
    let (authority, own) = (Authority::new(), Authority::new().vouch("valetkey"));
    let other = authority.vouch("valetkey");
    let body = own.key.lines().nth(1).unwrap().to_owned();
    let encrypted = own.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let [cert, key, other_key, empty] = [
        file("own.crt", &own.cert),
        file("own.key", &own.key),
        file("other.key", &other.key),
        file("empty.pem", "\n"),
    ];
    let [encrypted, broken] = [file("enc.key", &encrypted), file("broken.pem", broken)];
    let words = file("words.pem", "not PEM at all");
    let both = |cert: &str, key: &str| {
        format!("client_cert = \"file:{cert}\"\nclient_key = \"file:{key}\"")
    };
    let cases = [
        ("ca = \"file:/no/such\"".to_owned(), "providers.xai.ca", "/no/such cannot be read"),
        (format!("ca = \"file:{empty}\""), "providers.xai.ca", "it is empty"),
        (format!("ca = \"file:{words}\""), "providers.xai.ca", "holds no certificate"),
        (format!("ca = \"file:{broken}\""), "providers.xai.ca", "cannot be read"),
        (format!("ca = \"file:{key}\""), "providers.xai.ca", "holds a private key"),
        ("ca = \"ca.pem\"".to_owned(), "providers.xai.ca", "expected a file in PEM"),
        (format!("client_cert = \"file:{cert}\""), "client_cert", "no use without client_key"),
        (format!("client_key = \"file:{key}\""), "client_key", "no use without client_cert"),
        (both(&cert, &other_key), "client_key", "is not the key of"),
        (both(&cert, &encrypted), "client_key", "is encrypted"),
        (both(&cert, &cert), "client_key", "holds a certificate"),
        (both(&cert, &words), "client_key", "holds no private key"),
        (both(&cert, "/no/such"), "client_key", "cannot be read"),
        (both(&key, &key), "client_cert", "holds a private key"),
        (both(&broken, &key), "client_key", "is not the key of"),
        ("http = \"3\"".to_owned(), "http", "expected \"auto\", \"1\" or \"2\""),
        ("proxy = \"socks5://proxy\"".to_owned(), "proxy", "expected \"off\""),
        ("proxy = \"http://user:canary@proxy\"".to_owned(), "proxy", "holds a password"),
        ("proxy = \"env:NO_PROXY_URL\"".to_owned(), "proxy", "leads to nothing"),
        ("proxy = \"env:HALF_A_PROXY\"".to_owned(), "proxy", "is no URL of a proxy"),
        (
            "proxy = \"http://proxy:3128\"\nbase_url = \"http://127.0.0.1:9\"".to_owned(),
            "proxy",
            "would see the API key in the clear",
        ),
    ];
    for (settings, setting, complaint) in cases {
        let text = told(&settings);
        let line = text.lines().find(|line| line.contains(complaint));
        assert!(line.is_some_and(|line| line.contains(setting)), "{settings}: {text}");
        assert!(text.contains("--- status 78"), "{settings}: {text}");
        assert!(text.contains("1 problem with"), "{settings}: {text}");
        assert!(!text.contains("canary") && !text.contains(&body), "{settings}: {text}");
    }
}

#[test]
fn what_can_be_used_starts() {
    let folder = tempfile::tempdir().unwrap();
    let own = Authority::new().vouch("valetkey");
    let cert = put(folder.path(), "own.crt", &own.cert);
    let key = put(folder.path(), "own.key", &own.key);
    for settings in [
        format!(
            "client_cert = \"file:{}\"\nclient_key = \"file:{}\"",
            cert.display(),
            key.display()
        ),
        format!("ca = \"file:{}\"", cert.display()),
        "http = 2\nproxy = \"http://proxy:3128\"".to_owned(),
    ] {
        let text = told(&settings);
        assert!(text.contains("--- status 0"), "{settings}: {text}");
    }
}
