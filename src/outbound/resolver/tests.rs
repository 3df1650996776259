use std::{
    net::IpAddr,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use rustix::net::{AddressFamily, SocketType, bind, listen, socket};

use super::*;

/// Addresses of this machine, which nobody else uses: `127.5.x.y`.
fn address(last: [u8; 2]) -> IpAddr {
    IpAddr::from([127, 5, last[0], last[1]])
}

/// A resolver of a name that has these addresses, and how often it was looked up.
fn resolver(port: u16, addresses: &[IpAddr]) -> Resolver {
    let addresses: Vec<_> = addresses.iter().map(|address| SocketAddr::new(*address, 0)).collect();
    let cache = AddressCache::new(move |_| {
        let addresses = addresses.clone();
        Box::pin(async move { Ok(addresses) })
    });
    Resolver::new(cache, &format!("http://server.test:{port}/").parse().unwrap())
}

/// Takes connections to `address`, at a port of the system's choice or `port`, and counts them.
fn accepting(address: IpAddr, port: u16) -> (u16, Arc<AtomicU32>) {
    let listener = std::net::TcpListener::bind(SocketAddr::new(address, port)).unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU32::new(0)));
    let accepted = count.clone();
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            accepted.fetch_add(1, Relaxed);
        }
    });
    (port, count)
}

async fn first(resolver: &Resolver) -> IpAddr {
    resolver.ordered("server.test").await.unwrap()[0].ip()
}

#[tokio::test]
async fn an_address_that_accepts_comes_before_one_that_is_silent_or_refuses() {
    let (good, silent, refusing) = (address([1, 1]), address([1, 2]), address([1, 3]));
    let (port, _) = accepting(good, 0);
    let _full = silent_at(silent, port);
    for addresses in [[silent, good], [good, silent], [refusing, good], [good, refusing]] {
        let resolver = resolver(port, &addresses);
        let begun = Instant::now();
        assert_eq!(first(&resolver).await, good, "{addresses:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{addresses:?}");
    }
}

#[tokio::test]
async fn a_silent_address_is_passed_over_for_a_while() {
    let (good, silent) = (address([2, 1]), address([2, 2]));
    let (port, count) = accepting(good, 0);
    let _full = silent_at(silent, port);
    let resolver = resolver(port, &[silent, good]);
    assert_eq!(first(&resolver).await, good);
    let trials = resolver.trials.lock().await;
    assert_eq!(trials.failed.keys().map(SocketAddr::ip).collect::<Vec<_>>(), [silent]);
    assert_eq!(trials.best.map(|(address, _)| address.ip()), Some(good));
    drop(trials);
    // While it is fresh, no other connection is tried; after that, the good one first.
    assert_eq!(first(&resolver).await, good);
    resolver.trials.lock().await.best = None;
    assert_eq!(first(&resolver).await, good);
    drop(resolver);
    while count.load(Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn where_nobody_accepts_the_addresses_are_tried_all_the_same() {
    let (one, other) = (address([3, 1]), address([3, 2]));
    // A port that was free a moment ago, at addresses that only this test uses.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let resolver = resolver(port, &[one, other]);
    let all = resolver.ordered("server.test").await.unwrap();
    assert_eq!(all.iter().map(SocketAddr::ip).collect::<Vec<_>>(), [one, other]);
}

#[tokio::test]
async fn a_single_address_is_not_tried() {
    let good = address([4, 1]);
    let (port, count) = accepting(good, 0);
    assert_eq!(first(&resolver(port, &[good])).await, good);
    assert_eq!(count.load(Relaxed), 0);
}

/// Somebody who never answers at `address`: the system drops what comes, since the queue is full.
pub(in crate::outbound) fn silent_at(address: IpAddr, port: u16) -> impl Sized {
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&listener, &SocketAddr::new(address, port)).unwrap();
    listen(&listener, 0).unwrap();
    let listener = std::net::TcpListener::from(listener);
    let target = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&target, Duration::from_millis(100))
    {
        queued.push(stream);
    }
    (listener, queued)
}
