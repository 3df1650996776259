//! The spare connection.

use super::*;

/// A client that has a spare connection, which is the first.
pub(super) async fn warm(does: &'static [Does]) -> (Server, Client, Post) {
    let (server, client, post) = Server::start(does).await;
    client.keep_warm();
    client.keep_warm();
    server.has_accepted(1).await;
    until(|| client.0.kept().spare.as_mut().is_some_and(|it| it.connection.is_ready())).await;
    (server, client, post)
}

#[tokio::test]
async fn the_first_request_takes_the_spare_connection_and_another_is_made() {
    let (server, client, post) = warm(&[Does::Answer]).await;
    assert!(server.asked().is_empty());
    ask(&client, &post).await.unwrap();
    assert_eq!(server.asked(), [1]);
    server.has_accepted(2).await;
    ask(&client, &post).await.unwrap();
    assert_eq!((server.asked(), server.accepted.load(SeqCst)), (vec![1, 1], 2));
}

#[tokio::test]
async fn a_spare_connection_that_the_server_closed_is_replaced() {
    let (server, client, post) = Server::start(&[Does::Close, Does::Answer]).await;
    client.keep_warm();
    server.has_accepted(2).await;
    until(|| client.0.kept().spare.as_mut().is_some_and(|it| it.connection.is_ready())).await;
    ask(&client, &post).await.unwrap();
    assert_eq!(server.asked(), [2]);
}

#[tokio::test]
async fn a_spare_connection_that_speaks_unasked_is_not_used() {
    let (server, client, post) = Server::start(&[Does::Speak, Does::Answer]).await;
    client.keep_warm();
    server.has_accepted(2).await;
    ask(&client, &post).await.unwrap();
    assert!(!server.asked().contains(&1), "{:?}", server.asked());
}

#[tokio::test]
async fn a_spare_connection_is_not_used_for_ever() {
    let (server, client, post) = warm(&[Does::Answer]).await;
    client.0.kept().spare.as_mut().unwrap().until = Instant::now();
    ask(&client, &post).await.unwrap();
    assert_eq!(server.asked().len(), 1);
    assert_ne!(server.asked(), [1]);
}

#[tokio::test]
async fn with_the_last_copy_or_when_told_so_nothing_is_kept() {
    let (server, client, post) = warm(&[Does::Answer]).await;
    client.let_cool();
    until(|| server.closed.load(SeqCst) == 1).await;
    client.keep_warm();
    server.has_accepted(2).await;
    let pool = Arc::downgrade(&client.0);
    drop((client, post));
    until(|| pool.strong_count() == 0 && server.closed.load(SeqCst) == 2).await;
}
