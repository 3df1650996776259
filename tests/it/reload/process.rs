//! What others on the machine can see of the process.

use std::{
    fs,
    os::unix::{fs::MetadataExt as _, fs::PermissionsExt as _, process::CommandExt as _},
    process::Command,
};

use crate::support::process::{Server, valetkey};

/// A user without any rights. Only root can become it; others stay who they are.
const NOBODY: u32 = 65534;

/// The program, where that user may run it.
fn as_nobody(folder: &tempfile::TempDir) -> Command {
    let program = folder.path().join("valetkey");
    fs::copy(env!("CARGO_BIN_EXE_valetkey"), &program).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(program);
    command.arg("serve").env_clear().env("XAI_API_KEY", "xai-canary");
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn core_dumps_are_off_and_other_processes_of_the_user_cannot_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&mut as_nobody(&folder));
    let process = format!("/proc/{}", server.pid());
    let limits = fs::read_to_string(format!("{process}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let values: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(values, ["0", "0"], "{core}");
    for file in ["environ", "mem", "maps"] {
        let mut cat = Command::new("cat");
        cat.arg(format!("{process}/{file}"));
        if is_root() {
            cat.uid(NOBODY).gid(NOBODY);
        }
        let output = cat.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("Permission denied"), "{file}: {said}");
        assert!(output.stdout.is_empty(), "{file}");
    }
    assert!(!server.output().contains("core dumps cannot be switched off"));
}

#[test]
fn a_key_in_a_file_is_not_in_the_environment_nor_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, "xai-canary").unwrap();
    let reference = format!("file:{}", key.display());
    let server =
        Server::start(valetkey(&["serve"]).env("VALETKEY__PROVIDERS__XAI__API_KEYS", reference));
    for file in ["environ", "cmdline"] {
        let text = fs::read(format!("/proc/{}/{file}", server.pid()));
        // Who is not root cannot read it at all.
        let text = text.map_or(String::new(), |it| String::from_utf8_lossy(&it).into_owned());
        assert!(!text.contains("canary"), "{file}");
        assert!(!is_root() || !text.is_empty(), "{file}");
    }
}
