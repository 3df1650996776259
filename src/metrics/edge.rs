//! Connections, and what never becomes a request.

use std::fmt;

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Why a connection got an answer of its own, without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// There is no room for it.
    Overloaded,
    /// What it sent is not HTTP.
    MalformedRequest,
    /// Its request's target is too long.
    UriTooLong,
    /// Its request's head is too large.
    HeadersTooLarge,
    /// The head did not arrive in time.
    RequestTimeout,
}

impl Refused {
    const ALL: [Self; 5] = [
        Self::Overloaded,
        Self::MalformedRequest,
        Self::UriTooLong,
        Self::HeadersTooLarge,
        Self::RequestTimeout,
    ];
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    reason: Refused,
}

impl EncodeLabelValue for Refused {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        let name = match self {
            Self::Overloaded => "overloaded",
            Self::MalformedRequest => "malformed_request",
            Self::UriTooLong => "uri_too_long",
            Self::HeadersTooLarge => "headers_too_large",
            Self::RequestTimeout => "request_timeout",
        };
        EncodeLabelValue::encode(&name, encoder)
    }
}

/// What is counted where clients connect.
#[derive(Debug, Default)]
pub(super) struct Edge {
    pub(super) connections: Gauge,
    refused: Family<Refusal, Counter>,
    pub(super) evicted: Counter,
    pub(super) accept_failures: Counter,
    pub(super) in_flight: Gauge,
}

impl Edge {
    pub(super) fn refused(&self, reason: Refused) {
        self.refused.get_or_create(&Refusal { reason }).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("connections", "Connections that are open", self.connections.clone());
        registry.register(
            "connections_refused",
            "Connections that were answered without a request, by reason",
            self.refused.clone(),
        );
        registry.register(
            "connections_evicted",
            "Connections without a request that had to give way to others",
            self.evicted.clone(),
        );
        registry.register(
            "accept_failures",
            "Failures of the system to give a connection",
            self.accept_failures.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests for a token that are worked on",
            self.in_flight.clone(),
        );
        for reason in Refused::ALL {
            drop(self.refused.get_or_create(&Refusal { reason }));
        }
    }
}

/// One more, until it is dropped.
#[derive(Debug)]
pub struct Held(Gauge);

impl Held {
    pub(super) fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}
