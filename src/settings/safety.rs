//! The combinations that would be dangerous: each refuses to start, with its own line.

use super::{Mode, Origin, Problems, Settings, Tree};

impl Settings {
    /// Adds the problems of a server that would be open to more people than it should be.
    /// The `sandbox`'s tokens are worth nothing, so that nobody can take too many.
    pub fn refuse_danger(&self, tree: &Tree, sandbox: bool, problems: &mut Problems) {
        self.refuse_open_till(tree, problems);
        if !sandbox {
            self.refuse_unlimited_strangers(tree, problems);
        }
        self.refuse_unfounded_trust(tree, problems);
        self.refuse_wandering_cookies(tree, problems);
        self.refuse_impatience(tree, problems);
    }

    /// A request must outlive the mint in it, or its caller is never told how that ended.
    fn refuse_impatience(&self, tree: &Tree, problems: &mut Problems) {
        let enabled = self.providers.iter().filter(|(_, provider)| provider.enabled);
        let slowest = enabled.max_by_key(|(_, provider)| provider.timeout);
        let Some((name, slowest)) = slowest else { return };
        let is_known = problems.concern("server.request_timeout");
        if self.server.request_timeout <= slowest.timeout && !is_known {
            problems.add(
                tree,
                "server.request_timeout",
                format!("must be longer than providers.{name}.timeout, which is within it"),
            );
        }
    }

    /// Nobody from another machine mints, unless someone decided who may.
    fn refuse_open_till(&self, tree: &Tree, problems: &mut Problems) {
        if self.auth.anonymous || self.auth.knows_callers() {
            return;
        }
        let listen = self.server.listen;
        if !listen.ip().is_loopback() {
            problems.add(
                tree,
                "server.listen",
                format!(
                    "{listen} can be reached from other machines, and anyone who reaches it could \
                     mint tokens at your expense; say who may ask (docs/access.md shows the \
                     ways), listen on 127.0.0.1 or, if openness is what you want, set \
                     auth.anonymous = true (VALETKEY__AUTH__ANONYMOUS=true)"
                ),
            );
        } else if !self.server.trusted_proxies.is_empty() {
            problems.add(
                tree,
                "server.trusted_proxies",
                "a proxy lets in others than this machine, and anyone whom it lets in could mint \
                 tokens at your expense; say who may ask (docs/access.md shows the ways) or, if \
                 openness is what you want, set auth.anonymous = true \
                 (VALETKEY__AUTH__ANONYMOUS=true)",
            );
        }
    }

    /// A stranger is known by the address alone.
    fn refuse_unlimited_strangers(&self, tree: &Tree, problems: &mut Problems) {
        let address = &self.limits.address;
        let in_pages = self.auth.keys.iter().any(|key| key.publishable && key.enabled);
        if (self.auth.anonymous || in_pages) && !(address.is_on() && address.mode == Mode::Enforce)
        {
            let key = if address.mode == Mode::Enforce { "rate" } else { "mode" };
            problems.add(
                tree,
                &format!("limits.address.{key}"),
                "auth.anonymous = true and publishable keys let anyone mint, and without this \
                 limit as often as they like; set its mode to \"enforce\" and give it a rate",
            );
        }
    }

    /// A header can be written by anyone who is not made to come through the proxy.
    fn refuse_unfounded_trust(&self, tree: &Tree, problems: &mut Problems) {
        let trusts_nobody = self.server.trusted_proxies.is_empty();
        let is_known = problems.concern("server.trusted_proxies");
        if self.auth.proxy_header.is_some() && trusts_nobody && !is_known {
            problems.add(
                tree,
                "auth.proxy_header",
                "anyone could send this header; name the network of the proxy that sets it in \
                 server.trusted_proxies",
            );
        }
    }

    /// A browser sends its cookies for whichever page asks: to the application that is asked, and to
    /// the proxy that knows its user by them.
    fn refuse_wandering_cookies(&self, tree: &Tree, problems: &mut Problems) {
        let allowed = &self.origins.allowed;
        let forwards = self.auth.forward.as_ref().is_some_and(|forward| forward.cookies);
        if forwards && (allowed.is_empty() || allowed.contains(&Origin::Any)) {
            problems.add(
                tree,
                "auth.forward.cookies",
                "a browser sends its cookies for whichever page asks; name your own pages' \
                 origins in origins.allowed, or set auth.forward.cookies = false",
            );
        }
        if self.auth.proxy_header.is_some() && allowed.contains(&Origin::Any) {
            problems.add(
                tree,
                "origins.allowed",
                "with auth.proxy_header, \"*\" lets every page ask in the name of whoever looks at \
                 it: the proxy knows its user by a cookie, which browsers send for whichever \
                 page asks; name your own pages' origins",
            );
        }
    }
}
