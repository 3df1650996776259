//! SIGTERM and Ctrl-C, and a terminal that is closed.

use std::{
    io::{BufReader, Write as _},
    process::Command,
};

use crate::support::{
    free_port,
    http::{Answer, client, get},
    process::{Server, Unread, run, sandbox, transcript, until, valetkey},
    raw,
};

fn server(lame_duck: &str, drain: &str, fault: &str) -> Server {
    Server::start_with(sandbox().args(["--fault", fault]), lame_duck, drain)
}

/// Waits until the provider has a request.
async fn is_asked(server: &Server) {
    let asked = async || (!server.history().await.is_empty()).then_some(());
    until(asked, || server.output()).await;
}

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    for signal in ["TERM", "INT"] {
        let mut server = server("0s", "10s", "xai/mint:latency=400ms");
        let request = tokio::spawn(client().post(format!("{}/session", server.url)).send());
        is_asked(&server).await;
        server.signal(signal);
        let answer = Answer::of(request.await.unwrap().unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(server.wait().code(), Some(0));
        assert!(server.output().contains("everything in flight was finished"));
    }
}

#[tokio::test]
async fn unready_comes_first_while_it_still_serves() {
    let mut server = server("1500ms", "10s", "xai/mint:latency=1ms");
    server.signal("TERM");
    server.log_line(|line| line["message"].as_str().unwrap().starts_with("stopping"));
    for base in [&server.url, &server.admin] {
        let ready = get(&format!("{base}/readyz")).await;
        assert_eq!((ready.status.as_u16(), ready.code().as_str()), (503, "draining"));
        assert_eq!(get(&format!("{base}/healthz")).await.status, 200);
    }
    assert_eq!(server.post("/session").await.status, 200);
    assert_eq!(server.wait().code(), Some(0));
    assert!(client().get(format!("{}/readyz", server.url)).send().await.is_err());
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let mut server = server("1h", "1h", "xai/mint:hang");
    server.signal("TERM");
    server.log_line(|line| line["message"].as_str().unwrap().starts_with("stopping"));
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn the_sandbox_alone_stops_too() {
    // It has no settings to read again, and ends as any program does.
    for (signal, code) in [("TERM", Some(0)), ("INT", Some(0)), ("HUP", None)] {
        let mut sandbox = Server::stand_ins();
        sandbox.signal(signal);
        assert_eq!(sandbox.wait().code(), code, "{signal}");
    }
}

/// A name lookup runs in a thread that nothing can end. This one takes longer than anyone waits.
#[tokio::test]
async fn a_name_lookup_that_hangs_keeps_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (source, library) = (folder.path().join("slow.c"), folder.path().join("slow.so"));
    let code = "#include <unistd.h>\nint getaddrinfo(void) { sleep(600); return -2; }\n";
    std::fs::write(&source, code).unwrap();
    let mut cc = std::process::Command::new("cc");
    cc.args(["-shared", "-fPIC", "-w", "-o"]).arg(&library).arg(&source);
    assert!(cc.status().unwrap().success());
    let mut server = Server::start_with(
        valetkey(&["serve"])
            .env("LD_PRELOAD", &library)
            .env("XAI_API_KEY", "key")
            .env("VALETKEY__PROVIDERS__XAI__BASE_URL", "https://provider.invalid")
            .env("VALETKEY__PROVIDERS__XAI__TIMEOUT", "200ms"),
        "0s",
        "200ms",
    );
    assert_eq!(server.post("/session").await.code(), "provider_unavailable");
    assert_eq!(server.terminate(), Some(0));
}

/// A log that nobody reads fills up its pipe. Lines are lost then, and nothing else.
#[tokio::test]
async fn a_log_that_nobody_reads_stops_nobody() {
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = valetkey(&["serve", "--listen", &address]);
    command.env("XAI_API_KEY", "key").env("VALETKEY__SERVER__ADMIN_LISTEN", "off");
    command.env("VALETKEY__SERVER__LAME_DUCK", "0s");
    let child = Unread(command.stderr(std::process::Stdio::piped()).spawn().unwrap());
    let url = format!("http://{address}/readyz");
    let answers = async || client().get(&url).send().await.ok();
    until(answers, || "it does not start".to_owned()).await;
    // More lines than the pipe holds, which is 64 KiB, and than may wait.
    let mut socket = BufReader::new(raw::connect(&format!("http://{address}")));
    for _ in 0..120 {
        let requests = "GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
        socket.get_mut().write_all(requests.as_bytes()).unwrap();
        (0..100).for_each(|_| assert_eq!(raw::read_one(&mut socket).status, 200));
    }
    drop(socket);
    assert_eq!(child.terminate(), Some(0));
}

/// Starts the program in a terminal of its own, and closes that once it listens.
const IN_A_TERMINAL: &str = "
import os, pty, sys
process, terminal = pty.fork()
if process == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said = b''
while b'listening' not in said:
    said += os.read(terminal, 4096)
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
";

#[test]
#[ignore = "needs Python; scripts/test runs it"]
fn who_closes_the_terminal_leaves_no_server_behind() {
    let mut python = Command::new("python3");
    python
        .args(["-c", IN_A_TERMINAL, env!("CARGO_BIN_EXE_valetkey"), "serve", "--sandbox"])
        .args(["--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"])
        .env("VALETKEY__SERVER__ADMIN_LISTEN", "127.0.0.1:0")
        .env("VALETKEY__SERVER__LAME_DUCK", "0s");
    let output = run(&mut python);
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
}
