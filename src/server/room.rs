//! How many of everything the limit of open files has room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::workers::Workers;
use crate::settings;

/// Descriptors of our own: standard streams, the runtime, signals, listeners, the audit's file, the
/// store's connection, lookups of names, a new connection that has no place yet.
const OWN: usize = 24;

/// The most connections to the admin listener: health and metrics are asked for by few.
const MAX_ADMIN: usize = 64;

/// The most connections that were refused and may still be sending.
const MAX_LINGERING: usize = 64;

/// The descriptors, shared out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// For callers.
    pub(super) connections: usize,
    /// For requests that ask a provider.
    pub(super) requests: usize,
    /// For connections to the admin listener.
    pub(super) admin: usize,
    /// For connections that were refused, of each listener.
    pub(super) lingering: usize,
}

impl Room {
    /// Raises the limit as far as it goes, and shares out what there is.
    pub(super) fn share(server: &settings::Server) -> Self {
        let descriptors = raise();
        let left = descriptors.saturating_sub(Workers::descriptors());
        let room = Self::of(left, server.max_connections, server.max_requests);
        if room.connections < server.max_connections || room.requests < server.max_requests {
            tracing::warn!(
                open_files = descriptors,
                max_connections = room.connections,
                max_requests = room.requests,
                "the limit of open files is too low for server.max_connections = {} and \
                 server.max_requests = {}: there will be fewer; raise it (ulimit -n)",
                server.max_connections,
                server.max_requests
            );
        }
        room
    }

    fn of(descriptors: usize, max_connections: usize, max_requests: usize) -> Self {
        let rest = descriptors.saturating_sub(OWN);
        let admin = (rest / 8).clamp(2, MAX_ADMIN);
        let lingering = (rest / 16).clamp(1, MAX_LINGERING);
        let rest = rest.saturating_sub(admin + 2 * lingering);
        let requests = max_requests.min(rest / 2).max(1);
        let connections = max_connections.min(rest.saturating_sub(requests)).max(1);
        Self { connections, requests, admin, lingering }
    }
}

/// The limit of open files, once it is as high as we may set it.
fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let limit = if setrlimit(Resource::Nofile, raised).is_ok() { raised } else { limit };
    limit.current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_enough_the_settings_hold() {
        let room = Room::of(20_000, 16_384, 1024);
        assert_eq!((room.connections, room.requests), (16_384, 1024));
        assert_eq!(Room::of(usize::MAX, 7, 5).connections, 7);
    }

    #[test]
    fn what_is_shared_out_is_there() {
        for descriptors in [64, 100, 256, 1024, 4096] {
            let room = Room::of(descriptors, 16_384, 1024);
            let all = room.connections + room.requests + room.admin + 2 * room.lingering + OWN;
            assert!(all <= descriptors, "{room:?} of {descriptors}");
            assert!(room.connections >= room.requests && room.requests >= 10, "{room:?}");
        }
    }

    #[test]
    fn there_is_always_room_for_one() {
        let room = Room::of(0, 16_384, 1024);
        assert_eq!((room.connections, room.requests), (1, 1));
    }
}
