//! What becomes of lines that are written, late, given up or failed.

use std::sync::mpsc as std_mpsc;

use serde_json::Value;

use super::{super::line::Text, *};

const LONG: Duration = Duration::from_secs(60);

/// Tells what is to be written, and does it when it is told how that ends.
struct Held(std_mpsc::Sender<String>, std_mpsc::Receiver<io::Result<()>>);

impl Target for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.send(String::from_utf8(bytes.to_vec()).unwrap());
        self.1.recv().unwrap_or(Ok(())).map(|()| bytes.len())
    }
}

/// A sink, its writes as they begin, and how each of them ends.
fn held() -> (Arc<Sink>, std_mpsc::Receiver<String>, std_mpsc::Sender<io::Result<()>>) {
    let ((tell, begun), (end, ends)) = (std_mpsc::channel(), std_mpsc::channel());
    let sink = Sink::start("held", 4, || Ok((Held(tell, ends), false))).unwrap();
    (Arc::new(sink), begun, end)
}

fn event(id: &str) -> Box<Event> {
    let (request_id, outcome) = (Some(Text(id.to_owned())), Some("vended"));
    Box::new(Event { request_id, outcome, ..Event::default() })
}

async fn write(sink: Arc<Sink>, id: &'static str, within: Duration) -> Result<(), Unrecorded> {
    let room = sink.room(Instant::now() + LONG).await.unwrap();
    sink.write(room, event(id), Instant::now() + within).await
}

/// Each line as "id outcome instead_of".
fn shown(lines: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        ["request_id", "outcome", "instead_of"].map(|name| text(&line[name])).join(" ")
    };
    lines.lines().map(line).collect()
}

#[tokio::test]
async fn what_is_written_in_time_is_one_line() {
    let (sink, begun, end) = held();
    let written = tokio::spawn(write(sink, "a", LONG));
    end.send(Ok(())).unwrap();
    assert!(written.await.unwrap().is_ok());
    assert_eq!(shown(&begun.recv().unwrap()), ["a vended -"]);
}

#[tokio::test]
async fn late_before_the_writer_began_is_one_line_and_while_it_writes_two() {
    let (sink, begun, end) = held();
    let first = tokio::spawn(write(Arc::clone(&sink), "a", Duration::from_millis(300)));
    let line = tokio::task::spawn_blocking(move || (begun.recv().unwrap(), begun));
    let (line, begun) = line.await.unwrap();
    assert_eq!(shown(&line), ["a vended -"]);
    assert!(write(Arc::clone(&sink), "b", Duration::from_millis(1)).await.is_err());
    assert!(first.await.unwrap().is_err());
    drop(end);
    sink.flush();
    let rest = begun.try_iter().collect::<String>();
    let (a, b) = ("a audit_unavailable vended", "b audit_unavailable vended");
    assert_eq!(shown(&rest), [b, a]);
}

#[tokio::test]
async fn who_hangs_up_while_it_is_written_is_recorded_as_gone() {
    let (sink, begun, end) = held();
    let waiting = tokio::spawn(write(Arc::clone(&sink), "a", LONG));
    let line = tokio::task::spawn_blocking(move || (begun.recv().unwrap(), begun));
    let (_, begun) = line.await.unwrap();
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    drop(end);
    sink.flush();
    assert_eq!(shown(&begun.try_recv().unwrap()), ["a abandoned vended"]);
}

#[tokio::test]
async fn an_intent_that_comes_too_late_is_withdrawn() {
    let (sink, begun, end) = held();
    sink.write_settled(None, &event("a"));
    let line = tokio::task::spawn_blocking(move || (begun.recv().unwrap(), begun));
    let (_, begun) = line.await.unwrap();
    let deadline = Instant::now() + Duration::from_millis(1);
    assert!(sink.write_intent(event("intent").line(), deadline).await.is_err());
    sink.write_settled(None, &event("b"));
    drop(end);
    sink.flush();
    assert_eq!(shown(&begun.try_iter().collect::<String>()), ["b vended -"]);
}

#[tokio::test]
async fn what_fails_is_told_at_once_and_what_is_settled_is_tried_again() {
    let (sink, begun, end) = held();
    sink.write_settled(None, &event("settled"));
    let line = tokio::task::spawn_blocking(move || (begun.recv().unwrap(), begun));
    let (_, begun) = line.await.unwrap();
    let awaited = tokio::spawn(write(Arc::clone(&sink), "awaited", LONG));
    tokio::task::yield_now().await;
    end.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
    end.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
    assert!(awaited.await.unwrap().is_err());
    assert!(sink.is_stuck() && sink.room(Instant::now() + LONG).await.is_none());
    drop(end);
    while sink.is_stuck() {
        tokio::time::sleep(LOOKS_EVERY).await;
    }
    sink.flush();
    let lines = shown(&begun.try_iter().collect::<String>());
    assert!(lines.contains(&"settled vended -".to_owned()), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "awaited audit_unavailable vended");
}

#[tokio::test]
async fn a_sink_that_failed_and_has_nothing_to_write_finds_out_that_it_has_room_again() {
    let (sink, begun, end) = held();
    end.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
    assert!(sink.write_intent(event("intent").line(), Instant::now() + LONG).await.is_err());
    assert!(sink.is_stuck());
    drop(end);
    let writes = tokio::task::spawn_blocking(move || {
        [(); 2].map(|()| begun.recv_timeout(Duration::from_secs(20)).unwrap())
    });
    assert_eq!(writes.await.unwrap()[1], "\n", "an empty line tells");
    while sink.is_stuck() {
        tokio::time::sleep(LOOKS_EVERY).await;
    }
}

#[test]
fn without_a_sink_the_writer_ends() {
    let (sink, begun, end) = held();
    drop(end);
    sink.write_settled(None, &event("a"));
    drop(sink);
    assert_eq!(begun.iter().count(), 1, "its end of the channel is gone, too");
}
