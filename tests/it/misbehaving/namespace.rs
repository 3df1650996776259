//! A network that swallows everything: packets to the provider, and questions to its name server. It is
//! a namespace of the kernel's, in which the test runs itself again.

use std::{
    io::Write as _,
    process::{Command, Output},
};

use futures_util::future::join_all;

use super::{Case, Stage, UNREACHABLE};

/// The network: one wire, at whose other end everything is for somebody else.
const NETWORK: &str = "ip link set lo up && ip link add hole type veth peer name nowhere && \
     ip address add 10.99.0.1/24 dev hole && ip link set hole arp off up && \
     ip link set nowhere up && echo 'nameserver 10.99.0.53' > \"$0\" && \
     mount --bind \"$0\" /etc/resolv.conf";

const INSIDE: &str = "misbehaving::namespace::inside_the_black_hole";

#[test]
#[ignore = "needs ip and unshare; scripts/test runs it"]
fn a_black_hole_is_found_out_in_time() {
    let resolver = tempfile::NamedTempFile::new().unwrap();
    let within = |then: &str| -> Output {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "--mount", "sh", "-c"]);
        command.arg(format!("{NETWORK} && {then}")).arg(resolver.path());
        command.arg(std::env::current_exe().unwrap()).output().unwrap()
    };
    let trial = within("true");
    if !trial.status.success() {
        let why = String::from_utf8_lossy(&trial.stderr).into_owned();
        assert!(!why.contains("not found"), "{why}");
        // Not by way of a macro: those are not shown when a test passes.
        let _ = writeln!(
            std::io::stderr(),
            "NOT TESTED: this system lets nobody make a network of their own, so nobody knows what \
             a black hole does: {why}"
        );
        return;
    }
    let output = within(&format!("exec \"$1\" --exact {INSIDE} --ignored --nocapture"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
}

#[tokio::test]
#[ignore = "needs a network that swallows everything, which the other test makes"]
async fn inside_the_black_hole() {
    let none = "no connection could be made";
    let name = "its name cannot be resolved";
    let cases = vec![
        Case::at("an address", "xai", "https://10.99.0.9", UNREACHABLE).saying(none),
        Case::at("a name", "xai", "https://black.example", UNREACHABLE)
            .with("timeout = \"5s\"")
            .saying(name),
        Case::at("a name, in a hurry", "xai", "https://hole.example", UNREACHABLE).saying(none),
    ];
    let (stage, _) = Stage::start(cases).play_on().await;
    // However many want to know, one thread waits for the name server.
    let before = stage.server.status("Threads");
    let outcomes = join_all((0..100).map(|_| stage.ask(1))).await;
    assert!(outcomes.iter().all(|it| it.answer.status == 503));
    let more = stage.server.status("Threads").saturating_sub(before);
    assert!(more < 10, "{more} more threads");
}
