//! A checkpoint in a file, from the content before a pass to the content after it.

use std::path::Path;

use super::*;
use crate::file::SharedPath;
use crate::inputs::PointInTime;

const RETENTION: TimeDelta = TimeDelta::days(3);

fn hours_ago(hours: i64) -> DateTime<Utc> {
    now() - TimeDelta::hours(hours)
}

/// A checkpoint in this folder, whose file does not exist yet.
fn kept(folder: &Path) -> Checkpoint {
    Checkpoint {
        store: Some(Store::File(SharedPath {
            given: "checkpoint.json".into(),
            path: folder.join("checkpoint.json"),
            shared: Vec::new(),
        })),
        read_only: false,
        ..Checkpoint::none()
    }
}

/// A checkpoint whose file exists, without a state.
async fn found(folder: &Path, time: DateTime<Utc>) -> Checkpoint {
    let mut checkpoint = kept(folder);
    let value = Some(millis(time));
    let write = checkpoint.write(StoredTexts::default(), value, None, false);
    write.await.unwrap();
    checkpoint.found = Some(time);
    checkpoint
}

async fn stored(folder: &Path) -> StoredTexts {
    kept(folder).store.unwrap().read().await.unwrap()
}

fn targets(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn state() -> State {
    State::new(targets(&["acme", "beta"]), now(), now())
}

#[test]
fn the_window_starts_as_far_back_as_it_must() {
    let folder = Path::new("folder");
    let at = |found| Checkpoint {
        found,
        ..kept(folder)
    };
    let window = |checkpoint: &Checkpoint, one_off| checkpoint.window(one_off, now(), RETENTION);
    let start = |checkpoint: &Checkpoint| window(checkpoint, None).start;
    assert_eq!(start(&Checkpoint::none()), hours_ago(72));
    assert_eq!(start(&at(None)), hours_ago(24));
    assert_eq!(start(&at(Some(hours_ago(2)))), hours_ago(2) - OVERLAP);
    assert_eq!(start(&at(Some(hours_ago(90)))), hours_ago(72));
    let one_off = OneOffWindow {
        since: Some(PointInTime::Ago(TimeDelta::hours(5))),
        until: Some(PointInTime::At(hours_ago(1))),
    };
    let expected = Window {
        start: hours_ago(5),
        end: Some(hours_ago(1)),
        retention_start: hours_ago(72),
    };
    assert_eq!(window(&at(Some(hours_ago(2))), Some(one_off)), expected);
}

#[test]
fn a_checkpoint_that_does_not_exist_yet_is_missing() {
    let mut checkpoint = kept(Path::new("folder"));
    let window = checkpoint.window(None, now(), RETENTION);
    assert!(checkpoint.is_kept());
    let missing = "checkpoint file `folder/checkpoint.json`";
    assert_eq!(checkpoint.missing().as_deref(), Some(missing));
    assert_eq!(checkpoint.found(), None);
    assert_eq!(checkpoint.old_start(window), window.start);
    checkpoint.found = Some(hours_ago(2));
    assert_eq!(checkpoint.missing(), None);
    assert_eq!(checkpoint.found(), Some(hours_ago(2)));
    assert_eq!(checkpoint.old_start(window), hours_ago(2));
    let none = Checkpoint::none();
    assert!(!none.is_kept() && none.missing().is_none());
}

#[test]
fn the_state_of_other_targets_is_not_used() {
    let checkpoint = Checkpoint {
        state: Some(state()),
        ..kept(Path::new("folder"))
    };
    let of = |names| {
        checkpoint
            .state(&targets(names))
            .map(Option::<&State>::cloned)
    };
    assert_eq!(of(&["acme", "beta"]).unwrap(), Some(state()));
    assert_eq!(of(&["acme"]).unwrap(), None, "some in common");
    assert_eq!(
        of(&["gamma"]).unwrap_err().to_string(),
        "`folder/checkpoint.json` was written by a pass over `acme`, `beta`; this one is over `gamma`. \
         Give each its own file"
    );
}

#[tokio::test]
async fn it_is_written_once_before_the_first_redelivery() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut checkpoint = kept(path);
    let window = checkpoint.window(None, now(), RETENTION);
    assert!(checkpoint.is_writable(window).await);
    assert_eq!(stored(path).await.value, Some(millis(hours_ago(24))));
    std::fs::remove_dir_all(path).unwrap();
    assert!(checkpoint.is_writable(window).await, "it was found out");
    assert!(checkpoint.refusal().is_none());
    assert!(!checkpoint.is_writable(window).await);
    let refusal = checkpoint.refusal().unwrap();
    assert!(!refusal.is_stop() && !refusal.is_limit(), "{refusal}");
}

#[tokio::test]
async fn the_test_write_leaves_an_existing_checkpoint_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = found(folder.path(), hours_ago(2)).await;
    let window = checkpoint.window(None, now(), RETENTION);
    let there = stored(folder.path()).await;
    assert!(checkpoint.is_writable(window).await);
    assert_eq!(stored(folder.path()).await, there);
}

#[tokio::test]
async fn a_read_only_checkpoint_is_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint {
        read_only: true,
        ..kept(folder.path())
    };
    let window = checkpoint.window(None, now(), RETENTION);
    assert!(checkpoint.is_writable(window).await);
    let saved = checkpoint.save(now(), state(), false).await.unwrap();
    assert!(!saved.moved);
    assert_eq!(stored(folder.path()).await, StoredTexts::default());
}

#[tokio::test]
async fn a_file_holds_the_checkpoint_and_its_state_even_if_the_pass_was_cancelled() {
    for cancelled in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = found(folder.path(), hours_ago(2)).await;
        let saved = checkpoint.save(now(), state(), cancelled).await.unwrap();
        assert!(saved.moved && saved.state_failed.is_none());
        let StoredTexts { value, state } = stored(folder.path()).await;
        assert_eq!(value, Some(millis(now())));
        assert!(State::read(&state.unwrap(), &millis(now()), now()).is_some());
    }
}

#[tokio::test]
async fn a_checkpoint_at_the_same_time_has_not_moved() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = found(folder.path(), hours_ago(2)).await;
    let saved = checkpoint.save(hours_ago(2), state(), false).await.unwrap();
    assert!(!saved.moved);
    let StoredTexts { value, state } = stored(folder.path()).await;
    assert_eq!(value, Some(millis(hours_ago(2))));
    assert!(state.is_some());
}
