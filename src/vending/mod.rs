//! The whole service: [`admit`] says who may ask, [`vend`] gives the token.

mod admission;
mod charges;

pub use admission::{Admission, admit};

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use crate::{
    app::{App, Live},
    audit::{Record, Unrecorded},
    caller::Caller,
    error::Error,
    limit::{Charge, Exceeded, Outcome, Spent, Standing},
    policy::{self, Grant},
    provider::Stocked,
    token::{MintRequest, Minted, TokenType},
};

/// What a caller who may ask asks for.
#[derive(Debug)]
pub struct Ask {
    /// Who asks.
    pub caller: Caller,
    /// From a page of which origin, if from one.
    pub origin: Option<String>,
    /// From where.
    pub client: IpAddr,
    /// What was charged to that.
    pub address: Charge,
    /// The token type's name.
    pub name: String,
    /// With what parameters.
    pub request: MintRequest,
}

/// What came of a request.
#[derive(Debug)]
pub struct Vending<'a> {
    /// What is known of it, however it ended.
    pub facts: Facts<'a>,
    /// The token, or why there is none.
    pub result: Result<Vended<'a>, Error>,
}

/// What became known on the way, for the answer and for the records.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    /// The token type, if there is one of the name.
    pub token_type: Option<&'a TokenType>,
    /// The lifetime that was granted, in seconds.
    pub ttl: Option<u32>,
    /// How long the provider took, if it was asked.
    pub upstream: Option<Duration>,
    /// What came of asking the pool, if there is one.
    pub pool: Option<Asked>,
    /// What the limits had to say.
    pub counted: Counted,
}

/// What came of asking a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It had a token.
    Hit,
    /// It had none.
    Miss,
    /// It has none of this lifetime.
    Past,
}

/// What the limits had to say of a request.
#[derive(Debug, Default)]
pub struct Counted {
    /// Where the caller stands with each.
    pub standings: Vec<Standing>,
    /// Those that only look on and would have refused.
    pub observed: Vec<Exceeded>,
}

/// A token and what it is.
#[derive(Debug)]
pub struct Vended<'a> {
    /// The token's type.
    pub token_type: &'a TokenType,
    /// The token.
    pub minted: Minted,
}

/// Vends what is asked for, and tells `record` of it as it becomes known. Run it in a task of its own:
/// a caller who hangs up half-way would leave a token behind that is neither counted nor handed out.
pub async fn vend<'a>(app: &App, live: &'a Live, ask: &Ask, record: &mut Record) -> Vending<'a> {
    let mut facts = Facts::default();
    let result = decide_and_mint(app, live, ask, &mut facts, record).await;
    Vending { facts, result }
}

async fn decide_and_mint<'a>(
    app: &App,
    live: &'a Live,
    ask: &Ask,
    facts: &mut Facts<'a>,
    record: &mut Record,
) -> Result<Vended<'a>, Error> {
    let token_type = find(live, &ask.name)?;
    facts.token_type = Some(token_type);
    record.token_type(&token_type.name, &token_type.provider);
    let origin = ask.origin.as_deref();
    let grant = live.policy.decide(&ask.caller, origin, token_type, &ask.request)?;
    facts.ttl = Some(grant.spec().ttl);
    record.granted(grant.spec().ttl);
    if !token_type.enabled {
        return Err(Error::Disabled);
    }
    if app.audit().is_stuck() {
        // What cannot be recorded need not be minted in vain.
        return Err(Unrecorded.into());
    }
    let charges = charges::token(live, app.limiter(), ask, grant.limits());
    let spent = facts.counted.add(app.limiter().spend(&[ask.address], &charges).await)?;
    match take_or_mint(app, live, &grant, facts, record).await {
        Ok(minted) => Ok(Vended { token_type, minted }),
        Err(error) => {
            // What provably came to nothing is not counted.
            if error.minted_nothing() {
                app.limiter().give_back(spent).await;
            }
            Err(error)
        }
    }
}

/// Vends to whoever runs the server: all that the type allows, and uncounted.
pub async fn try_out<'a>(live: &'a Live, name: &str, request: &MintRequest) -> Vending<'a> {
    let mut facts = Facts::default();
    let result = async {
        let token_type = find(live, name)?;
        let grant = policy::for_operator(token_type, request)?;
        let minted = mint(live, &grant, &mut facts).await?;
        Ok(Vended { token_type, minted })
    };
    let result = result.await;
    Vending { facts, result }
}

fn find<'a>(live: &'a Live, name: &str) -> Result<&'a TokenType, Error> {
    live.tokens.get(name).ok_or_else(|| {
        let known = live.tokens.keys().map(ToString::to_string).collect();
        Error::UnknownTokenType { known }
    })
}

/// Takes what was minted ahead, or mints.
async fn take_or_mint(
    app: &App,
    live: &Live,
    grant: &Grant,
    facts: &mut Facts<'_>,
    record: &mut Record,
) -> Result<Minted, Error> {
    facts.pool = match live.providers.take(grant, app.means()) {
        Stocked::Hit(pooled) => {
            facts.pool = Some(Asked::Hit);
            record.pooled(pooled.refill);
            return Ok(pooled.minted);
        }
        Stocked::Miss => Some(Asked::Miss),
        Stocked::Past => Some(Asked::Past),
        Stocked::NoPool => None,
    };
    mint_on_record(live, grant, facts, record).await
}

/// Mints, with a word before and after it: were this process to end in between, the word before is
/// what says that there may be a token.
async fn mint_on_record(
    live: &Live,
    grant: &Grant,
    facts: &mut Facts<'_>,
    record: &mut Record,
) -> Result<Minted, Error> {
    record.intend().await?;
    let result = mint(live, grant, facts).await;
    match &result {
        Ok(minted) => {
            record.minted(minted.token.expose(), minted.expires_at);
            live.providers.succeeded(grant);
        }
        Err(error) if error.minted_nothing() => record.minted_nothing(),
        Err(_) => (),
    }
    result
}

async fn mint(live: &Live, grant: &Grant, facts: &mut Facts<'_>) -> Result<Minted, Error> {
    let asked = Instant::now();
    let minted = live.providers.mint(grant).await.ok_or(Error::Disabled)?;
    if minted.as_ref().err().is_none_or(|error| error.was_asked()) {
        facts.upstream = Some(asked.elapsed());
    }
    Ok(minted?)
}

impl Counted {
    fn add(&mut self, outcome: Outcome) -> Result<Spent, Exceeded> {
        self.standings.extend(outcome.standings);
        self.observed.extend(outcome.observed);
        outcome.result
    }
}
