//! Holds `script.lua` to [`crate::limit::gcra`] and [`crate::limit::quota`], in a real Redis.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    thread::sleep,
    time::Duration,
};

use proptest::{prelude::*, test_runner::TestRunner};
use redis::{Client, Connection, Script};

use super::{add, read, redis_server::Redis};
use crate::{
    limit::{
        Charge, Subject,
        charge::Receipt,
        gcra::Bucket,
        quota::Window,
        tally::{Tally, Weighed, outcome, receipts},
    },
    settings::{Limit, Mode, Quota, Rate},
};

/// What happens: some charges are spent together, or one spent before is given back.
#[derive(Clone, Debug)]
enum Event {
    Spend(Vec<usize>),
    GiveBack(prop::sample::Index),
    Wait(u64),
}

fn limits() -> Vec<Limit> {
    let millis = Duration::from_millis;
    let limit = |mode, rate: Option<(u32, u64, u32)>, quota: Option<(u32, u64)>| Limit {
        mode,
        rate: rate.map(|(count, per, burst)| Rate { count, per: millis(per), burst }),
        quota: quota.map(|(count, per)| Quota { count, per: millis(per) }),
    };
    vec![
        limit(Mode::Enforce, Some((3, 10, 4)), None),
        limit(Mode::Enforce, None, Some((5, 12))),
        limit(Mode::Enforce, Some((7, 5, 2)), Some((9, 40))),
        limit(Mode::Observe, Some((1, 3, 1)), Some((2, 9))),
        limit(Mode::Enforce, Some((1_000_000, 1_000, 1_000_000)), Some((1_000_000, 86_400_000))),
        limit(Mode::Observe, Some((1, 86_400_000, 1_000_000)), None),
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => prop::collection::vec(0..limits().len(), 1..4).prop_map(Event::Spend),
        2 => any::<prop::sample::Index>().prop_map(Event::GiveBack),
        1 => (1..6_u64).prop_map(Event::Wait),
    ];
    prop::collection::vec(event, 1..60)
}

/// Counts that say the same: what is paid and what is over is no different from nothing.
fn plain(counts: Tally, now: u64) -> Tally {
    let Tally { bucket, window } = counts;
    Tally {
        bucket: if bucket.tat > now { bucket } else { Bucket::default() },
        window: if window.end > now { window } else { Window::default() },
    }
}

/// One history, in Redis and by our own rules.
struct Play<'a> {
    connection: &'a mut Connection,
    script: Script,
    charges: Vec<Charge>,
    model: HashMap<usize, Tally>,
    spent: Vec<(usize, Receipt)>,
}

impl Play<'_> {
    fn spend(&mut self, which: &[usize]) {
        let charges: Vec<&Charge> = which.iter().map(|at| &self.charges[*at]).collect();
        let mut call = self.script.prepare_invoke();
        call.arg("spend");
        charges.iter().for_each(|charge| add(&mut call, charge).unwrap());
        let reply: Vec<u64> = call.invoke(self.connection).unwrap();
        let now = reply[0];
        let mut counts = self.model.clone();
        let mut weighed = Vec::new();
        for (at, there) in which.iter().zip(reply[2..].chunks(4)) {
            let here = counts.entry(*at).or_default();
            let it = Weighed::new(&self.charges[*at], *here, now);
            let (bucket, window) = (
                Bucket { tat: there[0], low: there[1] },
                Window { end: there[2], count: there[3] },
            );
            assert_eq!(plain(Tally { bucket, window }, now), plain(*here, now));
            *here = it.after;
            weighed.push(it);
        }
        let expected = outcome(&weighed, now, Vec::new());
        let (_, said, _) = read(&charges, &reply).expect("both decide alike");
        assert_eq!(said.standings, expected.standings);
        if expected.result.is_ok() {
            self.model = counts;
            let receipts = which.iter().copied().zip(receipts(&weighed, now));
            self.spent.extend(receipts.filter_map(|(at, receipt)| Some((at, receipt?))));
        }
    }

    fn give_back(&mut self, index: prop::sample::Index) {
        let (at, receipt) = self.spent.remove(index.index(self.spent.len()));
        let mut call = self.script.prepare_invoke();
        call.arg("give_back");
        add(&mut call, &receipt.charge).unwrap();
        let call = call.arg(receipt.at).arg(receipt.window);
        let reply: Vec<u64> = call.invoke(self.connection).unwrap();
        let counts = self.model.get_mut(&at).unwrap();
        *counts = plain(*counts, reply[0]).give_back(&receipt, reply[0]);
    }
}

#[test]
#[ignore = "needs redis-server; scripts/test runs it"]
fn the_script_follows_the_same_rules() {
    let redis = Redis::start();
    let connection = Client::open(redis.url()).unwrap().get_connection().unwrap();
    let connection = RefCell::new(connection);
    let histories = Cell::new(0_u128);
    let play = |events: Vec<Event>| {
        histories.set(histories.get() + 1);
        let charge = |(number, limit): (u128, Limit)| {
            let shared = Some((histories.get() << 8 | number).to_le_bytes());
            Charge { policy: "test", limit, subject: Subject { here: 0, shared } }
        };
        let mut play = Play {
            connection: &mut connection.borrow_mut(),
            script: Script::new(include_str!("script.lua")),
            charges: (0..).zip(limits()).map(charge).collect(),
            model: HashMap::new(),
            spent: Vec::new(),
        };
        for event in events {
            match event {
                Event::Wait(millis) => sleep(Duration::from_millis(millis)),
                Event::Spend(which) => play.spend(&which),
                Event::GiveBack(index) if !play.spent.is_empty() => play.give_back(index),
                Event::GiveBack(_) => (),
            }
        }
        Ok(())
    };
    let config = ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() };
    TestRunner::new(config).run(&events(), play).unwrap();
}
