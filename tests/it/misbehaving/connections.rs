//! What happens to connections before and between answers, and answers without end.

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
use serde_json::Value;

use super::{Case, Counting, INVALID, Stage, TIMEOUT, UNAVAILABLE, UNREACHABLE, VENDED, answer};

#[tokio::test]
async fn nobody_there_or_nobody_home() {
    // Not one that was free a moment ago: by now it may be that of another test's provider.
    let refusing = "127.0.0.1:1";
    // The kernel takes the connection; nobody ever will.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_address = silent.local_addr().unwrap();
    let (_full, full) = full_queue();
    let cases = vec![
        Case::at("refuses", "xai", format!("http://{refusing}"), UNREACHABLE)
            .saying("the provider cannot be reached: connection refused"),
        Case::at("accepts and hangs", "xai", format!("http://{silent_address}"), TIMEOUT),
        Case::at("its kernel drops what comes", "xai", format!("http://{full}"), UNREACHABLE)
            .saying("no connection could be made"),
        Case::at("has no name", "elevenlabs", "https://provider.invalid", UNREACHABLE)
            .with("timeout = \"6s\"")
            .saying("the provider cannot be reached: its name cannot be resolved"),
    ];
    Stage::start(cases).play().await;
}

/// A listener whose queue is full, so that its kernel drops whoever else wants to connect.
fn full_queue() -> (impl Sized, SocketAddr) {
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    listen(&listener, 1).unwrap();
    let address = TcpListener::from(listener.try_clone().unwrap()).local_addr().unwrap();
    let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
    // One that fails on a busy machine may have come too late.
    let next = || (0..3).find_map(connect);
    let waiting: Vec<TcpStream> = std::iter::from_fn(next).take(64).collect();
    assert!(waiting.len() < 64, "the queue has no end");
    ((listener, waiting), address)
}

#[tokio::test]
async fn a_connection_that_is_closed_when_it_is_used_again() {
    let count = Arc::<AtomicUsize>::default();
    let provider = Counting::new(move |mut stream| {
        // Every second request is met with a close.
        let number = count.fetch_add(1, SeqCst);
        let answer = answer(200, "", &format!("{{\"token\":\"sutkn_{number}\"}}"));
        number.is_multiple_of(2) && stream.write_all(answer.as_bytes()).is_ok()
    });
    let stage = Stage::start(vec![Case::eleven("reused", provider, VENDED)]);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(stage.ask(0).await.answer.status.as_u16());
    }
    assert_eq!(statuses, [200, 503, 200]);
    let provider = stage.cases[0].provider.as_ref().unwrap();
    assert_eq!(provider.requests(), 3, "what may have minted was sent twice");
    let audit = stage.audit();
    let records: Vec<Value> = audit
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["event"] == "vend")
        .collect();
    let minted: Vec<&str> = records.iter().map(|it| it["minted"].as_str().unwrap()).collect();
    assert_eq!(minted, ["yes", "unknown", "yes"]);
}

/// Writes as fast as it can, for as long as anyone reads.
fn endless(head: &'static str, rest: &'static str) -> Counting {
    let rest = rest.repeat(64 * 1024 / rest.len());
    Counting::new(move |mut stream| {
        let begun = Instant::now();
        let mut going = stream.write_all(head.as_bytes()).is_ok();
        while going && begun.elapsed() < Duration::from_secs(20) {
            going = stream.write_all(rest.as_bytes()).is_ok();
        }
        false
    })
}

#[tokio::test]
async fn a_gigabyte_is_not_kept() {
    let gigabyte = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n{\"token\":\"";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let error = "HTTP/1.1 500 x\r\ncontent-length: 1073741824\r\n\r\n{";
    let too_large = "it is too large";
    let cases = || {
        vec![
            Case::eleven("by its length", endless(gigabyte, "x"), INVALID).saying(too_large),
            Case::xai("in chunks", endless(chunked, "4\r\nxxxx\r\n"), INVALID).saying(too_large),
            Case::xai("in one chunk", endless(chunked, "fffffff\r\nx"), INVALID).saying(too_large),
            Case::eleven("to the end", endless("HTTP/1.1 200 OK\r\n\r\n", "x"), INVALID)
                .saying(too_large),
            Case::eleven("an error", endless(error, "x"), UNAVAILABLE),
            Case::eleven("a header", endless("HTTP/1.1 200 OK\r\nx: ", "x"), INVALID),
            Case::eleven("headers", endless("HTTP/1.1 200 OK\r\n", "x: y\r\n"), INVALID),
        ]
    };
    let many: Vec<Case> = (0..3).flat_map(|_| cases()).collect();
    let stage = Stage::start(many);
    let before = stage.server.status("VmRSS");
    let (stage, _) = stage.play_on().await;
    let grown = stage.server.status("VmRSS").saturating_sub(before);
    assert!(grown < 48 * 1024, "it has grown by {grown} KiB");
}
