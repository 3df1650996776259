//! What is served on a listener: the routes, as the settings are now.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;

use crate::app::{App, Live};

/// Makes a router for one state of the settings.
type Make = fn(&App, &Arc<Live>) -> Router;

/// The router for the settings of now, made when they change. So the next request is served under
/// the new ones, on whichever connection it comes.
pub(super) struct Site {
    pub(super) app: App,
    make: Make,
    made: ArcSwap<(Arc<Live>, Router)>,
}

impl Site {
    pub(super) fn new(app: &App, make: Make) -> Self {
        let live = app.live();
        let router = make(app, &live);
        Self { app: app.clone(), make, made: ArcSwap::from_pointee((live, router)) }
    }

    pub(super) fn router(&self) -> Router {
        let live = self.app.live();
        let made = self.made.load();
        if Arc::ptr_eq(&made.0, &live) {
            return made.1.clone();
        }
        let router = (self.make)(&self.app, &live);
        self.made.store(Arc::new((live, router.clone())));
        router
    }
}
