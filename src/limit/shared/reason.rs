//! Why Redis cannot be used: one of a closed set, without any of its own words.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// It did not answer in time.
pub(super) const TIMEOUT: &str = "timeout";

/// Why, in one word, for the log and for metrics.
pub(super) fn reason(error: &RedisError) -> &'static str {
    if error.is_timeout() {
        return TIMEOUT;
    }
    if error.is_connection_refusal() {
        return "refused";
    }
    match error.kind() {
        ErrorKind::AuthenticationFailed => "authentication",
        ErrorKind::Io => "dropped",
        ErrorKind::Server(ServerErrorKind::ReadOnly) => "read_only",
        ErrorKind::Server(ServerErrorKind::BusyLoading) => "loading",
        ErrorKind::Server(ServerErrorKind::NoPerm) => "permission",
        ErrorKind::Server(ServerErrorKind::MasterDown | ServerErrorKind::ClusterDown) => "down",
        ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask) => "cluster",
        _ => match error.code() {
            Some("OOM") => "full",
            Some("BUSY") => "busy",
            Some("NOAUTH" | "WRONGPASS") => "authentication",
            Some("MISCONF" | "NOREPLICAS") => "read_only",
            _ => "error",
        },
    }
}
