//! Which faults make sense where.

use axum::http::StatusCode;

use super::{Action, BodyShape, Expiry, FaultError, Refusal, Target};
use crate::sandbox::{
    elevenlabs,
    route::{Kind, Provider, Route},
    xai,
};

impl Action {
    /// Whether the action makes sense on `route`.
    pub(super) fn possible_on(&self, route: Route) -> bool {
        let kind = route.kind();
        match self {
            Self::Serve | Self::Hang | Self::ResetBefore | Self::ResetBody => true,
            Self::Status(refusal) => refusal.known_to(route.provider()),
            Self::Drip
            | Self::Close
            | Self::Garbage
            | Self::NotJson
            | Self::Empty
            | Self::Huge
            | Self::Redirect
            | Self::Revoked => kind != Kind::Socket,
            Self::WrongTypes | Self::BadToken => kind == Kind::Mint,
            Self::Nested | Self::Expiry(_) => route == Route::XaiMint,
        }
    }
}

impl Refusal {
    /// Whether `provider` has an error of that status, code and shape.
    fn known_to(&self, provider: Provider) -> bool {
        let shape_fits = match self.body {
            Some(BodyShape::List) => provider == Provider::ElevenLabs,
            Some(BodyShape::Object) => provider == Provider::Xai,
            Some(BodyShape::Text | BodyShape::Legacy | BodyShape::Html) | None => true,
        };
        let code_fits =
            self.code.as_deref().is_none_or(|code| codes(provider, self.status).contains(&code));
        shape_fits && code_fits
    }
}

/// Refuses a `code` that no provider of `target` has with that status.
pub(super) fn check_code(target: Target, action: &Action) -> Result<(), FaultError> {
    let Action::Status(Refusal { status, code: Some(code), .. }) = action else {
        return Ok(());
    };
    let covered = |provider: &Provider| {
        Route::ALL.iter().any(|route| route.provider() == *provider && target.covers(*route))
    };
    let providers = Provider::ALL.into_iter().filter(covered);
    let known: Vec<_> = providers.flat_map(|provider| codes(provider, *status)).collect();
    if known.contains(&code.as_str()) {
        return Ok(());
    }
    let known = if known.is_empty() { "none (leave it out)".to_owned() } else { known.join(", ") };
    Err(FaultError::UnknownCode { given: code.clone(), status: status.as_u16(), known })
}

/// Refuses an action that makes sense on no route of `target`.
pub(super) fn check_possible(target: Target, action: &Action) -> Result<(), FaultError> {
    let covered = || Route::ALL.into_iter().filter(|route| target.covers(*route));
    if covered().any(|route| action.possible_on(route)) {
        return Ok(());
    }
    let possible = samples().into_iter().filter(|one| covered().any(|r| one.possible_on(r)));
    let possible: Vec<_> = possible.map(|one| one.to_string()).collect();
    Err(FaultError::NotPossible {
        action: action.to_string(),
        target: target.to_string(),
        possible: possible.join(", "),
    })
}

fn codes(provider: Provider, status: StatusCode) -> Vec<&'static str> {
    match provider {
        Provider::Xai => xai::errors::codes(status),
        Provider::ElevenLabs => elevenlabs::errors::codes(status),
    }
}

/// One of every action, to list those that are possible.
fn samples() -> [Action; 17] {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    [
        Action::Serve,
        Action::Status(Refusal { status, code: None, body: None, retry_after: None }),
        Action::Hang,
        Action::ResetBefore,
        Action::ResetBody,
        Action::Drip,
        Action::Close,
        Action::Garbage,
        Action::NotJson,
        Action::Empty,
        Action::Huge,
        Action::Redirect,
        Action::Revoked,
        Action::WrongTypes,
        Action::BadToken,
        Action::Nested,
        Action::Expiry(Expiry::Past),
    ]
}
