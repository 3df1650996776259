//! What a busy server does, for the compiler to watch: scripts/release has the program built so that it
//! counts which ways its code takes, runs this, and has it built again for the ways that were taken.
//! Run by hand it only says whether everything is answered as it should be. The arguments
//! are the program, and the file that it writes its counts to.
#![allow(clippy::unwrap_used, missing_docs, reason = "a training that cannot go on should stop")]
#![allow(clippy::print_stderr, reason = "what was done")]
#![allow(unreachable_pub, reason = "a program of many files")]

mod course;
#[path = "../support/program.rs"]
mod program;
mod provider;
mod requests;
mod server;

use course::Course;

#[tokio::main]
async fn main() {
    let mut given = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let program = given.next().unwrap_or_else(|| env!("CARGO_BIN_EXE_valetkey").to_owned());
    let course = Course { callers: 64, times: [60, 15] };
    let answered = course.run(&program, given.next().as_deref()).await;
    eprintln!("{answered} requests were answered as they should be");
}
