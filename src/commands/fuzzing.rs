//! The way in for [`crate::fuzzing`]: what is shown of settings.

use super::{check, load::Loaded};
use crate::{
    app::Live,
    settings::{Problems, Settings, Tree},
};

/// What `valetkey check` shows, problems and all.
pub(crate) fn check(settings: Settings, tree: Tree, problems: Problems, live: &Live) -> String {
    let loaded = Loaded { settings, tree, problems };
    format!("{}\n{}", check::describe(&loaded, live), loaded.problems)
}
