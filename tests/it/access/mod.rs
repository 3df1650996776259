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

use reqwest::RequestBuilder;
use tempfile::NamedTempFile;

use crate::support::{
    hash,
    http::{Answer, client},
    process::{Server, valetkey, vending_from},
    settings_file as file,
};

/// The section of a caller key `vk_<id>`.
fn key(id: &str) -> String {
    format!("[[auth.keys]]\nid = \"{id}\"\nsha256 = \"{}\"\n", hash(&format!("vk_{id}")))
}

/// A server with settings of its own, in front of stand-in providers.
pub struct Guarded {
    pub server: Server,
    stand_ins: Server,
    /// Where the settings are.
    _file: NamedTempFile,
}

impl Guarded {
    fn start(settings: &str) -> Self {
        Self::start_with(settings, &[])
    }

    /// With `env` besides.
    pub fn start_with(settings: &str, env: &[(&str, &str)]) -> Self {
        let stand_ins = Server::stand_ins();
        let file = file(settings);
        let mut command = valetkey(&["serve", "--config"]);
        command.arg(file.path());
        vending_from(&mut command, &stand_ins.stand_ins).envs(env.iter().copied());
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
        self.stand_ins.history().await.len()
    }
}

/// The answer to `request`.
async fn answer(request: RequestBuilder) -> Answer {
    Answer::to(request).await
}

/// `"ok"`, or the code of the problem.
async fn outcome(request: RequestBuilder) -> String {
    answer(request).await.outcome()
}
