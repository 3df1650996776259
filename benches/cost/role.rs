//! What this program is when it is told: the bench, or one of the servers that it needs.

use std::net::SocketAddr;

use super::{constant, serve::end_with_the_bench, stand_in};

/// Whether this process was one of the servers.
pub fn play() -> bool {
    let args: Vec<String> = std::env::args().collect();
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["stand-in", plain, http1, http2, folder] => {
            end_with_the_bench();
            stand_in::run([plain, http1, http2].map(address), folder.as_ref());
        }
        ["constant", at] => {
            end_with_the_bench();
            constant::run(address(at));
        }
        _ => return false,
    }
    true
}
