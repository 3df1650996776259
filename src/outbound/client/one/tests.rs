use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};

use super::*;

/// What the other side has room for, in bytes.
const ROOM: usize = 4096;

fn pair() -> (One, DuplexStream) {
    let (near, far) = duplex(ROOM);
    (One::new(Box::new(near)), far)
}

fn request() -> BytesMut {
    BytesMut::from("POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
}

/// What comes of a request that is answered with `text`, after which nothing comes.
async fn ask(text: &str) -> Result<Result<(Vec<u8>, bool), Unread>, Failed> {
    let (mut one, mut far) = pair();
    far.write_all(text.as_bytes()).await.unwrap();
    far.shutdown().await.unwrap();
    let answer = one.ask(request()).await?;
    Ok(one.body(answer, 10).await)
}

#[tokio::test]
async fn an_end_without_a_byte_is_told_from_one_in_the_midst() {
    assert_eq!(ask("").await, Err(Failed::Ended));
    for begun in ["H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n"] {
        assert_eq!(ask(begun).await, Err(Failed::Lost(Lost::HungUp)), "{begun}");
    }
    for other in ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\n: \r\n\r\n"] {
        assert_eq!(ask(other).await, Err(Failed::Lost(Lost::NotHttp)), "{other}");
    }
}

#[tokio::test]
async fn where_nothing_can_be_sent_that_is_said() {
    let (mut one, far) = pair();
    drop(far);
    assert!(!one.is_open());
    assert_eq!(one.ask(request()).await.err(), Some(Failed::Unsent));
}

#[tokio::test]
async fn a_head_has_an_end() {
    let endless_header = ("HTTP/1.1 200 OK\r\nx: ", "x");
    let still_to_come = ("", "HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n");
    for (begin, again) in [endless_header, still_to_come] {
        let (mut one, mut far) = pair();
        let sends = async {
            far.write_all(begin.as_bytes()).await?;
            loop {
                far.write_all(again.repeat(10).as_bytes()).await?;
            }
        };
        let asks = async move { one.ask(request()).await.err() };
        let (sent, asked): (io::Result<()>, _) = tokio::join!(sends, asks);
        assert_eq!(asked, Some(Failed::Lost(Lost::NotHttp)), "{again}");
        assert!(sent.is_err());
    }
}

#[tokio::test]
async fn another_request_follows_where_it_can() {
    let ok = |keeps| Ok(Ok((b"ok".to_vec(), keeps)));
    assert_eq!(ask("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await, ok(true));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    assert_eq!(ask(chunked).await, ok(true));
    let hints = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(3);
    assert_eq!(ask(&(hints + chunked)).await, ok(true));
    assert_eq!(ask(&(chunked.to_owned() + "H")).await, ok(false), "more than was asked for");
    assert_eq!(ask("HTTP/1.1 200 OK\r\n\r\nok").await, ok(false));
    let last = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    assert_eq!(ask(last).await, ok(false));
}

#[tokio::test]
async fn a_body_is_whole_and_small_or_not_read() {
    for (text, unread) in [
        ("Content-Length: 11\r\n\r\nhello", Unread::TooLarge),
        ("Content-Length: 18446744073709551615\r\n\r\nhello", Unread::TooLarge),
        ("\r\nhello, world", Unread::TooLarge),
        ("Transfer-Encoding: chunked\r\n\r\nb\r\n", Unread::TooLarge),
        ("Content-Length: 10\r\n\r\nhello", Unread::Truncated),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Unread::Truncated),
    ] {
        let text = format!("HTTP/1.1 200 OK\r\n{text}");
        assert_eq!(ask(&text).await, Ok(Err(unread)), "{text}");
    }
}

#[tokio::test]
async fn who_answers_before_all_is_sent_is_heard() {
    let (mut one, mut far) = pair();
    let mut large = request();
    large.resize(3 * ROOM, b'x');
    far.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno").await.unwrap();
    let answer = one.ask(large.clone()).await.unwrap();
    assert_eq!(answer.status(), 413);
    assert_eq!(one.body(answer, 10).await, Ok((b"no".to_vec(), false)));

    let (mut one, far) = pair();
    let asks = async { one.ask(large).await.err() };
    let hangs_up = async {
        tokio::task::yield_now().await;
        drop(far);
    };
    assert_eq!(tokio::join!(asks, hangs_up).0, Some(Failed::Ended));
}

#[tokio::test]
async fn one_that_ended_or_speaks_unasked_is_not_open() {
    let (mut one, mut far) = pair();
    assert!(one.is_open() && one.is_open());
    far.write_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n").await.unwrap();
    assert!(!one.is_open());
    let (mut one, far) = pair();
    let ended = tokio::spawn(async move { poll_fn(|cx| one.poll_end(cx)).await });
    tokio::task::yield_now().await;
    drop(far);
    ended.await.unwrap();
}
