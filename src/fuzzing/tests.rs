//! The same properties on what is kept in `fuzz/corpus`, and on mutants of it.

use std::{collections::BTreeSet, fs, path::Path};

use proptest::{prelude::*, sample::Index};

use super::{PROPERTIES, Property, settings::everywhere};

/// What a parser of text trips over.
const ODD: [&[u8]; 16] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b";",
    b"=",
    b"\0",
    b"\n",
    b"\x1b[2J",
    b"\xff",
    b"\xe2\x80\xae",
    b"-1",
    b"99999999999999999999",
];

fn folder(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A file of a corpus with some of its bytes replaced, and some odd ones put in between.
fn mutant(name: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), 0..4_usize, prop::sample::select(ODD.to_vec()), any::<Index>());
    let change = prop_oneof![
        3 => change.prop_map(|(at, cut, odd, _)| (at, cut, odd.to_vec())),
        1 => (any::<Index>(), 0..2_usize, prop::collection::vec(any::<u8>(), 0..4)),
    ];
    let file = prop::sample::select(folder(name));
    (file, prop::collection::vec(change, 0..6)).prop_map(|(mut file, changes)| {
        for (at, cut, put) in changes {
            let at = at.index(file.len() + 1);
            let end = file.len().min(at + cut);
            file.splice(at..end, put);
        }
        file
    })
}

/// Each with a name of its own, so that one that fails is known by it.
macro_rules! properties {
    ($($name:ident: $cases:expr;)*) => {
        const TRIED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                let name = stringify!($name);
                let property: Property = super::$name;
                let files = folder(name);
                assert!(files.len() > 4, "the corpus of {name} is gone");
                files.iter().for_each(|file| property(file));
                let config =
                    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases($cases) };
                proptest!(config, |(bytes in mutant(name))| property(&bytes));
            }
        )*
    };
}

properties! {
    address: 500;
    answer: 500;
    body: 500;
    jwks: 300;
    jwt: 300;
    retry_after: 500;
    settings: 40;
}

#[test]
fn every_property_has_a_target_a_corpus_and_a_test() {
    let names: BTreeSet<String> = PROPERTIES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names, TRIED.iter().map(|name| (*name).to_owned()).collect());
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let stems = |folder: &str| -> BTreeSet<String> {
        let files = fs::read_dir(fuzz.join(folder)).unwrap().map(|it| it.unwrap().path());
        files.map(|it| it.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(stems("fuzz_targets"), names);
    assert_eq!(stems("corpus"), names);
}

#[test]
fn a_key_in_any_place_is_not_shown() {
    everywhere("");
    everywhere("[limits.address]\nrate = \"10/s\"\n");
}
