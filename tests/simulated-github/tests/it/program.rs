//! The program.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::client::World;

#[test]
fn it_prints_where_it_is_and_serves_three_missed_deliveries() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_simulated-github"))
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let mut world = World::new();
    world.token = Some(said["token"].as_str().unwrap().to_owned());
    let mut next = Some(format!(
        "{}/orgs/acme/hooks/{}/deliveries?per_page=100",
        said["url"].as_str().unwrap(),
        said["hook"]
    ));
    let (mut rows, mut failed) = (0, 0);
    while let Some(url) = next {
        let got = world.get(&url);
        let page = got.json();
        rows += page.as_array().unwrap().len();
        failed += page
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["status_code"] == 503)
            .count();
        next = got.link("next");
    }
    program.kill().unwrap();
    program.wait().unwrap();
    assert_eq!((rows, failed), (250, 3));
}

#[test]
fn it_says_how_it_is_used() {
    let output = Command::new(env!("CARGO_BIN_EXE_simulated-github"))
        .arg("--port")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("--listen ADDRESS:PORT")
    );
}
