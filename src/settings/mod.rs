//! Settings: text from a file, the environment and the command line becomes [`Settings`].
//!
//! A section of the file is a file here and a type. Whatever is wrong is collected, so that all of
//! it can be shown at once; a value that is wrong is replaced by its default to go on looking.

mod audit;
mod auth;
mod environment;
mod grants;
mod layers;
mod limits;
mod log;
mod origins;
mod problem;
mod providers;
mod references;
mod reload;
mod removed;
mod restart;
mod safety;
mod section;
mod server;
mod session;
mod tokens;
mod transport;
mod tree;
mod value;
mod words;

pub use audit::{AddressForm, Audit, Sink};
pub use auth::{Algorithm, Auth, CallerFrom, CallerKey, Forward, Jwt, KeyId, KeySource, PublicKey};
pub use grants::{Grant, Via};
pub use layers::Layers;
pub use limits::{Limit, Limits, Mode, NamedLimits, Quota, Rate, Store};
pub use log::{Format, Log};
pub use origins::{Origin, Origins};
pub use problem::{Problem, Problems};
pub use providers::Provider;
pub use reload::Reload;
pub use restart::needs_restart;
pub use server::Server;
pub use session::Session;
pub use tokens::{Pool, TokenType};
pub use transport::{ClientFiles, Http, Proxy, Transport};
pub use tree::{Setting, Tree};

use std::collections::BTreeMap;

pub(crate) use providers::is_loopback;
pub(crate) use section::nearest;
pub(crate) use transport::proxy_url;

use section::Section;

use crate::base::secret::SecretRef;

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
    /// `[[grants]]`
    pub grants: Vec<Grant>,
    /// `[limits]`
    pub limits: Limits,
    /// `[audit]`
    pub audit: Audit,
    /// `[reload]`
    pub reload: Reload,
    /// `identity.hash_key`: what identities are hashed with where they leave the process.
    pub hash_key: SecretRef,
    /// `[providers.<name>]`
    pub providers: BTreeMap<String, Provider>,
    /// `[tokens.<name>]`
    pub tokens: BTreeMap<String, TokenType>,
}

impl Settings {
    /// Reads every section of `tree`, adding to `problems` what is wrong.
    pub fn read(tree: &Tree, problems: &mut Problems) -> Self {
        let mut root = Section::root(tree, problems);
        let settings = Self {
            server: root.section("server", Server::read),
            log: root.section("log", Log::read),
            session: root.section("session", Session::read),
            auth: root.section("auth", Auth::read),
            origins: root.section("origins", Origins::read),
            grants: root.list("grants", Grant::read),
            limits: root.section("limits", Limits::read),
            audit: root.section("audit", Audit::read),
            reload: root.section("reload", Reload::read),
            hash_key: root.section("identity", |section| {
                section.get("hash_key", SecretRef::Env("VALETKEY_HASH_KEY".to_owned()))
            }),
            providers: root.map("providers", Provider::read),
            tokens: root.map("tokens", TokenType::read),
        };
        root.finish();
        settings
    }
}
