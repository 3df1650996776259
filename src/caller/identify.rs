//! From the credentials of a request to its caller: the first that is present decides.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use http::{HeaderName, header};
use ipnet::{IpNet, Ipv4Net};

use super::{
    Asking, Caller, Claims, Rejected, client_address,
    forward::Forward,
    jwt::{Issuer, claimed_issuer},
    keys::{self, Keys, is_key},
};
use crate::{
    base::{
        clock::Clock,
        header::{Only, only},
    },
    settings::{Auth, Origin, Via},
};

/// The header in which ElevenLabs' SDKs send their key.
const XI_API_KEY: HeaderName = HeaderName::from_static("xi-api-key");

/// Longer names are no one's.
const MAX_ID: usize = 256;

/// Everyone who may ask, and the ways to tell.
#[derive(Debug)]
pub struct Callers {
    anonymous: bool,
    /// Whether nobody can be known, so that whoever is on this machine may ask. The settings make
    /// sure that it listens nowhere else then.
    is_unguarded: bool,
    keys: Keys,
    issuers: Vec<Issuer>,
    forward: Option<Arc<Forward>>,
    proxy_header: Option<HeaderName>,
    clock: Clock,
}

/// What a request brings to show whose it is, as far as headers other than cookies go.
enum Credential<'a> {
    /// What is behind `Bearer`, or in `xi-api-key`.
    Token(&'a str),
    /// Another scheme.
    Other,
}

impl Credential<'_> {
    /// Why it is nobody's.
    fn why_not(&self) -> &'static str {
        match self {
            Self::Other => "the Authorization header is not \"Bearer\" and a credential",
            Self::Token(token) if claimed_issuer(token).is_some() => {
                "its iss is not the issuer of any [[auth.jwt]], to the last slash"
            }
            Self::Token(_) => "it is neither a caller key nor a JWT",
        }
    }
}

impl Callers {
    /// The callers that `settings` tell of. `env` resolves references. Of the `previous` callers goes on
    /// what issuers and applications have said, where they are asked as before.
    ///
    /// # Errors
    /// All that is wrong, each with its key within `[auth]`.
    pub fn new(
        settings: &Auth,
        env: &dyn Fn(&str) -> Option<String>,
        clock: Clock,
        previous: Option<&Self>,
    ) -> Result<Self, Vec<(String, String)>> {
        let mut problems = keys::duplicates(&settings.keys);
        let mut issuers = Vec::new();
        let before = previous.map_or(&[][..], |previous| &previous.issuers);
        for (place, jwt) in settings.jwt.iter().enumerate() {
            match Issuer::new(jwt, env, clock.clone(), before) {
                Ok(issuer) => issuers.push(issuer),
                Err((key, why)) => problems.push((format!("jwt.{place}.{key}"), why)),
            }
        }
        let forward = settings.forward.as_ref().map(|forward| {
            let before = previous.and_then(|previous| previous.forward.as_ref());
            let same = before.filter(|before| before.is_for(forward)).cloned();
            same.map_or_else(|| Forward::new(forward).map(Arc::new), Ok)
        });
        let forward = forward.transpose().unwrap_or_else(|why| {
            problems.push(("forward.url".to_owned(), why));
            None
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            anonymous: settings.anonymous,
            is_unguarded: !settings.knows_callers(),
            keys: Keys::new(&settings.keys),
            issuers,
            forward,
            proxy_header: settings.proxy_header.clone(),
            clock,
        })
    }

    /// Callers of whom none is known.
    pub fn nobody(clock: Clock) -> Self {
        Self {
            anonymous: false,
            is_unguarded: false,
            keys: Keys::default(),
            issuers: Vec::new(),
            forward: None,
            proxy_header: None,
            clock,
        }
    }

    /// Who asks.
    ///
    /// # Errors
    /// When nobody is known to. A wrong credential is never passed over for a better one.
    pub async fn identify(&self, asking: &Asking<'_>) -> Result<Caller, Rejected> {
        let credential = self.credential(asking)?;
        if let Some(Credential::Token(token)) = credential {
            if is_key(token) && !self.keys.is_empty() {
                return self.keys.identify(token, self.clock.now());
            }
            if let Some(verified) = self.verify(token).await {
                return verified;
            }
        }
        // What is neither a key nor an issuer's may be the application's own.
        if credential.is_some()
            && let Some(forward) = self.forward(asking)
        {
            return Box::pin(self.ask(forward, asking)).await;
        }
        if let Some(credential) = credential.filter(|_| self.reads_tokens()) {
            return Err(Rejected::Wrong(credential.why_not()));
        }
        if let Some(named) = self.named_by_proxy(asking) {
            return named;
        }
        match self.forward(asking) {
            Some(forward) => Box::pin(self.ask(forward, asking)).await,
            None if !self.anonymous && !self.is_unguarded => Err(Rejected::Missing),
            None if !self.anonymous && came_from_elsewhere(asking) => Err(Rejected::Proxied),
            None => Ok(caller(Via::Anonymous, "anonymous")),
        }
    }

    /// The origins of the pages in which there are keys.
    pub fn key_origins(&self) -> impl Iterator<Item = &Origin> {
        self.keys.origins()
    }

    /// Whether a token in a header is anyone's business here. Where it is not, SDKs that insist on
    /// sending one do no harm.
    fn reads_tokens(&self) -> bool {
        !self.keys.is_empty() || !self.issuers.is_empty()
    }

    fn credential<'a>(&self, asking: &Asking<'a>) -> Result<Option<Credential<'a>>, Rejected> {
        let is_sdk_path = asking.path.starts_with("/v1/");
        let in_authorization = text(asking, &header::AUTHORIZATION)?;
        let Some(value) = in_authorization else {
            let key = if is_sdk_path { text(asking, &XI_API_KEY)? } else { None };
            return Ok(key.map(Credential::Token));
        };
        Ok(Some(match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                Credential::Token(token.trim())
            }
            _ => Credential::Other,
        }))
    }

    /// `None`: the token is of no issuer that is known.
    async fn verify(&self, token: &str) -> Option<Result<Caller, Rejected>> {
        let claimed = if self.issuers.is_empty() { None } else { claimed_issuer(token) }?;
        let mut last = None;
        // One issuer may be there for several audiences.
        for issuer in self.issuers.iter().filter(|issuer| issuer.name() == claimed) {
            match issuer.verify(token).await {
                Ok(identity) => {
                    return Some(Ok(Caller {
                        issuer: Some(issuer.name().into()),
                        claims: identity.claims,
                        ..caller(Via::Jwt, &identity.caller)
                    }));
                }
                // That it could not be checked weighs more than that another did not want it.
                Err(error) if !matches!(last, Some(Rejected::Unavailable(_))) => last = Some(error),
                Err(_) => (),
            }
        }
        last.map(Err)
    }

    fn forward(&self, asking: &Asking<'_>) -> Option<&Forward> {
        self.forward.as_deref().filter(|forward| forward.applies(asking))
    }

    async fn ask(&self, forward: &Forward, asking: &Asking<'_>) -> Result<Caller, Rejected> {
        Ok(caller(Via::Forward, &forward.ask(asking).await?))
    }

    fn named_by_proxy(&self, asking: &Asking<'_>) -> Option<Result<Caller, Rejected>> {
        let header = self.proxy_header.as_ref()?;
        let name = match text(asking, header) {
            Ok(name) => name?,
            Err(rejected) => return Some(Err(rejected)),
        };
        Some(if !asking.peer_is_trusted {
            Err(Rejected::Wrong("the proxy's header came from someone else"))
        } else if name.is_empty() || name.len() > MAX_ID {
            Err(Rejected::Wrong("the proxy's header names nobody"))
        } else {
            Ok(caller(Via::Proxy, name))
        })
    }
}

/// Whether a proxy on this machine says that it passes on the request of another. Of what only this
/// machine may have, it would make what all the world may have.
fn came_from_elsewhere(asking: &Asking<'_>) -> bool {
    let loopback = [
        IpNet::from(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)),
        IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST)),
    ];
    let says = |name| asking.headers.contains_key(name);
    let (forwarded_for, forwarded) = (says("x-forwarded-for"), says("forwarded"));
    let client = client_address(Ipv4Addr::LOCALHOST.into(), asking.headers, &loopback);
    // Two that differ would lead nowhere.
    !client.is_loopback() || (forwarded_for && forwarded)
}

/// The value of a header that may be there once.
fn text<'a>(asking: &Asking<'a>, name: &HeaderName) -> Result<Option<&'a str>, Rejected> {
    match only(asking.headers, name) {
        Only::Absent => Ok(None),
        Only::Once(value) => match value.to_str() {
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => Err(Rejected::Wrong("a header is not visible ASCII")),
        },
        Only::Repeated => Err(Rejected::Wrong("a header is there twice")),
    }
}

fn caller(via: Via, id: &str) -> Caller {
    Caller { id: id.into(), via, issuer: None, claims: Claims::default(), origins: None }
}
