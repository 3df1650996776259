//! Keys in places where they do not belong: they are complained about, and never shown.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

use crate::support::{
    process::{run, transcript, valetkey},
    settings_file,
};

const KEY: &str = "sk_canary00112233445566778899aabbccddeeff001122";

/// Runs a command with one variable, and what it said.
fn told(command: &str, name: &str, value: &str) -> (Option<i32>, String) {
    let output = run(valetkey(&[command]).env(name, value));
    (output.status.code(), transcript(&output))
}

#[test]
fn a_key_in_the_wrong_variable_is_not_shown() {
    let cases = [
        ("XAI_API_KEY_FILE", KEY.to_owned(), "the file that XAI_API_KEY_FILE names cannot be read"),
        ("VALETKEY__PROVIDERS__XAI__API_KEYS", KEY.to_owned(), "expected a reference"),
        ("VALETKEY__PROVIDERS__XAI__API_KEYS", format!("env:{KEY}"), "expected a reference"),
        ("VALETKEY__PROVIDERS__XAI__API_KEYS", format!("file:{KEY}"), "expected a reference"),
        ("VALETKEY__PROVIDERS__XAI__BASE_URL", KEY.to_owned(), "expected a URL"),
        ("VALETKEY__PROVIDERS__XAI__KIND", KEY.to_owned(), "is no kind of provider"),
        ("VALETKEY__PROVIDERS__XAI__TIMEOUT", KEY.to_owned(), "expected a duration"),
        ("VALETKEY__PROVIDERS__XAI__KEY", KEY.to_owned(), "is not a setting"),
        ("VALETKEY__SESSION__TOKEN", KEY.to_owned(), "is no token type"),
        ("VALETKEY__TOKENS__XAI_REALTIME__CONNECT__API_KEY", KEY.to_owned(), "is for a secret"),
    ];
    for (name, value, complaint) in cases {
        for command in ["check", "serve"] {
            let (status, text) = told(command, name, &value);
            assert_eq!(status, Some(78), "{text}");
            assert!(text.contains(complaint), "{name}: {text}");
            assert!(!text.contains("canary"), "{command} shows {name}: {text}");
        }
    }
}

#[test]
fn a_key_as_the_name_of_a_setting_is_not_shown() {
    let odd = "\"\\u001b]0;pwn\\u0007\" = 1";
    let file = settings_file(&format!(
        "[providers.xai]\n{KEY} = 1\n{odd}\n[providers.{KEY}]\nkind = \"xai\"\n"
    ));
    let output = run(valetkey(&["check", "--config"]).arg(file.path()));
    let text = transcript(&output);
    assert_eq!(output.status.code(), Some(78));
    assert!(text.contains("providers.xai.(not shown)"), "{text}");
    assert!(!text.contains("canary") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_key_does_not_travel_to_callers_in_what_they_get() {
    let settings = [
        ("TOKENS__XAI_REALTIME__CONNECT__STYLE", KEY.to_owned()),
        ("PROVIDERS__XAI__BASE_URL", format!("https://proxy.example/{KEY}")),
    ];
    for (setting, value) in settings {
        let mut check = valetkey(&["check"]);
        let output = run(check.env("XAI_API_KEY", KEY).env(format!("VALETKEY__{setting}"), value));
        let text = transcript(&output);
        assert_eq!(output.status.code(), Some(78), "{text}");
        assert!(text.contains("holds an API key") && !text.contains("canary"), "{text}");
    }
}

#[test]
fn a_variable_that_could_be_read_in_two_ways_is_a_problem() {
    let cases = [
        ("valetkey__auth__anonymous", "true", "are in capital letters"),
        ("VALETKEY__AUTH__Anonymous", "true", "are in capital letters"),
        ("VALETKEY__SERVER.LISTEN", "0.0.0.0:1", "are in capital letters"),
        ("VALETKEY__PROVIDERS__XAI__API_KEYS[0]", "env:X", "are in capital letters"),
        ("VALETKEY__SERVER", "x", "server (VALETKEY__SERVER): is a section"),
    ];
    for (name, value, complaint) in cases {
        let (status, text) = told("check", name, value);
        assert_eq!(status, Some(78), "{name}");
        assert!(text.contains(complaint), "{name}: {text}");
    }
    let mut both = valetkey(&["check"]);
    both.env("VALETKEY__SERVER", "x").env("VALETKEY__SERVER__LISTEN", "127.0.0.1:1");
    assert!(transcript(&run(&mut both)).contains("VALETKEY__SERVER: is a section"));
}

#[test]
fn what_is_not_text_is_complained_about_and_not_overlooked() {
    let odd = OsStr::from_bytes(b"tr\xffue");
    let output = run(valetkey(&["check"]).env("VALETKEY__AUTH__ANONYMOUS", odd));
    assert!(transcript(&output).contains("expected true or false"));
    let output = run(valetkey(&["check"]).env("XAI_API_KEY", OsStr::from_bytes(b"xai-\xff")));
    assert!(transcript(&output).contains("the secret in XAI_API_KEY is unusable"));
}

#[test]
fn a_full_disk_does_not_hide_the_status() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = valetkey(&["serve"]).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(78));
}
