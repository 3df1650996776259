//! A real Redis, with the users of `config/redis-users.acl`. Stands alone: the unit tests of
//! `valetkey::limit` use it too.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering::Relaxed},
    thread::sleep,
    time::{Duration, Instant},
};

use redis::{Client, Connection, FromRedisValue};
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A port that is free, and stays so: it is none of those that the system hands out to whoever binds port 0,
/// as most tests do at the same time.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000).unwrap();
    let next = || Some(20_000 + (first + NEXT.fetch_add(1, Relaxed)) % 12_000);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::from_fn(next).find(is_free).unwrap()
}

/// The password of the user `valetkey`.
pub const PASSWORD: &str = "canary-redis-password";

/// A Redis that runs until it is dropped.
pub struct Redis {
    child: Option<Child>,
    port: u16,
    folder: tempfile::TempDir,
}

impl Redis {
    /// Starts one.
    pub fn start() -> Self {
        let mut redis = Self::absent();
        redis.appear();
        redis
    }

    /// One that is not there yet: its port is free.
    pub fn absent() -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        // As the operator would: the file as it is shipped, a password, and someone to look after it.
        let users = concat!(env!("CARGO_MANIFEST_DIR"), "/config/redis-users.acl");
        let users = std::fs::read_to_string(users).unwrap();
        let users = users.replace(" resetpass ", &format!(" resetpass >{PASSWORD} "));
        let users = format!("{users}user admin on >admin ~* &* +@all\n");
        std::fs::write(folder.path().join("users.acl"), users).unwrap();
        Self { child: None, port, folder }
    }

    /// Starts it on its port, empty, and waits until it answers.
    pub fn appear(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--appendonly", "no", "--aclfile", "users.acl"]);
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        match command.spawn() {
            Ok(child) => self.child = Some(child),
            Err(error) => panic!("redis-server does not start ({error}): run scripts/test"),
        }
        let since = Instant::now();
        while self.admin().is_err() {
            assert!(since.elapsed() < PATIENCE, "redis-server does not answer");
            sleep(Duration::from_millis(10));
        }
    }

    /// Ends it without any notice, and what it knew.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Makes it stand still: it takes connections and answers nothing.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Where the server finds it, with its password.
    pub fn url(&self) -> String {
        format!("redis://valetkey:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// Its port, for other URLs.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The answer to a command of the administrator's: `CONFIG SET maxmemory 1`.
    pub fn ask<T: FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        command.arg(words.collect::<Vec<_>>()).query(&mut self.admin().unwrap()).unwrap()
    }

    /// How many calls of a script it has seen.
    pub fn calls(&self) -> u64 {
        let stats: String = self.ask("INFO commandstats");
        let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    }

    fn admin(&self) -> redis::RedisResult<Connection> {
        let mut connection = Client::open(format!("redis://admin:admin@127.0.0.1:{}", self.port))?
            .get_connection_with_timeout(PATIENCE)?;
        redis::cmd("PING").query::<()>(&mut connection)?;
        Ok(connection)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(self.child.as_ref().unwrap()), signal).unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
