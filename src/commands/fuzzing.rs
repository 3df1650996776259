//! The way in for [`crate::fuzzing`]: what is shown of settings.

use super::{check, load::Loaded};
use crate::{
    app::Live,
    reload::Files,
    settings::{Problems, Settings, Tree},
};

/// What `valetkey check` shows, problems and all.
pub(crate) fn check(settings: Settings, tree: Tree, problems: Problems, live: &Live) -> String {
    let loaded = Loaded { settings, tree, problems, files: Files::default() };
    format!("{}\n{}", check::describe(&loaded, live), loaded.problems)
}
