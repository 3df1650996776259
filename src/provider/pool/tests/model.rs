//! Whatever happens in whatever order: each token goes to one place, none is handed out after its
//! time, and no more are minted than may be.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::prelude::*;

use crate::provider::pool::stock::{Order, Stock, Terms};

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    Ask,
    /// One that also has to be good by another measure, which it is not.
    AskInVain,
    Pass(u64),
    Look,
    /// The mint at this place of those under way ends, with a token that is good for so long.
    Arrive(prop::sample::Index, u64),
    Fail(prop::sample::Index, Option<u64>),
    Flush,
    Drain,
    Close,
}

fn event() -> impl Strategy<Value = Event> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        12 => Just(Event::Ask),
        1 => Just(Event::AskInVain),
        4 => (0..3_000_u64).prop_map(Event::Pass),
        1 => (0..200_000_u64).prop_map(Event::Pass),
        12 => Just(Event::Look),
        10 => (index(), 0..60_000_u64).prop_map(|(at, life)| Event::Arrive(at, life)),
        2 => (index(), prop::option::of(0..20_000_u64)).prop_map(|(at, it)| Event::Fail(at, it)),
        1 => Just(Event::Flush),
        1 => prop_oneof![8 => Just(Event::Look), 1 => Just(Event::Drain), 1 => Just(Event::Close)],
    ]
}

/// What must be so, and the stock that it is tried on.
struct Model {
    stock: Stock<u64>,
    terms: Terms,
    now: Duration,
    orders: Vec<Order>,
    /// Those in the stock, and until when they are good.
    ready: BTreeMap<u64, Duration>,
    taken: BTreeSet<u64>,
    discarded: BTreeSet<u64>,
    minted: u64,
    /// When someone asked last.
    asked: Option<Duration>,
    /// How many orders, of those under way, are no longer wanted.
    is_over: bool,
    is_closed: bool,
}

impl Model {
    fn new(terms: Terms) -> Self {
        Self {
            stock: Stock::new(terms),
            terms,
            now: Duration::ZERO,
            orders: Vec::new(),
            ready: BTreeMap::new(),
            taken: BTreeSet::new(),
            discarded: BTreeSet::new(),
            minted: 0,
            asked: None,
            is_over: false,
            is_closed: false,
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Ask => self.ask(true),
            Event::AskInVain => self.ask(false),
            Event::Pass(millis) => self.now += Duration::from_millis(millis),
            Event::Look => self.look(),
            Event::Arrive(at, life) if !self.orders.is_empty() => {
                let order = self.orders.swap_remove(at.index(self.orders.len()));
                self.arrive(order, Duration::from_millis(life));
            }
            Event::Fail(at, wanted) if !self.orders.is_empty() => {
                let order = self.orders.swap_remove(at.index(self.orders.len()));
                self.stock.fail(order, self.now, wanted.map(Duration::from_millis), 0.5);
            }
            Event::Arrive(..) | Event::Fail(..) => (),
            Event::Flush => {
                let all = self.stock.flush();
                self.discard(all);
                assert!(self.ready.is_empty());
            }
            Event::Drain => {
                self.stock.drain();
                self.is_over = true;
            }
            Event::Close => {
                let all = self.stock.close();
                self.discard(all);
                (self.is_over, self.is_closed) = (true, true);
                assert!(self.ready.is_empty());
            }
        }
        self.check();
    }

    fn ask(&mut self, is_good: bool) {
        let mut spoiled = Vec::new();
        let taken = self.stock.take(self.now, |_| is_good, &mut spoiled);
        self.discard(spoiled);
        if !self.is_over {
            self.asked = Some(self.now);
        }
        let Some(token) = taken else {
            assert!(self.ready.is_empty(), "there was one to be had");
            return;
        };
        assert!(is_good);
        let until = self.ready.remove(&token).expect("it was in the stock");
        assert!(self.now < until, "it was handed out too late");
        assert!(self.ready.values().all(|other| until <= *other), "others end sooner");
        assert!(self.taken.insert(token), "it was handed out twice");
    }

    fn look(&mut self) {
        let spoiled = self.stock.spoiled(self.now);
        assert!(spoiled.iter().all(|token| self.ready[token] <= self.now), "too early");
        self.discard(spoiled);
        assert!(self.ready.values().all(|until| self.now < *until), "too late");
        let plan = self.stock.plan(self.now);
        let is_idle = self.asked.is_none_or(|asked| self.now >= asked + self.terms.idle);
        if self.is_over || is_idle {
            assert!(plan.orders.is_empty(), "nobody wants any");
        }
        self.orders.extend(plan.orders);
        if plan.is_done {
            assert!(self.orders.is_empty() && (self.is_over || self.ready.is_empty()));
        } else {
            let waits = !self.orders.is_empty() || plan.look_again.is_some();
            assert!(waits, "who fills it would wait for ever");
        }
    }

    fn arrive(&mut self, order: Order, life: Duration) {
        let token = self.minted;
        self.minted += 1;
        let until = self.now + life;
        match self.stock.arrive(order, token, until, self.now) {
            Ok(()) => {
                assert!(!self.is_closed && !life.is_zero());
                self.ready.insert(token, until);
            }
            Err(token) => assert!(self.discarded.insert(token)),
        }
    }

    fn discard(&mut self, tokens: Vec<u64>) {
        for token in tokens {
            assert!(self.ready.remove(&token).is_some(), "it was not in the stock");
            assert!(self.discarded.insert(token), "it was discarded twice");
        }
    }

    fn check(&self) {
        let (ready, under_way) = self.stock.counts();
        assert_eq!((ready, under_way as usize), (self.ready.len(), self.orders.len()));
        assert!(under_way <= self.terms.refills, "too many at once");
        assert!(ready + self.orders.len() <= self.terms.size as usize, "too many in all");
        let gone = self.taken.len() + self.discarded.len();
        assert_eq!(self.minted, (ready + gone) as u64, "one is lost, or is in two places");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_token_goes_to_one_place_in_time(
        (size, refills) in (1..40_u32, 1..12_u32),
        idle in 0..120_u64,
        events in prop::collection::vec(event(), 1..400),
    ) {
        let idle = Duration::from_secs(idle);
        let mut model = Model::new(Terms { size, idle, refills });
        for event in events {
            model.apply(event);
        }
        let all = model.stock.close();
        model.discard(all);
        prop_assert_eq!(model.minted, (model.taken.len() + model.discarded.len()) as u64);
    }
}
