//! What a release is compiled for can still be asked for: the benchmark `training`, shortened.

#[path = "../../benches/training/course.rs"]
mod course;
#[path = "../../benches/training/provider.rs"]
mod provider;
#[path = "../../benches/training/requests.rs"]
mod requests;
#[path = "../../benches/training/server.rs"]
mod server;

use crate::overload::program;
use course::Course;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_answered_as_it_should_be() {
    let course = Course { callers: 8, times: [2, 1] };
    assert!(course.run(env!("CARGO_BIN_EXE_valetkey"), None).await > 0);
}
