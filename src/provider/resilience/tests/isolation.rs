//! What one caller asks for changes nothing for those who ask for something else.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// A request: a product and a lifetime.
type Kind = (&'static str, u32);

const KINDS: [Kind; 4] = [
    ("realtime_scribe", 300),
    ("realtime_scribe", 60),
    ("tts_websocket", 300),
    ("batch_scribe", 9),
];

/// What a provider answers to the requests of one kind with one key: one answer after the other, again and
/// again. It knows neither the caller nor what else was asked.
type Script = HashMap<(usize, Kind), Vec<Answer>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Token,
    KeyRefused,
    KeyOrRequestRefused,
    NoPermission,
    NoCredit,
    WrongRequest,
    Limited(u64),
    Broken,
    Busy,
    HungUp,
    NoConnection,
    Garbage,
    Hangs,
}

impl Answer {
    fn result(self) -> Result<(), ProviderError> {
        let refused = |refusal, status| Err(ProviderError::Refused { refusal, status });
        match self {
            Self::Token | Self::Hangs => Ok(()),
            Self::KeyRefused => refused(Refusal::Key, 401),
            Self::KeyOrRequestRefused => refused(Refusal::KeyOrRequest, 400),
            Self::NoPermission => refused(Refusal::Permission, 403),
            Self::NoCredit => refused(Refusal::Credit, 402),
            Self::WrongRequest => refused(Refusal::Request, 422),
            Self::Limited(seconds) => Err(limited(seconds)),
            Self::Broken => Err(ProviderError::Unavailable { status: 500, retry_after: None }),
            Self::Busy => {
                let retry_after = Some(Duration::from_secs(1));
                Err(ProviderError::Unavailable { status: 503, retry_after })
            }
            Self::HungUp => Err(Unreachable::HungUp.into()),
            Self::NoConnection => Err(ConnectError::NoConnection.into()),
            Self::Garbage => Err(Invalid::NotJson.into()),
        }
    }
}

/// The provider, asked with one of the keys.
struct Scripted {
    key: usize,
    script: Arc<Script>,
    asked: Mutex<HashMap<Kind, usize>>,
    minted: Arc<AtomicU32>,
}

#[async_trait]
impl Provider for Scripted {
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError> {
        let kind = (spec.product, spec.ttl);
        let number = {
            let mut asked = self.asked.lock().unwrap();
            let number = asked.entry(kind).or_default();
            *number += 1;
            *number - 1
        };
        let answers = &self.script[&(self.key, kind)];
        let answer = answers[number % answers.len()];
        if answer == Answer::Hangs {
            std::future::pending::<()>().await;
        }
        answer.result()?;
        Ok(minted(&format!("token {}", self.minted.fetch_add(1, Relaxed))))
    }
}

fn scripted(keys: usize, script: &Script) -> Resilience {
    let (script, made) = (Arc::new(script.clone()), Arc::new(AtomicU32::new(0)));
    let adapters = (0..keys).map(|key| {
        let (script, minted) = (Arc::clone(&script), Arc::clone(&made));
        Arc::new(Scripted { key, script, asked: Mutex::default(), minted }) as Arc<dyn Provider>
    });
    let (account, metrics) = (account(keys), Metrics::new(["type"], ["xai"]));
    let products = crate::provider::elevenlabs::ADAPTER.products;
    let mut resilience = Resilience::new(&account, products, adapters.collect(), &metrics);
    // So that two runs are alike.
    resilience.chance = || 0.5;
    resilience
}

/// Somebody asks, after so many milliseconds.
#[derive(Clone, Copy, Debug)]
struct Step {
    after: u64,
    kind: Kind,
}

/// What became of each step whose kind is none of `left_out`, which are not asked.
async fn outcomes(keys: usize, script: &Script, steps: &[Step], left_out: &[Kind]) -> Vec<String> {
    let resilience = Arc::new(scripted(keys, script));
    let mut asked = Vec::new();
    for step in steps {
        sleep(Duration::from_millis(step.after)).await;
        if left_out.contains(&step.kind) {
            continue;
        }
        let (resilience, kind) = (Arc::clone(&resilience), step.kind);
        asked.push((
            kind,
            tokio::spawn(async move {
                let spec = MintSpec { provider: "xai".into(), product: kind.0, ttl: kind.1 };
                resilience.mint(&spec).await
            }),
        ));
    }
    let mut outcomes = Vec::new();
    for (kind, mint) in asked {
        outcomes.push((
            kind,
            match mint.await.unwrap() {
                Ok(_) => "a token".to_owned(),
                Err(error) => format!("{error:?}"),
            },
        ));
    }
    outcomes.into_iter().map(|(kind, outcome)| format!("{kind:?}: {outcome}")).collect()
}

fn of<'a>(outcomes: &'a [String], kinds: &[Kind]) -> Vec<&'a String> {
    let is_of =
        |outcome: &&String| kinds.iter().any(|kind| outcome.starts_with(&format!("{kind:?}: ")));
    outcomes.iter().filter(is_of).collect()
}

fn any_answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        4 => Just(Answer::Token),
        // That a key is wrong is for all to know; the test below has it.
        1 => Just(Answer::KeyOrRequestRefused),
        1 => Just(Answer::NoPermission),
        1 => Just(Answer::NoCredit),
        1 => Just(Answer::WrongRequest),
        1 => (0..100_u64).prop_map(Answer::Limited),
        1 => Just(Answer::Broken),
        1 => Just(Answer::Busy),
        1 => Just(Answer::HungUp),
        1 => Just(Answer::NoConnection),
        1 => Just(Answer::Garbage),
        1 => Just(Answer::Hangs),
    ]
}

fn any_script(keys: usize) -> impl Strategy<Value = Script> {
    let places: Vec<_> = (0..keys).flat_map(|key| KINDS.map(|kind| (key, kind))).collect();
    let answers = prop::collection::vec(any_answer(), 1..6);
    prop::collection::vec(answers, places.len()).prop_map(move |all| {
        let mut script: Script = places.iter().copied().zip(all).collect();
        for answers in script.values_mut() {
            // What was good before and is refused for a reason that may be the key's is the key's.
            if answers.contains(&Answer::Token) {
                answers.retain(|answer| *answer != Answer::KeyOrRequestRefused);
            }
        }
        script
    })
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (prop_oneof![0..50_u64, 0..4_000_u64, 0..60_000_u64], 0..KINDS.len());
    prop::collection::vec(step.prop_map(|(after, kind)| Step { after, kind: KINDS[kind] }), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever an attacker asks for, and whatever the provider says to that: those who ask for something
    /// else get what they would have got without.
    #[test]
    fn nobody_gets_anything_else_for_what_another_asks(
        (keys, script, steps) in (1..4_usize)
            .prop_flat_map(|keys| (Just(keys), any_script(keys), any_steps())),
        attacks in 1..KINDS.len(),
    ) {
        let (attacked, others) = KINDS.split_at(attacks);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let with = runtime.block_on(outcomes(keys, &script, &steps, &[]));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let without = runtime.block_on(outcomes(keys, &script, &steps, attacked));
        prop_assert_eq!(of(&with, others), of(&without, others));
    }
}

/// A provider that is good to all but to one kind.
fn good_but(keys: usize, kind: Kind, answer: Answer) -> Script {
    let places = (0..keys).flat_map(|key| KINDS.map(|kind| (key, kind)));
    let answers = |(key, other): (usize, Kind)| {
        ((key, other), vec![if other == kind { answer } else { Answer::Token }])
    };
    places.map(answers).collect()
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_says_of_one_request_is_held_against_that_alone() {
    let [victim, lifetime, product, _] = KINDS;
    for answer in [
        Answer::NoPermission,
        Answer::KeyRefused,
        Answer::KeyOrRequestRefused,
        Answer::NoCredit,
        Answer::Broken,
        Answer::Limited(60),
        Answer::Busy,
        Answer::HungUp,
        Answer::Garbage,
        Answer::NoConnection,
    ] {
        for attack in [lifetime, product] {
            let resilience = scripted(1, &good_but(1, attack, answer));
            let mint = async |kind: Kind| {
                let spec = MintSpec { provider: "xai".into(), product: kind.0, ttl: kind.1 };
                resilience.mint(&spec).await
            };
            // The attacker is the first to ask: nothing speaks for the key yet.
            for round in 0..40 {
                assert!(mint(attack).await.is_err(), "{answer:?}");
                assert!(mint(victim).await.is_ok(), "{answer:?}, round {round}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_wrong_is_not_used_for_anything() {
    let [one, _, other, _] = KINDS;
    let mut script = good_but(2, one, Answer::Token);
    for kind in KINDS {
        // It is revoked after the first token.
        script.insert((0, kind), vec![Answer::Token, Answer::KeyRefused]);
    }
    let resilience = scripted(2, &script);
    let mint = async |kind: Kind| {
        let spec = MintSpec { provider: "xai".into(), product: kind.0, ttl: kind.1 };
        resilience.mint(&spec).await.unwrap();
    };
    for kind in [one, other, one, one, one] {
        mint(kind).await;
    }
    assert_eq!(resilience.refusals().count(), 1);
    let cause = |kind: Kind| {
        let spec = MintSpec { provider: "xai".into(), product: kind.0, ttl: kind.1 };
        resilience.requests.of(&spec).availability(0).cause()
    };
    let refused = Some(Cause::Refused { refusal: Refusal::Key, status: 401 });
    assert_eq!((cause(one), cause(other)), (refused, refused));
    // The next answers in turn are a token each: one that finds out finds out for all.
    sleep(Duration::from_secs(31)).await;
    for _ in 0..2 {
        mint(one).await;
    }
    assert_eq!((cause(one), cause(other)), (None, None));
}
