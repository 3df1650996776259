//! One process takes over from another, and no client notices.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::fd::OwnedFd,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use super::{after, raw, sandbox};
use crate::support::process::{Server, run_on, wait_for};

/// What a client may do meanwhile is ask; what the disk does is another matter.
fn patient(command: &mut Command) {
    command.env("VALETKEY__SERVER__LAME_DUCK", "100ms").env("VALETKEY__AUDIT__TO", "off");
}

/// A command that gets its standard input as a listener, as systemd would pass it on.
fn with_socket(command: &Command) -> Command {
    after("exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$", command)
}

/// Asks again and again until told to stop, on one connection as long as it lasts. `header`: one more.
fn load(address: &str, header: &str, stop: &AtomicBool, served: &AtomicUsize) {
    let request = format!("POST /session HTTP/1.1\r\nhost: x\r\n{header}\r\n");
    let mut socket: Option<TcpStream> = None;
    while !stop.load(Ordering::Relaxed) {
        let mut open = socket.take().unwrap_or_else(|| raw::connect(address));
        open.write_all(request.as_bytes()).unwrap();
        let reply = raw::read_one(&mut open);
        assert_eq!(reply.status, 200, "{}", reply.body);
        served.fetch_add(1, Ordering::Relaxed);
        if reply.says_close() {
            assert_eq!(open.read(&mut [0; 9]).unwrap(), 0, "nothing follows the last answer");
        } else {
            socket = Some(open);
        }
    }
}

/// Restarts so many times under load; how many requests were served meanwhile.
fn restart(address: &str, times: usize, start: impl Fn() -> Server) -> usize {
    let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let mut running = start();
        let clients: Vec<_> = ["", "", "connection: close\r\n", "connection: close\r\n"]
            .map(|header| scope.spawn(|| load(address, header, &stop, &served)))
            .into_iter()
            .collect();
        for _ in 0..times {
            let next = start();
            assert_eq!(running.terminate(), Some(0));
            running = next;
        }
        let before = served.load(Ordering::Relaxed);
        let goes_on = || {
            assert!(clients.iter().all(|client| !client.is_finished()), "a request failed");
            (served.load(Ordering::Relaxed) >= before + 10).then_some(())
        };
        wait_for(goes_on, || "nobody is served any more".to_owned());
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
    served.into_inner()
}

#[test]
fn twenty_restarts_by_socket_activation_lose_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = restart(&address, 20, || {
        let mut command = sandbox();
        patient(&mut command);
        let socket = OwnedFd::from(listener.try_clone().unwrap());
        let server = Server::start_on(&mut with_socket(&command), Stdio::from(socket));
        assert!(server.url.ends_with(&address), "{} is served", server.url);
        server
    });
    assert!(served > 100, "{served}");
}

#[test]
fn a_socket_that_others_reach_is_not_served_to_everyone() {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let mut command = with_socket(&super::in_front_of("http://127.0.0.1:9"));
    command.env("VALETKEY__SERVER__ADMIN_LISTEN", "off");
    let output = run_on(&mut command, Stdio::from(OwnedFd::from(listener)));
    assert_eq!(output.status.code(), Some(78));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("LISTEN_FDS") && told.contains("say who may ask"), "{told}");
}

#[test]
fn a_socket_that_does_not_listen_is_not_served() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut command = with_socket(&super::in_front_of("http://127.0.0.1:9"));
    let output = run_on(&mut command, Stdio::from(OwnedFd::from(connected)));
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("LISTEN_FDS") && told.contains("does not listen"), "{told}");
}
