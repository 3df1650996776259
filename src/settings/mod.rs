//! Settings: text from a file, the environment and the command line becomes [`Settings`].
//!
//! A section of the file is a file here and a type. Whatever is wrong is collected, so that all of
//! it can be shown at once; a value that is wrong is replaced by its default to go on looking.

mod auth;
mod layers;
mod log;
mod origins;
mod problem;
mod providers;
mod section;
mod server;
mod session;
mod tokens;
mod tree;
mod value;

pub use auth::Auth;
pub use layers::Layers;
pub use log::{Format, Log};
pub use origins::{Origin, Origins};
pub use problem::{Problem, Problems};
pub use providers::Provider;
pub use server::Server;
pub use session::Session;
pub use tokens::TokenType;
pub use tree::{Setting, Tree};

use std::collections::BTreeMap;

pub(crate) use section::nearest;

use section::Section;

/// Every setting, each within its own bounds. Whether they fit together is for the app to say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `[server]`
    pub server: Server,
    /// `[log]`
    pub log: Log,
    /// `[session]`
    pub session: Session,
    /// `[auth]`
    pub auth: Auth,
    /// `[origins]`
    pub origins: Origins,
    /// `[providers.<name>]`
    pub providers: BTreeMap<String, Provider>,
    /// `[tokens.<name>]`
    pub tokens: BTreeMap<String, TokenType>,
}

impl Settings {
    /// Reads every section of `tree`, adding to `problems` what is wrong.
    #[must_use]
    pub fn read(tree: &Tree, problems: &mut Problems) -> Self {
        let mut root = Section::root(tree, problems);
        let settings = Self {
            server: root.section("server", Server::read),
            log: root.section("log", Log::read),
            session: root.section("session", Session::read),
            auth: root.section("auth", Auth::read),
            origins: root.section("origins", Origins::read),
            providers: root.map("providers", Provider::read),
            tokens: root.map("tokens", TokenType::read),
        };
        root.finish();
        settings
    }

    /// Adds the problem of a server that anyone could drain: off loopback nobody mints, unless
    /// someone decided who may.
    pub fn refuse_open_till(&self, tree: &Tree, problems: &mut Problems) {
        let listen = self.server.listen;
        if listen.ip().is_loopback() || self.auth.anonymous {
            return;
        }
        problems.add(
            tree,
            "server.listen",
            format!(
                "{listen} can be reached from other machines, and anyone who reaches it could \
                 mint tokens at your expense; listen on 127.0.0.1 or, if that is what you want, \
                 set auth.anonymous = true (VALETKEY__AUTH__ANONYMOUS=true)"
            ),
        );
    }
}
