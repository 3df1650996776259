//! Tests of the issuers, each with keys and servers of its own.

mod flood;
mod fuzz;
mod header;
mod log;
mod server;
mod sets;
mod settings;
mod signer;
mod vendors;
mod wrong;

use serde_json::{Value, json};

use super::{Identity, Issuer, Rejected};
use crate::{
    base::clock::Clock,
    settings::{Jwt, Layers, Problems, Settings},
};
use server::Server;
use signer::{Signer, part};

/// The time in all these tests.
const NOW: u64 = 1_800_000_000;

const ISSUER: &str = "https://issuer.example/";

/// The `[[auth.jwt]]` tables of `toml`, read as the program reads them.
fn tables(toml: &str) -> Vec<Jwt> {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    std::fs::write(file.path(), toml).unwrap();
    let layers = Layers { files: vec![file.path().to_owned()], ..Layers::default() };
    let mut problems = Problems::default();
    let settings = Settings::read(&layers.merge(&mut problems), &mut problems);
    assert!(problems.is_empty(), "{problems:?} in {toml}");
    settings.auth.jwt
}

fn build(settings: &Jwt, env: &[(&str, &str)]) -> Result<Issuer, (&'static str, String)> {
    let env = |name: &str| {
        env.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
    };
    Issuer::new(settings, &env, Clock::fixed(NOW), &[])
}

/// The issuer of these tests, with `lines` of settings more.
fn issuer(lines: &str) -> Issuer {
    let toml = format!("[[auth.jwt]]\nissuer = \"{ISSUER}\"\naudience = \"voice\"\n{lines}\n");
    build(&tables(&toml)[0], &[]).unwrap()
}

/// One that has the public key of `signer`.
fn trusting(signer: &Signer) -> Issuer {
    let (pem, algorithm) = (&signer.pem, signer.name());
    issuer(&format!("public_key = \"\"\"{pem}\"\"\"\nalgorithms = [\"{algorithm}\"]"))
}

/// One that fetches its keys from `server`.
fn fetching(server: &Server, algorithms: &str) -> Issuer {
    issuer(&format!("jwks_url = \"{}/jwks.json\"\nalgorithms = {algorithms}", server.url))
}

/// Claims that are right in every respect, with `changes`; `null` takes a claim away.
fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": "voice", "sub": "alice", "iat": NOW - 10, "nbf": NOW - 10,
        "exp": NOW + 300,
    });
    merge(&mut claims, changes);
    claims
}

fn merge(object: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else { panic!("not an object") };
    for (name, value) in changes {
        let object = object.as_object_mut().unwrap();
        if value.is_null() {
            object.remove(&name)
        } else {
            object.insert(name, value)
        };
    }
}

fn why(result: Result<Identity, Rejected>) -> &'static str {
    match result {
        Err(Rejected::Wrong(why)) => why,
        other => panic!("{other:?}"),
    }
}
