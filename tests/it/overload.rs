//! Ten times as much as it can give, and providers that are down: the benchmark `overload`, shortened.

#[path = "../../benches/overload/experiment.rs"]
mod experiment;
#[path = "../../benches/overload/load.rs"]
mod load;
#[path = "../../benches/support/program.rs"]
pub(crate) mod program;
#[path = "../../benches/overload/provider.rs"]
mod provider;
#[path = "../../benches/overload/server.rs"]
mod server;

use std::time::Duration;

use experiment::{Down, amplification, overload};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "keeps both processors busy for seconds; scripts/test runs it"]
async fn beyond_its_capacity_it_gives_what_it_can_and_refuses_the_rest_at_once() {
    let rows = overload(2, &[1.0, 10.0], Duration::from_secs(2)).await;
    let [full, beyond] = rows.try_into().ok().unwrap();
    for row in [&full, &beyond] {
        assert!(row.odd.is_empty(), "at {} x: {:?}", row.times, row.odd);
        assert!(row.health.per_second() > 1.0, "at {} x it was hardly well", row.times);
    }
    let kept = beyond.vended.per_second() / full.vended.per_second();
    assert!(kept > 0.7, "of the tokens that it could vend only {kept:.2} were");
    let (vended, refused) = (beyond.vended.percentile(0.5), beyond.refused.percentile(0.5));
    assert!(refused < vended, "refusing took {refused} ms where vending took {vended} ms");
    assert!(beyond.refused.per_second() > beyond.vended.per_second());
    let (before, after) = (full.resident_mib, beyond.resident_mib);
    assert!(after < before + 32.0, "it grew from {before} MiB to {after} MiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_down_is_asked_at_most_a_tenth_more() {
    for down in Down::ALL {
        let row = amplification(down, 320).await;
        assert!(row.upstream > 0, "{}", down.name());
        assert!(row.retries > 0 || !matches!(down, Down::Flaps), "nothing was asked again");
        let factor = row.factor();
        assert!(factor <= 1.1, "{}: {factor}", down.name());
    }
}
