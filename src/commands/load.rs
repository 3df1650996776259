//! From the command line to settings and from there to an app, for every command that needs one.

use std::{collections::HashMap, ffi::OsString, net::SocketAddr, path::PathBuf};

use super::Failure;
use crate::{
    app::{App, Ingredients, Live},
    base::clock::Clock,
    metrics::Metrics,
    reload::{Files, Fresh, Read, Secrets},
    settings::{Layers, Problems, Settings, Tree},
};

/// Where settings come from, as options of a command.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Sources {
    /// A settings file (TOML); may be given several times, a later one over an earlier one
    ///
    /// Over the files come environment variables: server.listen is VALETKEY__SERVER__LISTEN.
    #[arg(long = "config", value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Where settings come from for a command that is about the server itself.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ServerSources {
    #[command(flatten)]
    sources: Sources,
    /// Where the server listens (server.listen)
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The socket that is served instead, if one was passed on.
    #[arg(skip)]
    pub(super) inherited: Option<SocketAddr>,
}

/// Settings, and all that was found wrong on the way.
pub(super) struct Loaded {
    pub(super) settings: Settings,
    pub(super) tree: Tree,
    pub(super) problems: Problems,
    /// The files that all of it is from, as they looked before.
    pub(super) files: Files,
}

impl Sources {
    /// Reads them.
    pub(super) fn load(self) -> Loaded {
        read(self.files, Vec::new(), false)
    }
}

impl ServerSources {
    /// Reads them, and refuses a server that would be open to more people than it should be.
    /// `sandbox`: over the defaults come those of the sandbox.
    pub(super) fn load(&self, sandbox: bool) -> Loaded {
        let listen = self.listen.clone().map(|address| ("server.listen", address, "--listen"));
        let inherited = self.inherited.map(|it| ("server.listen", it.to_string(), "LISTEN_FDS"));
        let options = inherited.or(listen).into_iter().collect();
        let mut loaded = read(self.sources.files.clone(), options, sandbox);
        loaded.settings.refuse_danger(&loaded.tree, sandbox, &mut loaded.problems);
        loaded
    }
}

fn read(
    files: Vec<PathBuf>,
    options: Vec<(&'static str, String, &'static str)>,
    sandbox: bool,
) -> Loaded {
    let mut problems = Problems::default();
    let mut seen = Files::default();
    seen.look_at(files.iter().cloned());
    let tree = Layers { sandbox, files, environment: environment(), options }.merge(&mut problems);
    let settings = Settings::read(&tree, &mut problems);
    let references = settings.references();
    seen.look_at(references.iter().filter_map(|(_, reference)| reference.file(variable)));
    Loaded { settings, tree, problems, files: seen }
}

impl Loaded {
    /// Builds what can be built, and gives back the problems for the one who can show them.
    pub(super) fn build(&mut self, sandbox: bool) -> App {
        let ingredients = ingredients(&self.settings, &self.tree, sandbox);
        let live = ingredients.live(&mut self.problems);
        App::new(live, ingredients.keeps(&mut self.problems))
    }

    /// The app, if there is no problem, and what it was made of.
    pub(super) fn app(mut self, sandbox: bool) -> Result<(App, Read), Failure> {
        let secrets = Secrets::of(&self.settings, &variable);
        let app = self.build(sandbox);
        if self.problems.is_empty() {
            let Self { settings, tree, files, .. } = self;
            Ok((app, Read { settings, tree, secrets, files }))
        } else {
            Err(Failure::Settings(self.problems))
        }
    }

    /// What takes the place of what `app` serves, which was started with the settings `started`.
    pub(super) fn fresh(mut self, started: &Settings, app: &App, sandbox: bool) -> Fresh {
        let previous = app.live();
        let secrets = Secrets::of(&self.settings, &variable);
        ingredients(&self.settings, &self.tree, sandbox).check_keeps(&mut self.problems);
        self.settings.keep(started);
        // As they stand they were checked already; now as they will be in effect.
        if self.problems.is_empty() {
            self.settings.refuse_danger(&self.tree, sandbox, &mut self.problems);
        }
        let ingredients = Ingredients {
            metrics: app.metrics().clone(),
            previous: Some(&previous),
            ..ingredients(&self.settings, &self.tree, sandbox)
        };
        let live = ingredients.live(&mut self.problems);
        let Self { settings, tree, problems, files } = self;
        let live = if problems.is_empty() { Ok(live) } else { Err(problems) };
        Fresh { read: Read { settings, tree, secrets, files }, live }
    }

    /// What is needed to mint and no more, if there is no problem.
    pub(super) fn live(mut self) -> Result<Live, Failure> {
        let live = ingredients(&self.settings, &self.tree, false).live(&mut self.problems);
        if self.problems.is_empty() { Ok(live) } else { Err(Failure::Settings(self.problems)) }
    }
}

fn ingredients<'a>(settings: &'a Settings, tree: &'a Tree, sandbox: bool) -> Ingredients<'a> {
    let metrics = Metrics::new(settings.tokens.keys(), settings.providers.keys());
    let (env, clock) = (&variable, Clock::system());
    Ingredients { settings, tree, env, clock, metrics, sandbox, previous: None }
}

/// The environment. What is not UTF-8 gets replacement characters, which no setting takes: it is
/// complained about rather than overlooked.
fn environment() -> HashMap<String, String> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// An environment variable; an empty one counts as not set.
pub(super) fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.to_string_lossy().into_owned()).filter(|text| !text.is_empty())
}
