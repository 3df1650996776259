//! Redirects: nobody goes where they point, least of all with a key.

use super::{Case, Counting, INVALID, Stage, answer};
use crate::support::provider::Elsewhere;

#[tokio::test]
async fn every_redirect_to_another_host() {
    let elsewhere = Elsewhere::new();
    let address = elsewhere.address();
    let mut cases = Vec::new();
    for kind in ["xai", "elevenlabs"] {
        for status in 300..400 {
            for location in
                [format!("http://{address}/"), format!("//{address}/v1/x"), "/v1/x".to_owned()]
            {
                let headers = format!("location: {location}\r\nrefresh: 0; url={location}\r\n");
                let provider = Counting::writing(answer(status, &headers, ""));
                let case =
                    Case::new(format!("{kind} {status} {location}"), kind, provider, INVALID);
                cases.push(Case { why: "it is a redirect", ..case });
            }
        }
    }
    // Only those that have a meaning point anywhere in more than one way.
    cases.retain(|case| !case.name.contains(" /") || case.name.contains(" 30"));
    Stage::start_with(cases, elsewhere).play().await;
}
