//! Why a fault cannot be set, in words that say how to mend it.

/// Why a text is not a fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// There is no `TARGET:` in front.
    #[error("`{0}` names no target: write TARGET:SETTING, for example xai/mint:status=429")]
    NoTarget(String),
    /// The target is neither a provider nor a route.
    #[error("unknown target `{given}`: use one of {known}")]
    UnknownTarget {
        /// What was written.
        given: String,
        /// The targets there are.
        known: String,
    },
    /// There is no setting of that name.
    #[error("unknown setting `{given}`: use one of {known}")]
    UnknownSetting {
        /// What was written.
        given: String,
        /// The settings there are.
        known: String,
    },
    /// A setting lacks its value, has one it does not take, or has one that does not fit.
    #[error("`{given}` does not fit: write {expected}")]
    BadValue {
        /// What was written.
        given: String,
        /// What the setting looks like.
        expected: String,
    },
    /// A setting occurs twice.
    #[error("`{0}` is set twice: keep one")]
    Twice(String),
    /// Two settings each want to be the answer.
    #[error("`{first}` and `{second}` exclude each other: set two faults, or keep one")]
    TwoActions {
        /// The one that came first.
        first: String,
        /// The one that came second.
        second: String,
    },
    /// A setting that only says more about `status` came without it.
    #[error("`{0}` says more about a status: add status=CODE, for example status=429")]
    NeedsStatus(String),
    /// Nothing would happen.
    #[error("the fault does nothing: add an action such as status=503, or latency=200ms")]
    Nothing,
    /// The provider has no such error with that status.
    #[error("`code={given}` is not known with status {status}: use one of {known}")]
    UnknownCode {
        /// What was written.
        given: String,
        /// The status it was asked for.
        status: u16,
        /// The codes there are with that status.
        known: String,
    },
    /// The action makes no sense on the target.
    #[error("`{action}` is not possible on {target}: possible are {possible}")]
    NotPossible {
        /// What was asked for.
        action: String,
        /// Where.
        target: String,
        /// What can be asked for there.
        possible: String,
    },
}
