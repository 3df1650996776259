//! The real program, started as a user would start it.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    ELEVENLABS_KEY, XAI_KEY,
    http::{Answer, client, get, post, post_json},
};

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The program with an environment of its own: nothing of the developer's gets in, nor does a signal stay
/// ignored because whoever runs the tests ignores it: `nohup` does so with SIGHUP, a script with the SIGINT of
/// what runs in its background.
pub fn valetkey(args: &[&str]) -> Command {
    let mut command = Command::new("/usr/bin/env");
    command.args(["--default-signal=HUP,INT,QUIT,TERM", env!("CARGO_BIN_EXE_valetkey")]);
    command.args(args).env_clear();
    command
}

/// `valetkey serve --sandbox`, with its stand-in providers on a free port.
pub fn sandbox() -> Command {
    valetkey(&["serve", "--sandbox", "--sandbox-listen", "127.0.0.1:0"])
}

/// Without limits that would refuse a test.
pub fn unlimited(command: &mut Command) -> &mut Command {
    for limit in ["ADDRESS", "CALLER", "TOKEN"] {
        command.env(format!("VALETKEY__LIMITS__{limit}__RATE"), "off");
        command.env(format!("VALETKEY__LIMITS__{limit}__QUOTA"), "off");
    }
    command
}

/// With the keys of both providers, and `base_url` for both of them.
pub fn vending_from<'a>(command: &'a mut Command, base_url: &str) -> &'a mut Command {
    command
        .env("XAI_API_KEY", XAI_KEY)
        .env("ELEVENLABS_API_KEY", ELEVENLABS_KEY)
        .env("VALETKEY__PROVIDERS__XAI__BASE_URL", base_url)
        .env("VALETKEY__PROVIDERS__ELEVENLABS__BASE_URL", base_url)
}

/// Asks `holds` again and again until it gives something. In vain it panics with what `told` says.
pub fn wait_for<T>(mut holds: impl FnMut() -> Option<T>, told: impl FnOnce() -> String) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = holds() {
            return found;
        }
        if begun.elapsed() > PATIENCE {
            panic!("in vain: {}", told());
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// As [`wait_for`], for what has to be awaited.
pub async fn until<T>(holds: impl AsyncFn() -> Option<T>, told: impl FnOnce() -> String) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = holds().await {
            return found;
        }
        if begun.elapsed() > PATIENCE {
            panic!("in vain: {}", told());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs the program to its end, which must come by itself.
pub fn run(command: &mut Command) -> Output {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = child.id().to_string();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
    ended.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let _ = Command::new("kill").args(["-s", "KILL", &pid]).status();
        panic!("{command:?} does not end")
    })
}

/// The value of a metric in this text: the sum of all samples with this name and, if they are given, these
/// labels.
pub fn value(metrics: &str, name: &str) -> u64 {
    let value = |line: &str| {
        let (sample, value) = line.rsplit_once(' ')?;
        let is_it = sample == name || sample.split('{').next() == Some(name);
        is_it.then(|| value.parse::<f64>().unwrap() as u64)
    };
    let sum = metrics.lines().filter_map(value).reduce(|sum, value| sum + value);
    sum.unwrap_or_else(|| panic!("no {name} in {metrics}"))
}

/// What a run said, for people: both streams and the status.
pub fn transcript(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}--- stderr\n{}--- status {}\n",
        text(&output.stdout),
        text(&output.stderr),
        output.status.code().unwrap()
    )
}

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

    /// Asks the public listener for `path`.
    pub async fn get(&self, path: &str) -> Answer {
        get(&format!("{}{path}", self.url)).await
    }

    /// Asks the admin listener for `path`.
    pub async fn get_admin(&self, path: &str) -> Answer {
        get(&format!("{}{path}", self.admin)).await
    }

    /// Posts nothing to `path` of the public listener.
    pub async fn post(&self, path: &str) -> Answer {
        post(&format!("{}{path}", self.url)).await
    }

    /// Posts `body` as JSON, whatever it is.
    pub async fn post_json(&self, path: &str, body: impl Into<String>) -> Answer {
        post_json(&format!("{}{path}", self.url), body).await
    }

    /// The metrics, as they are served.
    pub async fn metrics(&self) -> String {
        self.get_admin("/metrics").await.text
    }

    /// The value of a metric, as [`value`] reads it.
    pub async fn metric(&self, name: &str) -> u64 {
        value(&self.metrics().await, name)
    }

    /// Waits until `wanted` accepts the value of a metric.
    pub async fn wait_for_metric(&self, name: &str, wanted: impl Fn(u64) -> bool) {
        until(async || wanted(self.metric(name).await).then_some(()), || name.to_owned()).await;
    }

    /// Has the stand-ins fail in these ways, and in no other.
    pub async fn set_faults(&self, faults: &[&str]) {
        let request = client().put(format!("{}/_sandbox/faults", self.stand_ins));
        let answer = Answer::to(request.body(serde_json::json!(faults).to_string())).await;
        assert!(answer.status.is_success(), "{faults:?}: {}", answer.text);
    }

    /// The requests that reached the stand-ins so far.
    pub async fn history(&self) -> Vec<Value> {
        let history = get(&format!("{}/_sandbox/history", self.stand_ins)).await.json();
        history.as_array().unwrap().clone()
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
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Ends it, and gives everything that it printed.
    pub fn end(mut self) -> String {
        self.signal("TERM");
        self.wait();
        self.output()
    }

    /// Ends it, and gives everything that it printed on standard output.
    pub fn end_of_stdout(mut self) -> String {
        self.signal("TERM");
        self.wait();
        self.stdout()
    }

    /// Waits for its end, and for the last of what it printed.
    pub fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.stdout.finish();
                self.stderr.finish();
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "does not end: {}", self.output());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
