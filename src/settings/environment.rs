//! How settings are called in the environment.

/// The prefix of every variable of ours, and what follows it. With a single `_` the variables that
/// Kubernetes injects for a service named like us would be taken for settings.
pub(super) const PREFIX: &str = "VALETKEY";

/// What stands between the parts of a key.
pub(super) const SEPARATOR: &str = "__";

/// The origin of a value from the environment, until it is known which variable that is.
pub(super) const ENVIRONMENT: &str = "environment";

/// The environment variable that sets `key`.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{SEPARATOR}{}", key.replace('.', SEPARATOR).to_uppercase())
}
