//! A proxy on the way: used where the settings name one, and only there.

use std::{
    io::{BufRead as _, BufReader, Write as _, copy},
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use super::{ANSWER, Case, Counting, Stage, Told, UNREACHABLE, VENDED};
use crate::support::{
    ELEVENLABS_KEY,
    certificate::{Authority, put, server},
    provider::{self, answering, hang},
};

/// A proxy that makes tunnels, and what it was asked for.
struct Proxy {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = heads.clone();
        let url = provider::serving(move |stream| {
            let head = head(stream);
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            seen.lock().unwrap().push(head);
            tunnel(stream, &target);
        });
        Self { address: url.replace("http://", ""), heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// What comes before the first empty line.
fn head(stream: &TcpStream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    head
}

fn tunnel(mut stream: &TcpStream, target: &str) {
    let Ok(mut far) = TcpStream::connect(target) else { return };
    let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
    let (mut from, mut to) = (stream.try_clone().unwrap(), far.try_clone().unwrap());
    let there = thread::spawn(move || {
        let _ = copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let _ = copy(&mut far, &mut stream);
    let _ = stream.shutdown(Shutdown::Write);
    let _ = there.join();
}

#[tokio::test]
async fn a_proxy_that_the_settings_name_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let root = put(folder.path(), "ca.pem", &authority.root());
    let (open, guarded) = (Proxy::start(), Proxy::start());
    let url = format!("http://user:pass%20word@{}", guarded.address);
    let secret = put(folder.path(), "proxy", &url);
    let hanging = provider::serving(hang);
    let refusing = answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let asking = answering("HTTP/1.1 407 x\r\nproxy-authenticate: Basic\r\n\r\n");
    let redirecting = answering("HTTP/1.1 302 x\r\nlocation: http://127.0.0.1:1/\r\n\r\n");
    let none = "no connection could be made";
    let proxy = "the proxy makes no connection to it";
    let ways: Vec<(&str, String, Told, &'static str)> = vec![
        ("open", format!("http://{}", open.address), VENDED, ""),
        ("guarded", format!("file:{}", secret.display()), VENDED, ""),
        ("none", "off".to_owned(), VENDED, ""),
        ("refusing", refusing, UNREACHABLE, proxy),
        ("asking for a password", asking, UNREACHABLE, proxy),
        ("redirecting", redirecting, UNREACHABLE, proxy),
        ("hanging", hanging, UNREACHABLE, none),
        ("absent", "http://127.0.0.1:1".to_owned(), UNREACHABLE, "connection refused"),
    ];
    let cases = ways.into_iter().map(|(name, proxy, told, why)| {
        let config = server(&authority.vouch("localhost"), None);
        let provider = Counting::over_tls(Arc::new(config), ANSWER);
        let timeout = if name == "hanging" { "1s" } else { "6s" };
        let settings = format!(
            "timeout = \"{timeout}\"\nca = \"file:{}\"\nproxy = \"{proxy}\"",
            root.display()
        );
        let case = Case::eleven(name, provider, told).with(&settings).saying(why);
        Case { requests: usize::from(told == VENDED), ..case }
    });
    let cases: Vec<Case> = cases.collect();
    let target = cases[0].base_url.replace("https://", "");
    Stage::start(cases).play().await;
    let (open, guarded) = (open.heads(), guarded.heads());
    assert_eq!((open.len(), guarded.len()), (1, 1), "{open:?} {guarded:?}");
    assert!(open[0].starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")), "{open:?}");
    assert!(!open[0].to_lowercase().contains("proxy-authorization"), "{open:?}");
    // user:pass word
    assert!(guarded[0].contains("Basic dXNlcjpwYXNzIHdvcmQ="), "{guarded:?}");
    assert!(!open.concat().contains(ELEVENLABS_KEY) && !guarded.concat().contains(ELEVENLABS_KEY));
}
