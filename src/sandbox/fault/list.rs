//! The faults in force.

use std::sync::Mutex;

use super::Fault;
use crate::sandbox::{lock::lock, route::Route};

/// Faults in force at most.
const CAPACITY: usize = 256;

/// More faults than are kept.
#[derive(Debug, thiserror::Error)]
#[error("more than {CAPACITY} faults: delete some first")]
pub(crate) struct TooMany;

/// The faults in force, oldest first.
pub(crate) struct FaultList(Mutex<Vec<Fault>>);

impl FaultList {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self(Mutex::new(faults))
    }

    /// The fault for a request on `route`: the newest that applies, used up by one.
    pub(crate) fn take(&self, route: Route) -> Option<Fault> {
        let mut faults = lock(&self.0);
        let newest = faults.iter().rposition(|fault| fault.applies_to(route))?;
        let fault = faults[newest].clone();
        match &mut faults[newest].times {
            None => {}
            Some(1) => {
                faults.remove(newest);
            }
            Some(times) => *times -= 1,
        }
        Some(fault)
    }

    pub(crate) fn all(&self) -> Vec<Fault> {
        lock(&self.0).clone()
    }

    /// Puts `faults` in force beside those that are.
    pub(crate) fn add(&self, faults: Vec<Fault>) -> Result<(), TooMany> {
        let mut current = lock(&self.0);
        if current.len() + faults.len() > CAPACITY {
            return Err(TooMany);
        }
        current.extend(faults);
        Ok(())
    }

    /// Puts `faults` in force instead of those that are.
    pub(crate) fn replace(&self, faults: Vec<Fault>) -> Result<(), TooMany> {
        if faults.len() > CAPACITY {
            return Err(TooMany);
        }
        *lock(&self.0) = faults;
        Ok(())
    }
}
