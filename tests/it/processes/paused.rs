//! SIGSTOP and SIGCONT, as a debugger, a virtual machine or a laptop's lid would.

use std::{thread, time::Duration};

use super::{accounts::Accounts, client::Clients, file, minter::Minter, serving};
use crate::support::process::{Server, wait_for};

/// Waits until so many answers more are there.
fn until_more(clients: &Clients, count: usize) {
    let enough = clients.answered() + count;
    let told = || format!("{} of {enough} answers", clients.answered());
    wait_for(|| (clients.answered() >= enough).then_some(()), told);
}

#[test]
fn a_server_that_stood_still_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let minter = Minter::start(7);
    let server = Server::start(&mut serving(&minter.url(), &file(&path)));
    let clients = Clients::start(8, &server.url);
    until_more(&clients, 50);
    server.signal("STOP");
    // What was on its way arrives; then nothing may.
    thread::sleep(Duration::from_millis(300));
    let answered = clients.answered();
    thread::sleep(Duration::from_secs(1));
    assert_eq!(clients.answered(), answered, "it was not paused");
    server.signal("CONT");
    until_more(&clients, 50);

    let (replies, unanswered) = clients.stop();
    server.end();
    let (seen, minted) = minter.stop();
    assert_eq!(unanswered, 0);
    for reply in &replies {
        // What waited for the audit when time stood still may have waited for too long.
        let fits = reply.status == 200 || reply.body["code"] == "audit_unavailable";
        assert!(fits, "{reply:?}");
    }
    assert!(replies[replies.len() - 20..].iter().all(|reply| reply.status == 200), "{replies:?}");
    let accounts = Accounts::read(&path);
    accounts.check(seen, &minted, &replies);
    assert_eq!((accounts.ended("yes"), accounts.ended("unknown")), (minted.len(), 0));
    assert_eq!(accounts.records.len(), replies.len(), "a request has one record");
}
