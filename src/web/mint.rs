//! The minting routes, and the list of what they mint.

use axum::{
    Json,
    extract::{Path, Request, State, rejection::PathRejection},
    response::{IntoResponse as _, Response},
};
use serde_json::json;
use tracing::Instrument as _;

use super::{
    body::{self, Anchor},
    outlive::{Outliving, Panicked},
    problem::Problem,
    rate_limit,
    report::Report,
    site::Site,
    visitor,
};
use crate::{
    app::{App, Live},
    error::Error,
    shape::{ClientSecret, Listed, SingleUseToken, Token},
    token::{Shape, TokenType},
    vending::{Ask, Vended, admit, vend},
};

/// What differs between the minting routes.
struct Route {
    /// As in the router, for the record.
    path: &'static str,
    /// The token type.
    wanted: Result<Wanted, Problem>,
    /// Of the body.
    anchor: Anchor,
    /// Shapes the token.
    shape: fn(&Vended<'_>, &App) -> Response,
}

/// Which token type a route vends.
enum Wanted {
    /// The one of `session.token`.
    Session,
    /// The one of this name.
    Named(String),
    /// The one of this name, if it is single-use.
    SingleUse(String),
}

/// A path's parameter, if the path can be read.
type Named = Result<Path<String>, PathRejection>;

/// `POST /session`: the configured token type, in its provider's own shape.
pub(super) fn session(
    State(site): State<Site>,
    request: Request,
) -> impl Future<Output = Response> {
    let (path, wanted) = ("/session", Ok(Wanted::Session));
    mint(site, request, Route { path, wanted, anchor: Anchor::Unknown, shape: own_shape })
}

/// `POST /tokens/{type}`: any token type, in our shape.
pub(super) fn token(
    State(site): State<Site>,
    name: Named,
    request: Request,
) -> impl Future<Output = Response> {
    let (path, wanted) = ("/tokens/{type}", wanted(name, Wanted::Named));
    mint(site, request, Route { path, wanted, anchor: Anchor::Unknown, shape: our_shape })
}

/// `POST /v1/realtime/client_secrets`: as `/session`, for SDKs. They send an anchor.
pub(super) fn client_secret(
    State(site): State<Site>,
    request: Request,
) -> impl Future<Output = Response> {
    let (path, wanted) = ("/v1/realtime/client_secrets", Ok(Wanted::Session));
    mint(site, request, Route { path, wanted, anchor: Anchor::Taken, shape: own_shape })
}

/// `POST /v1/single-use-token/{type}`: as ElevenLabs answers it, for its SDKs.
pub(super) fn single_use_token(
    State(site): State<Site>,
    name: Named,
    request: Request,
) -> impl Future<Output = Response> {
    let (path, wanted) = ("/v1/single-use-token/{type}", wanted(name, Wanted::SingleUse));
    mint(site, request, Route { path, wanted, anchor: Anchor::Unknown, shape: own_shape })
}

/// `GET /tokens`: what the caller can have.
pub(super) async fn list(State(Site { app, live }): State<Site>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let admission = admit(&app, &live, &visitor::asking(&parts, &live)).await;
    let mut response = match admission.admitted {
        Err(error) => visitor::problem(error, &parts).into_response(),
        Ok(caller) => {
            let origin = visitor::origin(&parts);
            let listed = |it: &TokenType| {
                let terms = live.policy.terms(&caller, origin, it).filter(|_| it.enabled)?;
                Some(json!(Listed::new(it, terms.ttl)))
            };
            let tokens: Vec<_> = live.tokens.values().filter_map(listed).collect();
            Json(json!({ "tokens": tokens })).into_response()
        }
    };
    rate_limit::add(&admission.counted.standings, response.headers_mut());
    response
}

/// The way of every request for a token.
fn mint(site: Site, request: Request, route: Route) -> impl Future<Output = Response> {
    let shape = route.shape;
    // Boxed, so that what is needed for it is held no longer: the provider takes its time, and the headers
    // keep the buffer that they came in.
    let understanding = Box::pin(understand(site.clone(), request, route));
    mint_understood(site, understanding, shape)
}

async fn mint_understood(
    Site { app, live }: Site,
    understanding: impl Future<Output = (Report, Result<Ask, Problem>)>,
    shape: fn(&Vended<'_>, &App) -> Response,
) -> Response {
    let (mut report, understood) = understanding.await;
    let ask = match understood {
        Ok(ask) => ask,
        Err(problem) => return report.refused(problem).await,
    };
    // Not before the body is there, or slow ones would keep the others out.
    let Some(pass) = app.gate().enter().await else {
        return report.refused(Error::Overloaded.into()).await;
    };
    let in_flight = app.metrics().request();
    // So that what is in flight is waited for when the server stops, with or without a caller.
    let mint = app.tasks().token();
    // A caller who hangs up half-way would leave a token behind that is neither counted nor recorded.
    let vending = Outliving::new(|audience| {
        let vending = async move {
            let _held = (pass, in_flight, mint);
            let vending = vend(&app, &live, &ask, report.record()).await;
            report.facts(vending.facts, &vending.result);
            match vending.result {
                Ok(_) if audience.is_gone() => report.abandoned(),
                Ok(vended) => report.vended(shape(&vended, &app)).await,
                Err(error) => {
                    report.error(&error);
                    report.refused(error.into()).await
                }
            }
        };
        vending.in_current_span()
    });
    vending.await.unwrap_or_else(|Panicked| Problem::from(Error::Died).into_response())
}

/// Who asks, and for what.
async fn understand(
    Site { app, live }: Site,
    request: Request,
    route: Route,
) -> (Report, Result<Ask, Problem>) {
    let (parts, body) = request.into_parts();
    let asking = visitor::asking(&parts, &live);
    let mut report = Report::begin(&app, &parts, route.path, asking.client);
    if app.gate().is_full() {
        // Nothing of it is looked at, so that this stays cheap however many come.
        return (report, Err(Error::Overloaded.into()));
    }
    let ask = async {
        let mut admission = admit(&app, &live, &asking).await;
        report.admission(&mut admission);
        let caller = admission.admitted.map_err(|error| visitor::problem(error, &parts))?;
        let name = name(&live, route.wanted?)?;
        let deadline = live.server.body_timeout;
        let request = body::request(&parts.headers, body, deadline, route.anchor).await?;
        let origin = visitor::origin(&parts).map(str::to_owned);
        let (client, address) = (asking.client, admission.address);
        Ok(Ask { caller, origin, client, address, name, request })
    };
    let ask = ask.await;
    (report, ask)
}

fn wanted(name: Named, wanted: fn(String) -> Wanted) -> Result<Wanted, Problem> {
    match name {
        Ok(Path(name)) => Ok(wanted(name)),
        Err(rejection) => Err(Problem::from_status(rejection.status())),
    }
}

fn name(live: &Live, wanted: Wanted) -> Result<String, Problem> {
    match wanted {
        Wanted::Session => Ok(live.session.to_string()),
        Wanted::Named(name) => Ok(name),
        Wanted::SingleUse(name) => {
            let single_use = |it: &&TokenType| it.shape == Shape::SingleUseToken;
            if live.tokens.get(name.as_str()).filter(single_use).is_some() {
                return Ok(name);
            }
            let known = live.tokens.values().filter(single_use).map(|it| it.name.to_string());
            Err(Error::UnknownTokenType { known: known.collect() }.into())
        }
    }
}

fn our_shape(vended: &Vended<'_>, app: &App) -> Response {
    Json(Token::new(vended, app.clock().unix())).into_response()
}

fn own_shape(Vended { token_type, minted }: &Vended<'_>, _: &App) -> Response {
    let (token, expires_at) = (minted.token.expose(), minted.expires_at);
    match token_type.shape {
        Shape::ClientSecret => Json(ClientSecret { value: token, expires_at }).into_response(),
        Shape::SingleUseToken => Json(SingleUseToken { token }).into_response(),
    }
}
