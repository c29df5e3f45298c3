//! A checkpoint in a file, and passes without a checkpoint.

use std::fs;
use std::os::unix::fs::MetadataExt;

use chrono::TimeDelta;
use simulated_github::{Attempt, guid};

use crate::world::{HOUR, World, ago};

#[test]
fn a_file_keeps_the_checkpoint_and_its_state() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    world.log(Attempt::failed(guid(1), ago(10)));
    world.log(Attempt::failed(guid(2), ago(25 * HOUR)));
    let run = world
        .bare_pass()
        .input("checkpoint-file", ".redeliver/checkpoint.json");
    let ended = run.run_in(folder.path()).success();
    let ended = ended.outputs(&["failed=1", "recovered=1"]);
    assert!(!ended.output("checkpoint").is_empty());
    let path = folder.path().join("workspace/.redeliver/checkpoint.json");
    let file: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(file["version"], 1);
    assert_eq!(file["state"]["checkpoint"], file["checkpoint"]);
    assert_eq!(file["state"]["targets"][0], "acme");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn the_next_pass_starts_at_the_files_checkpoint_and_a_dry_run_leaves_it_alone() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let pass = |dry: &str| {
        let run = world
            .bare_pass()
            .input("checkpoint-file", "checkpoint.json");
        run.input("dry-run", dry).run_in(folder.path())
    };
    world.log(Attempt::failed(guid(1), ago(10)));
    pass("true").success().says("There is no checkpoint file");
    let path = folder.path().join("workspace/checkpoint.json");
    assert!(!path.exists());
    pass("false").success().outputs(&["recovered=1"]);
    let hour_ago = ago(HOUR).timestamp_millis();
    let before = format!(r#"{{"version":1,"checkpoint":"{hour_ago}"}}"#);
    fs::write(&path, &before).unwrap();
    let inside = world.log(Attempt::failed(guid(2), ago(HOUR + 20)));
    world.log(Attempt::failed(guid(3), ago(20 * HOUR)));
    pass("true").success().outputs(&["failed=1"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    pass("false")
        .success()
        .outputs(&["failed=1", "recovered=1"]);
    assert_eq!(world.redelivered()[1..], [inside]);
    assert_ne!(fs::read_to_string(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_not_a_checkpoint_file_stops_the_pass_before_it_does_anything() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("workspace")).unwrap();
    let path = folder.path().join("workspace/x");
    world.log(Attempt::failed(guid(1), ago(10)));
    for (text, wrong) in [
        ("{}", "is not a checkpoint file (missing field"),
        (
            r#"{"version":1,"checkpoint":"soon"}"#,
            "holds `soon`, which is not a valid time",
        ),
    ] {
        fs::write(&path, text).unwrap();
        let run = world.bare_pass().input("checkpoint-file", "x");
        run.run_in(folder.path()).failure(wrong);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(world.redelivered(), [0; 0]);
}

#[test]
fn a_checkpoint_file_that_cannot_be_written_stops_the_pass_before_it_sends_anything() {
    let world = World::new();
    world.log(Attempt::failed(guid(1), ago(10)));
    let folder = tempfile::tempdir().unwrap();
    // A folder of this name can't be replaced by a file.
    fs::create_dir_all(folder.path().join("workspace/x/y")).unwrap();
    let run = world.bare_pass().input("checkpoint-file", "x");
    let ended = run.run_in(folder.path());
    let ended = ended.failure("checkpoint file `");
    ended.says("x` is a directory, not a regular file");
    assert_eq!(world.redelivered(), [0; 0]);
}

#[test]
fn without_a_checkpoint_a_long_scan_is_reported() {
    let world = World::new();
    for n in 0..5_100 {
        let at = ago(1) - TimeDelta::seconds(40 * n);
        world.log(Attempt::ok(guid(n as u64), at));
    }
    let message = "51 pages of delivery logs were read, and every pass reads as many";
    let ended = world.bare_pass().run().success();
    ended
        .outputs(&["scanned=5100"])
        .says("::notice::")
        .says(message);
    let ended = world.pass().run().success();
    assert!(!ended.log.contains(message), "{}", ended.log);
}
