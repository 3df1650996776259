//! The real program, as a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// A server that runs until it is dropped.
pub struct Program {
    pub child: Child,
    /// Where callers connect.
    pub url: String,
    /// The admin listener.
    pub admin: String,
}

impl Program {
    /// Starts `program`, on any ports, with these arguments, and nothing in its environment but
    /// `settings`.
    pub fn start(program: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env_clear()
            .env("VALETKEY__SERVER__ADMIN_LISTEN", "127.0.0.1:0")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut said = String::new();
        let listening = lines.by_ref().find_map(|line| {
            said += &line;
            let line: Value = serde_json::from_str(&line).ok()?;
            (line["message"] == "listening").then_some(line)
        });
        let listening = listening.unwrap_or_else(|| panic!("the server does not start: {said}"));
        let at = |key: &str| format!("http://{}", listening[key].as_str().unwrap());
        let (url, admin) = (at("listen"), at("admin_listen"));
        // It must be able to go on writing.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url, admin }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
