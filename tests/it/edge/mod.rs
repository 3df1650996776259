//! Where clients connect: hostile ones, too many of them, and a server that comes and goes.

mod crowd;
mod descriptors;
mod framing;
mod http2;
mod overload;
mod proxies;
mod rolling;
mod slow;
mod stopping;

use std::{net::TcpStream, process::Command};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{
    now,
    process::{self, Server, unlimited, valetkey},
    raw,
};

/// The program in front of its own stand-ins, without limits that would refuse a test.
fn sandbox() -> Command {
    let mut command = process::sandbox();
    // The stand-ins' tokens are not recorded otherwise.
    command.env("VALETKEY__AUDIT__TO", "stdout");
    unlimited(&mut command);
    command
}

/// The program in front of the provider at `url`, without limits that would refuse a test.
fn in_front_of(url: &str) -> Command {
    let mut command = valetkey(&["serve"]);
    command.env("XAI_API_KEY", "xai-key").env("VALETKEY__PROVIDERS__XAI__BASE_URL", url);
    unlimited(&mut command);
    command
}

/// The records of decisions, once there are `count`.
fn records(server: &Server, count: usize) -> Vec<String> {
    server.stdout_lines(count, |line| line.contains("\"event\":\"vend\""))
}

/// What xAI answers to a request for a token.
fn token() -> String {
    let expires_at = now() + 300;
    serde_json::json!({ "value": "xai-realtime-client-secret-x", "expires_at": expires_at })
        .to_string()
}

/// With deadlines that a test can wait for.
fn in_haste(command: &mut Command) -> &mut Command {
    command
        .env("VALETKEY__SERVER__HEADER_TIMEOUT", "500ms")
        .env("VALETKEY__SERVER__BODY_TIMEOUT", "500ms")
        .env("VALETKEY__SERVER__WRITE_TIMEOUT", "500ms")
}

/// `command`, with at most so many open files.
fn limited(command: &Command, files: u32) -> Command {
    after(&format!("ulimit -n {files}"), command)
}

/// `command`, started by a shell that does `first`.
fn after(first: &str, command: &Command) -> Command {
    let mut wrapped = Command::new("/bin/sh");
    wrapped.args(["-c", &format!("{first}; exec \"$0\" \"$@\"")]);
    wrapped.arg(command.get_program()).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        wrapped.env(name, value.unwrap());
    }
    wrapped
}

/// Lets this process have as many open files as it may; how many those are.
fn open_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    limit.maximum.map_or(usize::MAX, |most| most.try_into().unwrap())
}

/// A connection whose request is in the service, and waits for its body.
fn in_service(server: &Server) -> TcpStream {
    let head =
        b"POST /session HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\
                 content-type: application/json\r\n\r\n";
    let mut socket = raw::sent(&server.url, head);
    assert_eq!(raw::read_one(&mut socket).status, 100);
    socket
}
