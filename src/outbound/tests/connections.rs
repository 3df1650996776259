//! Which connection a request goes out on, and which are given up.

use tokio::runtime::{self, Runtime};

use super::*;

#[tokio::test]
async fn a_connection_carries_one_request_after_the_other() {
    let (server, client, post) = Server::start(&[Does::Answer]).await;
    for _ in 0..3 {
        assert_eq!(ask(&client, &post).await, Ok(b"ok".to_vec()));
    }
    assert_eq!(server.asked(), [1, 1, 1]);
}

#[tokio::test]
async fn busy_threads_keep_connections_of_their_own() {
    let does = [[Does::Hold; client::MAX_COMMON].as_slice(), &[Does::Answer]].concat();
    let (server, client, post) = Server::start(does.leak()).await;
    let held: Vec<_> = (0..client::MAX_COMMON)
        .map(|_| {
            let (client, post) = (client.clone(), post.clone());
            tokio::spawn(async move { ask(&client, &post).await })
        })
        .collect();
    server.until(|| server.asked().len() == held.len()).await;
    let thread = || runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let threads = [thread().unwrap(), thread().unwrap()];
    let ask_from = async |thread: &Runtime| {
        let (client, post) = (client.clone(), post.clone());
        let answer = thread.spawn(async move { ask(&client, &post).await });
        assert_eq!(answer.await.unwrap(), Ok(b"ok".to_vec()));
    };
    for thread in [0, 1, 0, 1] {
        ask_from(&threads[thread]).await;
    }
    for held in held {
        held.abort();
        assert!(held.await.unwrap_err().is_cancelled());
    }
    // There is little to do again.
    for thread in &threads {
        ask_from(thread).await;
    }
    assert_eq!(server.asked(), [1, 2, 3, 4, 5, 6, 5, 6, 7, 7]);
    threads.into_iter().for_each(Runtime::shutdown_background);
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_not_used() {
    let (server, client, post) = Server::start(&[Does::AnswerOnce, Does::Answer]).await;
    ask(&client, &post).await.unwrap();
    server.has_closed(1).await;
    // The connection's task is told before whoever comes after it.
    tokio::time::sleep(Duration::from_millis(50)).await;
    ask(&client, &post).await.unwrap();
    assert_eq!(server.asked(), [1, 2]);
}

#[tokio::test]
async fn a_connection_whose_answer_was_not_read_is_not_used_again() {
    let (server, client, post) = Server::start(&[Does::Answer]).await;
    drop(client.post(&post, Bytes::new()).await.unwrap());
    ask(&client, &post).await.unwrap();
    assert!(server.asked().len() == 2);
}

#[tokio::test]
async fn the_end_of_a_new_connection_is_told_from_that_of_a_kept_one() {
    let (server, client, post) = Server::start(&[Does::CloseWhenAsked]).await;
    assert_eq!(ask(&client, &post).await, Err(SendError::HungUp));
    assert_eq!(server.asked(), [1], "it is not asked again");
    let (server, client, post) = Server::start(&[Does::AnswerThenClose]).await;
    ask(&client, &post).await.unwrap();
    assert_eq!(ask(&client, &post).await, Err(SendError::Stale));
    assert_eq!(server.asked(), [1, 1], "it is not asked again");
}

#[tokio::test]
async fn a_kept_connection_that_answers_unasked_is_closed() {
    for does in [Does::AnswerTwice, Does::AnswerUnasked] {
        let (server, client, post) = Server::start(match does {
            Does::AnswerTwice => &[Does::AnswerTwice, Does::Answer],
            _ => &[Does::AnswerUnasked, Does::Answer],
        })
        .await;
        let _ = ask(&client, &post).await;
        server.has_closed(1).await;
        assert_eq!(ask(&client, &post).await, Ok(b"ok".to_vec()));
        assert_eq!(server.asked().last(), Some(&2));
    }
}
