//! The keys are in the memory of the process: nobody else is to read it there.

use rustix::{
    io,
    process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit},
};

/// Switches off core dumps, and what other processes of the same user could otherwise read of this
/// one in `/proc`, its environment and memory among it. Where the system does not allow that, it goes on.
pub(super) fn forbid() {
    if let Err(error) = try_forbid() {
        tracing::warn!(%error, "core dumps cannot be switched off; a dump would hold the API keys");
    }
}

fn try_forbid() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}
