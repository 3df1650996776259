//! Who may ask. The cheapest refusals come first, and none of them costs a token.

use std::{pin::pin, task::Poll};

use futures_util::poll;

use super::{Counted, charges};
use crate::{
    app::{App, Live},
    caller::{Asking, Caller, Rejected, is_welcome},
    error::Error,
    limit::Charge,
};

/// Whether someone may ask.
#[derive(Debug)]
pub struct Admission {
    /// What the limits had to say.
    pub counted: Counted,
    /// What was charged to the address.
    pub address: Charge,
    /// Who asks, if that is known, be it admitted or not.
    pub caller: Option<Caller>,
    /// Who asks and may, or why not.
    pub admitted: Result<Caller, Error>,
}

/// Says who asks, and whether that is welcome.
pub async fn admit(app: &App, live: &Live, asking: &Asking<'_>) -> Admission {
    let mut counted = Counted::default();
    let address = charges::address(live, app.limiter(), asking.client);
    let caller = match identify(app, live, asking, address, &mut counted).await {
        Ok(caller) => caller,
        Err(error) => return Admission { counted, address, caller: None, admitted: Err(error) },
    };
    let welcome = is_welcome(asking, &live.origins.allowed, &caller);
    let admitted = welcome.map(|()| caller.clone()).map_err(Error::from);
    Admission { counted, address, caller: Some(caller), admitted }
}

async fn identify(
    app: &App,
    live: &Live,
    asking: &Asking<'_>,
    address: Charge,
    counted: &mut Counted,
) -> Result<Caller, Error> {
    let limiter = app.limiter();
    counted.add(limiter.spend_here(&[address]))?;
    let failed = [charges::failed_authentication(live, limiter, asking.client)];
    limiter.standing_here(&failed).result?;
    let mut identifying = pin!(live.callers.identify(asking));
    let (identified, has_waited) = match poll!(identifying.as_mut()) {
        Poll::Ready(identified) => (identified, false),
        Poll::Pending => (identifying.await, true),
    };
    // While someone else was asked, others may have guessed. When that was too often, neither a wrong
    // guess nor a right one is told from the other.
    match identified {
        Err(Rejected::Wrong(_)) => drop(limiter.spend_here(&failed).result?),
        _ if has_waited => drop(limiter.standing_here(&failed).result?),
        _ => (),
    }
    Ok(identified?)
}
