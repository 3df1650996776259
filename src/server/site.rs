//! What is served on a listener: the routes, as the settings are now.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::{
    app::{App, Live},
    web::Layered,
};

/// Makes the routes for one state of the settings.
type Make = fn(&App, &Arc<Live>) -> Layered;

/// The routes for the settings of now, made when they change. So the next request is served under
/// the new ones, on whichever connection it comes.
pub(super) struct Site {
    pub(super) app: App,
    make: Make,
    made: ArcSwap<(Arc<Live>, Layered)>,
}

impl Site {
    pub(super) fn new(app: &App, make: Make) -> Self {
        let live = app.live();
        let routes = make(app, &live);
        Self { app: app.clone(), make, made: ArcSwap::from_pointee((live, routes)) }
    }

    pub(super) fn routes(&self) -> Layered {
        let live = self.app.live();
        let made = self.made.load();
        if Arc::ptr_eq(&made.0, &live) {
            return made.1.clone();
        }
        let routes = (self.make)(&self.app, &live);
        self.made.store(Arc::new((live, routes.clone())));
        routes
    }
}
