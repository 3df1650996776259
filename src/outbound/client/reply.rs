//! An answer, over whichever version of HTTP it came.

use std::sync::Arc;

use http::{HeaderName, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::{
    connection::{Connection, Way},
    one::Answer,
    pool::Pool,
};
use crate::outbound::Unread;

/// The head of an answer, and a way to its body. Dropped before that is read, it takes its connection
/// along.
pub struct Reply {
    pub(super) came: Came,
    pub(super) connection: Connection,
    pub(super) pool: Arc<Pool>,
}

pub(super) enum Came {
    One(Answer),
    Two(Response<Incoming>),
}

impl Reply {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match &self.came {
            Came::One(answer) => answer.status(),
            Came::Two(response) => response.status(),
        }
    }

    /// The values of a header, of those that are text.
    #[must_use]
    pub fn values(&self, name: &HeaderName) -> Vec<&str> {
        match &self.came {
            Came::One(answer) => answer.values(name.as_str()),
            Came::Two(response) => {
                let all = response.headers().get_all(name).into_iter();
                all.filter_map(|value| value.to_str().ok()).collect()
            }
        }
    }

    /// The body, if it has at most `most` bytes.
    ///
    /// # Errors
    /// When it has more, or does not come to its end.
    pub async fn read_capped(self, most: usize) -> Result<Vec<u8>, Unread> {
        let Self { came, mut connection, pool } = self;
        let (body, is_of_use) = match (came, &mut connection.way) {
            (Came::One(answer), Way::One(one)) => one.body(answer, most).await?,
            (Came::Two(response), _) => (read(response.into_body(), most).await?, true),
            (Came::One(_), Way::Two(_)) => unreachable!("it came on this connection"),
        };
        if is_of_use {
            pool.give_back(connection);
        }
        Ok(body)
    }
}

async fn read(mut incoming: Incoming, most: usize) -> Result<Vec<u8>, Unread> {
    let expected = usize::try_from(incoming.size_hint().lower()).unwrap_or(most);
    let mut body = Vec::with_capacity(expected.min(most));
    while let Some(frame) = incoming.frame().await {
        // What is no data are trailers.
        let Ok(chunk) = frame.map_err(|_| Unread::Truncated)?.into_data() else { continue };
        if body.len() + chunk.len() > most {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
