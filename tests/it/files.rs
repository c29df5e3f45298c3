//! Files that the user or the runner names: their allowed kinds, owners and sizes.

use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, MetadataExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use simulated_github::{Attempt, guid};

use crate::credential_kinds::CLIENT_ID;
use crate::run::{Run, in_a_container};
use crate::run_result::RunResult;
use crate::world::{HOUR, World, ago};

/// A test's folder, with the workspace in it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path().join("workspace");
    fs::create_dir(&workspace).unwrap();
    (folder, workspace)
}

/// A pass that uses the file `x` of the workspace as this input or variable.
fn pass_with<'a>(world: &'a World, workspace: &Path, name: &str) -> Run<'a> {
    let x = match in_a_container() {
        true => "/github/workspace/x".to_owned(),
        false => workspace.join("x").display().to_string(),
    };
    match name {
        "checkpoint-file" => world.bare_pass().input(name, "x"),
        "private-key" => world
            .pass()
            .unset("INPUT_TOKEN")
            .input("client-id", CLIENT_ID)
            .input(name, "x"),
        "report-file" | "ca-certificates" => world.pass().input(name, "x"),
        variable => world.pass().env(variable, &x),
    }
}

const READ: [&str; 3] = ["checkpoint-file", "private-key", "ca-certificates"];
const WRITTEN: [&str; 3] = ["report-file", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"];

/// Makes the special file that `kind` names. Returns false if that is not permitted.
fn make(kind: &str, path: &Path) -> bool {
    let run = |program: &str, arguments: &[&str]| {
        let made = Command::new(program).arg(path).args(arguments).output();
        // Some file systems let users make nodes but not use them. Such nodes don't help here.
        made.unwrap().status.success() && (kind.starts_with("a FIFO") || File::open(path).is_ok())
    };
    match kind {
        "a directory" => fs::create_dir(path).is_ok(),
        "a FIFO (named pipe)" => run("mkfifo", &[]),
        // The listener is gone, and the socket stays.
        "a socket" => UnixListener::bind(path).is_ok(),
        // As null and zero: the second has no end.
        "a device" => run("mknod", &["c", "1", "3"]),
        "an endless device" => run("mknod", &["c", "1", "5"]),
        _ => unreachable!("{kind}"),
    }
}

const KINDS: [&str; 5] = [
    "a directory",
    "a FIFO (named pipe)",
    "a socket",
    "a device",
    "an endless device",
];

/// The message's words for it.
fn message(kind: &str) -> String {
    let kind = kind.replace("an endless", "a");
    format!("x` is {kind}, not a regular file")
}

fn kind_of(path: &Path) -> (bool, bool, bool, bool) {
    let kind = fs::symlink_metadata(path).unwrap().file_type();
    let device = kind.is_char_device();
    (kind.is_dir(), kind.is_fifo(), kind.is_socket(), device)
}

/// Runs a pass with each kind of file in place of a regular one, by its name and by a link to it.
fn with_each_kind(name: &str, check: impl Fn(&World, RunResult, &str)) {
    for kind in KINDS {
        for linked in [false, true] {
            let world = World::new();
            world.log(Attempt::failed(guid(1), ago(5)));
            let (folder, workspace) = folder();
            let path = workspace.join(if linked { "real" } else { "x" });
            if !make(kind, &path) {
                continue;
            }
            if linked {
                symlink("real", workspace.join("x")).unwrap();
            }
            let before = kind_of(&path);
            let ended = pass_with(&world, &workspace, name)
                .input("confirm-timeout", "0")
                .run_executable_in(folder.path());
            check(&world, ended, kind);
            assert_eq!(kind_of(&path), before, "{name}, {kind}: it is left alone");
        }
    }
}

#[test]
fn only_regular_files_are_read() {
    for name in READ {
        with_each_kind(name, |world, ended, kind| {
            let ended = ended.failure(&message(kind));
            let named = match name {
                "checkpoint-file" => "Name another file as `checkpoint-file`".to_owned(),
                name => format!("`{name}`: the file `"),
            };
            ended.says(&named);
            assert_eq!(world.redelivered(), [0; 0], "{name}, {kind}");
        });
    }
}

#[test]
fn ssl_cert_file_is_left_alone_where_it_is_no_regular_file() {
    with_each_kind("SSL_CERT_FILE", |_, ended, kind| {
        let message = message(kind).replace("x` is", "it is");
        ended
            .success()
            .says("`SSL_CERT_FILE` is `")
            .says(&format!("left alone: {message}"));
    });
}

#[test]
fn only_regular_files_are_written() {
    for name in WRITTEN {
        with_each_kind(name, |world, ended, kind| {
            assert_eq!(ended.code, Some(1), "{}", ended.log);
            ended.says(&format!("`{name}`: `")).says(&message(kind));
            assert_eq!(world.redelivered().len(), 1, "{name}, {kind}");
        });
    }
}

#[test]
fn a_file_that_is_too_long_is_not_read_whole() {
    for (name, limit) in [
        ("private-key", "1 MiB"),
        ("ca-certificates", "1 MiB"),
        ("SSL_CERT_FILE", "1 MiB"),
        ("checkpoint-file", "64 MiB"),
    ] {
        let world = World::new();
        let (folder, workspace) = folder();
        let file = File::create(workspace.join("x")).unwrap();
        file.set_len(2 * 1024 * 1024 * 1024).unwrap();
        let ended = pass_with(&world, &workspace, name).run_executable_in(folder.path());
        let too_large = format!("is larger than {limit}");
        match name {
            "SSL_CERT_FILE" => ended.success().says(&too_large),
            _ => ended.failure(&format!("x` {too_large}")),
        };
    }
}

#[test]
fn links_to_regular_files_and_to_nothing_yet_are_followed() {
    let world = World::new();
    let (folder, workspace) = folder();
    for link in ["checkpoint", "report"] {
        symlink(format!("{link}-2"), workspace.join(link)).unwrap();
        symlink(format!("{link}-3"), workspace.join(format!("{link}-2"))).unwrap();
    }
    for _ in 0..2 {
        let run = world.bare_pass().input("checkpoint-file", "checkpoint");
        let run = run.input("report-file", "report");
        run.run_executable_in(folder.path()).success();
        for link in ["checkpoint", "report"] {
            for (n, is_link) in [("", true), ("-2", true), ("-3", false)] {
                let path = workspace.join(format!("{link}{n}"));
                let kind = fs::symlink_metadata(&path).unwrap();
                assert_eq!(kind.is_symlink(), is_link, "{path:?}");
            }
        }
    }
    symlink("circle", workspace.join("circle")).unwrap();
    for (name, done) in [("checkpoint-file", "read"), ("report-file", "written")] {
        let run = world.bare_pass().input(name, "circle");
        let ended = run.run_executable_in(folder.path());
        assert_eq!(ended.code, Some(1), "{}", ended.log);
        ended.says(&format!("circle` could not be {done}"));
        assert!(workspace.join("circle").is_symlink());
    }
}

#[test]
fn a_report_never_takes_the_place_of_the_checkpoint() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(5)));
    let (folder, workspace) = folder();
    fs::create_dir(workspace.join("a")).unwrap();
    symlink("a", workspace.join("b")).unwrap();
    symlink("a/x", workspace.join("link")).unwrap();
    symlink("link", workspace.join("chain")).unwrap();
    let whole = match in_a_container() {
        true => "/github/workspace/a/x".to_owned(),
        false => workspace.join("a/x").display().to_string(),
    };
    let spellings = [
        "a/x", "./a/x", "a//x", "a/./x", "c/../a/x", "b/x", "link", "chain", &whole,
    ];
    for exists in [false, true] {
        if exists {
            fs::write(workspace.join("a/x"), "what was there").unwrap();
        }
        for (checkpoint, report) in spellings.iter().flat_map(|a| [(*a, "a/x"), ("a/x", *a)]) {
            let run = world.bare_pass().input("checkpoint-file", checkpoint);
            // The report would be written even if another input is wrong.
            let wrong = run.input("report-file", report).input("since", "nonsense");
            let ended = wrong.run_executable_in(folder.path());
            let ended = ended.failure("`report-file` is the same file as `checkpoint-file`");
            ended.outputs(&["errors=2"]).says("Nothing was done");
            let text = fs::read_to_string(workspace.join("a/x"));
            assert_eq!(text.ok().as_deref(), exists.then_some("what was there"));
        }
    }
    fs::remove_file(workspace.join("a/x")).unwrap();
    assert_eq!(world.requests("/"), 0);
    let run = world.bare_pass().input("checkpoint-file", "a/x");
    let run = run
        .input("report-file", "b/y")
        .run_executable_in(folder.path());
    run.success().outputs(&["recovered=1"]);
}

#[test]
fn files_in_the_runners_temporary_folder_belong_to_its_owner() {
    let world = World::new();
    let (folder, workspace) = folder();
    let temp = folder.path().join("runner_temp");
    fs::create_dir(&temp).unwrap();
    // Only root can do this. For anyone else the owners are the same anyway.
    let _ = chown(&workspace, Some(1_001), Some(1_001));
    let _ = chown(&temp, Some(1_002), Some(1_003));
    let inside = match in_a_container() {
        true => "/github/runner_temp".to_owned(),
        false => temp.display().to_string(),
    };
    for name in ["report-file", "checkpoint-file"] {
        let run = world.bare_pass().env("RUNNER_TEMP", &inside);
        let run = run.input(name, &format!("{inside}/{name}/new"));
        run.run_executable_in(folder.path()).success();
        let owner = |path: &Path| {
            let path = fs::metadata(path).unwrap();
            (path.uid(), path.gid())
        };
        for path in [temp.join(name), temp.join(name).join("new")] {
            assert_eq!(owner(&path), owner(&temp), "{path:?}");
        }
    }
}

#[test]
fn the_folder_of_outputs_and_summary_is_made_where_it_is_missing() {
    let world = World::new();
    let (folder, workspace) = folder();
    let inside = match in_a_container() {
        true => "/github/workspace".to_owned(),
        false => workspace.display().to_string(),
    };
    let run = world
        .pass()
        .env("GITHUB_OUTPUT", &format!("{inside}/a/b/set_output"))
        .env("GITHUB_STEP_SUMMARY", &format!("{inside}/c/step_summary"));
    run.run_executable_in(folder.path()).success();
    let read = |file| fs::read_to_string(workspace.join(file)).unwrap();
    assert!(read("a/b/set_output").contains("healthy"));
    assert!(read("c/step_summary").contains("No delivery failed"));
}

#[test]
fn a_later_step_starts_with_the_report_of_many_open_deliveries_in_its_environment() {
    let world = World::new();
    for n in 0..400 {
        world.log(Attempt::failed(guid(n), ago(HOUR)));
    }
    let ended = world
        .pass()
        .input("dry-run", "true")
        .run_executable()
        .success();
    let ended = ended.outputs(&["open=400"]);
    let step = Command::new(env!("CARGO_BIN_EXE_redeliver-webhooks"))
        .arg("--version")
        .env("REPORT", ended.output("report"))
        .output();
    assert!(step.unwrap().status.success());
}
