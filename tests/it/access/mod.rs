//! Who may have a token, from where, for what and how many, over the real program.

mod addresses;
mod anonymous;
mod audit;
mod danger;
mod grants;
mod jwt;
mod keys;
mod limits;
mod origins;
mod secrets;
mod store;
mod switches;
mod threats;

use std::io::Write as _;

use reqwest::RequestBuilder;
use tempfile::NamedTempFile;

use crate::support::{
    ELEVENLABS_KEY, XAI_KEY,
    http::{Answer, client, get},
    process::{Server, valetkey},
};

/// A server with settings of its own, in front of stand-in providers.
struct Guarded {
    server: Server,
    stand_ins: Server,
    /// Where the settings are.
    _file: NamedTempFile,
}

impl Guarded {
    fn start(settings: &str) -> Self {
        Self::start_with(settings, &[])
    }

    /// With `env` besides.
    fn start_with(settings: &str, env: &[(&str, &str)]) -> Self {
        let stand_ins = Server::start_alone(&mut valetkey(&["sandbox", "--listen", "127.0.0.1:0"]));
        let file = file(settings);
        let mut command = valetkey(&["serve", "--config"]);
        command
            .arg(file.path())
            .env("XAI_API_KEY", XAI_KEY)
            .env("ELEVENLABS_API_KEY", ELEVENLABS_KEY)
            .env("VALETKEY__PROVIDERS__XAI__BASE_URL", &stand_ins.stand_ins)
            .env("VALETKEY__PROVIDERS__ELEVENLABS__BASE_URL", &stand_ins.stand_ins)
            .envs(env.iter().copied());
        Self { server: Server::start(&mut command), stand_ins, _file: file }
    }

    /// A request for the default token.
    fn session(&self) -> RequestBuilder {
        self.post("/session")
    }

    fn post(&self, path: &str) -> RequestBuilder {
        client().post(format!("{}{path}", self.server.url))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        client().get(format!("{}{path}", self.server.url))
    }

    /// How many tokens were minted at the providers so far.
    async fn minted(&self) -> usize {
        let history = get(&format!("{}/_sandbox/history", self.stand_ins.stand_ins)).await.json();
        history.as_array().unwrap().len()
    }
}

/// The answer to `request`.
async fn answer(request: RequestBuilder) -> Answer {
    Answer::of(request.send().await.unwrap()).await
}

/// `"ok"`, or the code of the problem.
async fn outcome(request: RequestBuilder) -> String {
    let answer = answer(request).await;
    if answer.status.is_success() { "ok".to_owned() } else { answer.code() }
}

/// A settings file that is gone after the test.
fn file(text: &str) -> NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// The `sha256` for the settings of a caller key.
fn hash(key: &str) -> String {
    valetkey::caller::sha256(key).iter().map(|byte| format!("{byte:02x}")).collect()
}
