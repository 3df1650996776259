//! `valetkey check`

use super::{
    Failure,
    load::{Loaded, ServerSources, variable},
    print, ways_in,
};
use crate::{
    app::{App, Live},
    base::secret::{Secret, SecretRef},
    settings::{self, Setting},
    token::{MintRequest, TokenType, Ttl},
    vending::try_out,
};

/// Show the settings in effect, where each came from, and everything that is wrong with them
///
/// Starts nothing. Secrets are never shown, only where they are looked for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = super::EXIT_STATUS)]
pub struct Args {
    #[command(flatten)]
    sources: ServerSources,
    /// Also mint one token of each enabled type, to see whether the keys work
    #[arg(long)]
    online: bool,
}

/// Shows the settings.
///
/// # Errors
/// When something is wrong with them, or a token cannot be minted.
pub async fn run(args: Args) -> Result<(), Failure> {
    let mut loaded = args.sources.load(false);
    let app = loaded.build(false);
    print(&describe(&loaded, &app.live()))?;
    if !loaded.problems.is_empty() {
        return Err(Failure::Settings(loaded.problems));
    }
    if args.online { mint_each(&app).await } else { Ok(()) }
}

pub(super) fn describe(loaded: &Loaded, live: &Live) -> String {
    let settings = loaded.tree.settings();
    let keys = settings.iter().map(|setting| setting.key.len()).max().unwrap_or(0);
    let rows = settings.iter().map(|Setting { key, value, origin }| {
        let value = if is_wrong(loaded, key) { "(see below)" } else { value };
        format!("  {key:keys$}  {value:29}  {origin}")
    });
    let providers = loaded.settings.providers.iter();
    let providers =
        providers.map(|(name, it)| format!("  {name:keys$}  {}", provider(loaded, name, it)));
    let types = live.tokens.values().map(|it| {
        let pool = live.providers.pool_terms(&it.name);
        let pool = pool.map(|terms| format!("; pool of {terms}")).unwrap_or_default();
        format!("  {:keys$}  {}{pool}", it.name, token_type(it))
    });
    let callers = format!("  {:keys$}  {}", "who may ask", ways_in(&loaded.settings.auth));
    let sections: [(&str, Vec<String>); 4] = [
        ("Settings", rows.collect()),
        ("Callers", vec![callers]),
        ("Providers", providers.collect()),
        ("Token types", types.collect()),
    ];
    sections.map(|(title, rows)| format!("{title}\n{}", rows.join("\n"))).join("\n\n")
}

fn provider(loaded: &Loaded, name: &str, provider: &settings::Provider) -> String {
    let wrong = |key: &&str| is_wrong(loaded, &format!("providers.{name}.{key}"));
    if ["kind", "base_url", "api_keys"].iter().any(wrong) {
        return "(see below)".to_owned();
    }
    let mut seen = Vec::new();
    let keys = provider.api_keys.iter().map(|it| describe_key(it, &mut seen));
    let keys = keys.collect::<Vec<_>>().join(", ");
    format!("{} at {} with {keys}", provider.kind, provider.base_url)
}

fn token_type(token_type: &TokenType) -> String {
    let state = if token_type.enabled { "on" } else { "off: switched off, or no API key" };
    let ttl = match token_type.ttl {
        Ttl::Fixed(seconds) => format!("{seconds}s"),
        Ttl::Within { min, default, max } => format!("{default}s ({min}s to {max}s)"),
    };
    format!("{}, {ttl}, {state}", token_type.provider)
}

/// Whether there is a problem with `key` or with a section that it is in. Its value is not shown:
/// a key pasted into the wrong place is wrong, too.
fn is_wrong(loaded: &Loaded, key: &str) -> bool {
    let ends = key.match_indices('.').map(|(end, _)| end).chain([key.len()]);
    ends.map(|end| &key[..end]).any(|prefix| loaded.problems.concern(prefix))
}

fn describe_key(reference: &SecretRef, seen: &mut Vec<Secret>) -> String {
    let state = match reference.resolve(variable) {
        Ok(Some(key)) if seen.contains(&key) => "the same key again: it counts once",
        Ok(Some(key)) => {
            seen.push(key);
            "set"
        }
        Ok(None) => "not set",
        Err(_) => "see below",
    };
    format!("{reference} ({state})")
}

async fn mint_each(app: &App) -> Result<(), Failure> {
    let live = app.live();
    let mut failed = 0;
    print("\nMinting one token of each type")?;
    for token_type in live.tokens.values().filter(|it| it.enabled) {
        let vending = try_out(&live, &token_type.name, &MintRequest::default()).await;
        let took = vending.facts.upstream.unwrap_or_default().as_millis();
        let name = &token_type.name;
        match vending.result {
            Ok(_) => print(&format!("  {name}: ok, {took} ms"))?,
            Err(error) => {
                failed += 1;
                print(&format!("  {name}: FAILED, {took} ms: {error}"))?;
            }
        }
    }
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::Failed(format!("not every token type can be minted: {failed} failed")))
    }
}
