//! An application that is asked about each caller, as Traefik's ForwardAuth and nginx'
//! `auth_request` ask. It alone is asked, at the one URL of the settings, and never told more than
//! it needs to say yes or no.

mod answer;
mod cache;
mod question;
#[cfg(test)]
mod tests;

use std::{fmt, time::Instant};

use cache::AnswerCache;
use http::{HeaderMap, header::AUTHORIZATION};

use super::{Asking, Rejected};
use crate::{
    outbound::{Client, Transport},
    settings,
};

/// Asks the application.
pub(super) struct Forward {
    settings: settings::Forward,
    /// Never redirected: a cookie would go along.
    http: Client,
    cache: Option<AnswerCache>,
}

impl Forward {
    /// # Errors
    /// When there is no way to ask; in words for the operator.
    pub(super) fn new(settings: &settings::Forward) -> Result<Self, String> {
        let http = Transport::default().client(&settings.url, settings.timeout)?;
        Ok(Self { settings: settings.clone(), http, cache: AnswerCache::new(settings.cache) })
    }

    /// Whether this is what `settings` describe.
    pub(super) fn is_for(&self, settings: &settings::Forward) -> bool {
        self.settings == *settings
    }

    /// Whether the request has anything to ask with: an Authorization header, or a cookie where
    /// cookies are passed on.
    pub(super) fn applies(&self, asking: &Asking<'_>) -> bool {
        question::has_credential(asking, self.settings.cookies)
    }

    /// The caller's id.
    ///
    /// # Errors
    /// [`Rejected::Wrong`], [`Rejected::SignedOut`] or [`Rejected::Forbidden`] when the application
    /// says no,
    /// [`Rejected::Unavailable`] when it says neither yes nor no, or not in time.
    pub(super) async fn ask(&self, asking: &Asking<'_>) -> Result<String, Rejected> {
        let question = question::headers(asking, self.settings.cookies)?;
        let Some(cache) = &self.cache else {
            return self.ask_anew(question).await;
        };
        // From when it is asked, not answered: so long after a logout nobody is let in.
        let asked = Instant::now();
        let key = cache.key(&question);
        if let Some(id) = cache.find(key, asked) {
            return Ok(id.to_string());
        }
        let id = self.ask_anew(question).await?;
        cache.remember(key, &id, asked);
        Ok(id)
    }

    /// The whole exchange has one deadline: an answer that drips is no answer.
    async fn ask_anew(&self, question: HeaderMap) -> Result<String, Rejected> {
        let only_cookies = !question.contains_key(AUTHORIZATION);
        let exchange = async {
            let reply = self.http.get(self.settings.url.clone(), question).await;
            let unreachable = |_| Rejected::Unavailable("the application cannot be reached");
            answer::read(reply.map_err(unreachable)?, &self.settings.caller).await
        };
        match tokio::time::timeout(self.settings.timeout, exchange).await {
            Ok(Err(Rejected::Wrong(_))) if only_cookies => Err(Rejected::SignedOut),
            Ok(result) => result,
            Err(_) => Err(Rejected::Unavailable("the application does not answer in time")),
        }
    }
}

impl fmt::Debug for Forward {
    /// Without the URL: there may be a password in its query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward").field("cache", &self.cache).finish_non_exhaustive()
    }
}
