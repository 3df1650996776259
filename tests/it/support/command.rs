//! Commands that run the program, as a user would.

use std::{
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    ELEVENLABS_KEY, XAI_KEY,
    wait::{PATIENCE, wait_for},
};

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

/// Runs the program to its end, which must come by itself.
pub fn run(command: &mut Command) -> Output {
    run_on(command, Stdio::null())
}

/// As [`run`], with something else on its standard input.
pub fn run_on(command: &mut Command, stdin: Stdio) -> Output {
    let command = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = child.id();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
    ended.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        signal(pid, "KILL");
        panic!("{command:?} does not end")
    })
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

/// Sends a process a signal by name: `TERM`.
pub fn signal(process: u32, name: &str) {
    let signal = match name {
        "CONT" => Signal::CONT,
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "KILL" => Signal::KILL,
        "STOP" => Signal::STOP,
        "TERM" => Signal::TERM,
        other => panic!("no test sends {other}"),
    };
    let process = Pid::from_raw(process.try_into().unwrap()).unwrap();
    kill_process(process, signal).unwrap();
}

/// A process of which nothing is read; it ends with the test, however that ends.
pub struct Unread(pub Child);

impl Unread {
    /// Sends it SIGTERM, and gives the status that it ends with.
    pub fn terminate(mut self) -> Option<i32> {
        signal(self.0.id(), "TERM");
        wait_for(|| self.0.try_wait().unwrap(), || "it does not end".to_owned()).code()
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
