//! The same hostile requests through nginx and haproxy: whatever those make of one, it is one.

use std::{
    io::{ErrorKind, Read as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{framing::post, raw, sandbox};
use crate::support::{
    free_port,
    process::{PATIENCE, Server},
};

/// A proxy in front of the server, until it is dropped.
struct Proxy {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(program: &str, args: &[&str], configure: impl Fn(&Path, &str) -> String) -> Proxy {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let file = folder.path().join("proxy.conf");
    std::fs::write(&file, configure(folder.path(), &address)).unwrap();
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let mut command = Command::new(program);
    command.env("PATH", path).args(args).arg(&file).stdin(Stdio::null()).stdout(Stdio::null());
    let child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut proxy = Proxy { child, url: format!("http://{address}"), _folder: folder };
    let begun = Instant::now();
    while TcpStream::connect(&address).is_err() {
        let ended = proxy.child.try_wait().unwrap();
        assert!(ended.is_none() && begun.elapsed() < PATIENCE, "{program}: {ended:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    proxy
}

fn nginx(server: &str) -> Proxy {
    let server = server.trim_start_matches("http://").to_owned();
    start("nginx", &["-c"], move |folder, address| {
        let folder = folder.display();
        format!(
            "daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;
             events {{ worker_connections 256; }}
             http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
               fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
               upstream valetkey {{ server {server}; keepalive 8; }}
               server {{ listen {address}; proxy_request_buffering off;
                 location / {{ proxy_pass http://valetkey; proxy_http_version 1.1;
                   proxy_set_header Connection \"\"; proxy_set_header Host $http_host; }} }} }}"
        )
    })
}

fn haproxy(server: &str) -> Proxy {
    let server = server.trim_start_matches("http://").to_owned();
    start("haproxy", &["-db", "-f"], move |_, address| {
        format!(
            "defaults\n mode http\n timeout client 5s\n timeout server 5s\n timeout connect 5s\n \
             http-reuse always\n\
             frontend f\n bind {address}\n default_backend b\nbackend b\n server s {server}\n"
        )
    })
}

/// Everything that comes until the proxy hangs up or has nothing more to say.
fn read_some(socket: &mut TcpStream) -> String {
    let quiet = Duration::from_millis(400);
    socket.set_read_timeout(Some(quiet)).unwrap();
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Each with a request inside that must never be taken for one.
fn cases() -> Vec<String> {
    let inner = "POST /session HTTP/1.1\r\nhost: smuggled\r\nx-request-id: smuggled\r\n\r\n";
    let chunked = format!("0\r\n\r\n{inner}");
    let length = chunked.len();
    let close = "connection: close\r\n";
    let lines = [
        format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
        "content-length: 5\r\ntransfer-encoding: chunked\r\n".to_owned(),
        format!("content-length: {length}\r\ntransfer-encoding: xchunked\r\n"),
        format!("content-length: {length}\r\ntransfer-encoding : chunked\r\n"),
        format!("content-length: {length}\r\nx: y\r\n transfer-encoding: chunked\r\n"),
        format!("content-length: {length}\r\ntransfer-encoding:\tchunked\r\n"),
        format!("content-length: {length}\r\ntransfer-encoding: \u{b}chunked\r\n"),
        format!("content-length: 0\r\ncontent-length: {length}\r\n"),
        format!("content-length: {length}\r\ncontent-length: {length}\r\n"),
        format!("content-length: 0, {length}\r\n"),
        format!("content-length: +{length}\r\n"),
        format!("content-length: {length}\r\nexpect: 100-continue\r\n"),
        "transfer-encoding: gzip, chunked\r\n".to_owned(),
        "transfer-encoding: chunked, chunked\r\n".to_owned(),
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n".to_owned(),
        "transfer-encoding: chunked\r\n".to_owned(),
        format!("content-length: {length}\n"),
    ];
    let mut cases: Vec<String> =
        lines.iter().map(|lines| post(&format!("{close}{lines}"), &chunked)).collect();
    let chunks = [
        "2\r\n{}\r\n0\r\nhost: y\r\n\r\n",
        "2;a=\"\r\n\r\n\"\r\n{}\r\n0\r\n\r\n",
        "2\n{}\r\n0\r\n\r\n",
        "02\r\n{}\r\n00\r\n\r\n",
    ];
    for chunks in chunks {
        let lines =
            format!("{close}transfer-encoding: chunked\r\ncontent-type: application/json\r\n");
        cases.push(post(&lines, &format!("{chunks}{inner}")));
    }
    let get = format!(
        "GET /session HTTP/1.1\r\nhost: x\r\n{close}content-length: {}\r\n\r\n{inner}",
        inner.len()
    );
    cases.push(get);
    cases
}

/// The requests for a token that reached the server, by their log lines.
fn requests(server: &Server) -> Vec<String> {
    let asked = server.log().into_iter().filter(|line| line["route"] == "/session");
    asked.map(|line| line["request_id"].as_str().unwrap().to_owned()).collect()
}

/// Asks through the proxy under this name; once it was there the ones before it were, too.
fn probe(server: &mut Server, proxy: &Proxy, name: &str) {
    let lines = format!("connection: close\r\nx-request-id: {name}\r\n");
    let text = read_some(&mut raw::sent(&proxy.url, post(&lines, "").as_bytes()));
    let mut replies = raw::split(&text).0;
    assert_eq!(replies.len(), 1, "{name}: {text}");
    // Whoever comes next on a connection to the server gets what belongs to it.
    let reply = replies.remove(0);
    assert!(reply.head.contains(&format!("x-request-id: {name}")), "{name}: {text}");
    // On a slow machine the record may be late.
    assert!(reply.status == 200 || reply.code() == "audit_unavailable", "{text}");
    server.log_line(|line| line["request_id"] == name);
}

fn one_answer_each(proxy: impl Fn(&str) -> Proxy) {
    let mut server = Server::start(&mut sandbox());
    let proxy = proxy(&server.url);
    let mut passed = 0;
    for (at, case) in cases().iter().enumerate() {
        let before = requests(&server).len();
        let text = read_some(&mut raw::sent(&proxy.url, case.as_bytes()));
        let (mut replies, rest) = raw::split(&text);
        replies.retain(|reply| reply.status != 100);
        assert!(replies.len() == 1 && rest.is_empty(), "{case:?} has not one answer: {text}");
        probe(&mut server, &proxy, &format!("probe-{at}-a"));
        probe(&mut server, &proxy, &format!("probe-{at}-b"));
        let came = requests(&server).len() - before;
        assert!(came <= 3, "{case:?} was {} requests", came - 2);
        let head = &replies[0].head;
        let id = head.lines().find_map(|line| line.strip_prefix("x-request-id: "));
        passed += usize::from(id.is_some());
        if replies[0].status == 200 {
            let is_record = |line: &str| line.contains("\"event\":\"vend\"");
            let is_its = |line: &str| is_record(line) && line.contains(id.unwrap());
            let recorded = server.stdout_lines(1, is_its).len();
            assert_eq!((came, recorded), (3, 1), "{case:?}");
        }
    }
    assert!(!server.output().contains("smuggled"), "{}", server.output());
    assert!(passed > 5, "only {passed} came through the proxy");
}

#[test]
#[ignore = "needs nginx; scripts/test runs it"]
fn one_answer_each_behind_nginx() {
    one_answer_each(nginx);
}

#[test]
#[ignore = "needs haproxy; scripts/test runs it"]
fn one_answer_each_behind_haproxy() {
    one_answer_each(haproxy);
}
