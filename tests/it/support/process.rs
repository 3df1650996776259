//! The real program, started as a user would start it.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use serde_json::Value;

pub use super::{
    asking::value,
    command::{
        Unread, run, run_on, sandbox, signal, transcript, unlimited, valetkey, vending_from,
    },
    wait::{PATIENCE, until, wait_for},
};

/// A server that runs until it is dropped.
pub struct Server {
    child: Child,
    stderr: Reader,
    stdout: Reader,
    /// Where callers connect: `http://127.0.0.1:…`.
    pub url: String,
    /// The admin listener.
    pub admin: String,
    /// The stand-in providers, where there are some.
    pub stand_ins: String,
}

/// Reads lines in a thread of its own, so that the program never blocks on writing them.
struct Reader {
    lines: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    fn follow(stream: impl Read + Send + 'static) -> Self {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let sink = lines.clone();
        let thread = thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                sink.lock().unwrap().push(line);
            }
        });
        Self { lines, thread: Some(thread) }
    }

    fn so_far(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Reads to the end, which comes when the program has ended.
    fn finish(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Server {
    /// `serve --sandbox`, with `args` besides.
    pub fn sandbox(args: &[&str]) -> Self {
        Self::start(sandbox().args(args))
    }

    /// A server that vends from a provider at `base_url`, whichever kind is asked.
    pub fn in_front_of(base_url: &str) -> Self {
        Self::start(vending_from(&mut valetkey(&["serve"]), base_url))
    }

    /// Starts `command` on free ports and waits until it listens.
    pub fn start(command: &mut Command) -> Self {
        Self::start_with(command, "0s", "10s")
    }

    /// As [`Server::start`], with its own way of stopping.
    pub fn start_with(command: &mut Command, lame_duck: &str, drain: &str) -> Self {
        Self::start_as_given(
            command
                .args(["--listen", "127.0.0.1:0"])
                .env("VALETKEY__SERVER__LAME_DUCK", lame_duck)
                .env("VALETKEY__SERVER__DRAIN", drain),
        )
    }

    /// As [`Server::start`], where `command` says itself where to listen and how to stop.
    pub fn start_as_given(command: &mut Command) -> Self {
        Self::start_on(command, Stdio::null())
    }

    /// As [`Server::start_as_given`], with something else on its standard input.
    pub fn start_on(command: &mut Command, stdin: Stdio) -> Self {
        let command = command.env("VALETKEY__SERVER__ADMIN_LISTEN", "127.0.0.1:0");
        let mut server = Self::spawn(command, stdin);
        let line = server.first_line(|line| line["message"] == "listening");
        server.url = format!("http://{}", line["listen"].as_str().unwrap());
        server.admin = format!("http://{}", line["admin_listen"].as_str().unwrap());
        if let Some(line) = server.log().iter().find(|line| line["stand_ins"].is_string()) {
            server.stand_ins = format!("http://{}", line["stand_ins"].as_str().unwrap());
        }
        server
    }

    /// The stand-ins without a server in front of them.
    pub fn stand_ins() -> Self {
        Self::start_alone(&mut valetkey(&["sandbox", "--listen", "127.0.0.1:0"]))
    }

    /// As [`Server::stand_ins`], by a command of its own.
    pub fn start_alone(command: &mut Command) -> Self {
        let mut server = Self::spawn(command, Stdio::null());
        let line = server.first_line(|line| line["stand_ins"].is_string());
        server.stand_ins = format!("http://{}", line["stand_ins"].as_str().unwrap());
        server
    }

    fn spawn(command: &mut Command, stdin: Stdio) -> Self {
        let mut child =
            command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = Reader::follow(child.stdout.take().unwrap());
        let stderr = Reader::follow(child.stderr.take().unwrap());
        let (url, admin, stand_ins) = (String::new(), String::new(), String::new());
        Self { child, stderr, stdout, url, admin, stand_ins }
    }

    /// As [`Self::log_line`], for a server that may not come up: it is not waited for once it has ended.
    fn first_line(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = || {
            let line = self.log().into_iter().find(&wanted);
            if line.is_none()
                && let Some(ended) = self.child.try_wait().unwrap()
            {
                self.stderr.finish();
                panic!("{ended}: {}", self.output());
            }
            line
        };
        wait_for(found, || "it does not start".to_owned())
    }

    /// Every log line so far.
    pub fn log(&self) -> Vec<Value> {
        self.stderr.so_far().iter().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The first log line that `wanted` accepts, once it is there.
    pub fn log_line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.log_lines(1, wanted).remove(0)
    }

    /// The log lines that `wanted` accepts, once there are `count` of them: a line is written after the answer
    /// that it is of.
    pub fn log_lines(&self, count: usize, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let lines = || self.log().into_iter().filter(&wanted).collect::<Vec<_>>();
        wait_for(|| Some(lines()).filter(|it| it.len() >= count), || self.output())
    }

    /// Everything it printed so far, on both streams.
    pub fn output(&self) -> String {
        format!("{}\n{}", self.stdout(), self.stderr.so_far().join("\n"))
    }

    /// What it printed on standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.so_far().join("\n")
    }

    /// Waits until standard output has `text`.
    pub fn wait_for_stdout(&self, text: &str) {
        wait_for(|| self.stdout().contains(text).then_some(()), || self.stdout());
    }

    /// The lines of standard output that `wanted` accepts, once there are `count` of them: what the program
    /// has written was not read at once.
    pub fn stdout_lines(&self, count: usize, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let lines = || self.stdout.so_far().into_iter().filter(|it| wanted(it)).collect::<Vec<_>>();
        wait_for(|| Some(lines()).filter(|it| it.len() >= count), || self.stdout())
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A number that the system knows of it: `VmRSS`, in KiB, or `Threads`.
    pub fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap().split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Sends it a signal by name: `TERM`.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Ends it, and gives everything that it printed.
    pub fn end(mut self) -> String {
        self.terminate();
        self.output()
    }

    /// Ends it, and gives everything that it printed on standard output.
    pub fn end_of_stdout(mut self) -> String {
        self.terminate();
        self.stdout()
    }

    /// Sends it SIGTERM, and gives the status that it ends with.
    pub fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.wait().code()
    }

    /// Waits for its end, and for the last of what it printed.
    pub fn wait(&mut self) -> ExitStatus {
        let lines = self.stderr.lines.clone();
        let told = || format!("it does not end: {:?}", lines.lock().unwrap());
        let status = wait_for(|| self.child.try_wait().unwrap(), told);
        self.stdout.finish();
        self.stderr.finish();
        status
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
