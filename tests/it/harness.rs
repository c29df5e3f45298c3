//! A simulated GitHub with one organization, and one run of the product against it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use simulated_github::{
    Access, Attempt, Description, Exchange, GitHub, Owner, Request, Simulator, Webhook, guid,
};

use crate::ended::Ended;

/// A token that may do everything.
pub(crate) const TOKEN: &str = "ghp_simulated0token0that0may0do0everything";
/// Where the checkpoint is kept.
pub(crate) const REPOSITORY: &str = "acme/ops";
pub(crate) const VARIABLE: &str = "LAST_REDELIVERY";

/// A time `minutes` ago, to the second as GitHub's log has it.
pub(crate) fn ago(minutes: i64) -> DateTime<Utc> {
    let now = Utc::now().timestamp() - minutes * 60;
    DateTime::from_timestamp(now, 0).unwrap()
}

/// How long a run may take that nothing else ends.
const HANGS: Duration = Duration::from_secs(300);

pub(crate) const HOUR: i64 = 60;
pub(crate) const DAY: i64 = 24 * HOUR;

/// GitHub with organization `acme`, one webhook, and the repository of the checkpoint.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) hook: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(GitHub::new())
    }

    /// The same on Enterprise Server, whose API is below `/api/v3`.
    pub(crate) fn enterprise_server() -> Self {
        Self::of(GitHub::enterprise_server())
    }

    fn of(mut github: GitHub) -> Self {
        github.add_organization("acme");
        github.add_repository("acme", "ops");
        github.add_token(TOKEN, Access::admin());
        let hook = github.add_webhook(
            Owner::Organization("acme".into()),
            Webhook::new("https://ci.example.com/secret-path?key=secret-key"),
        );
        Self {
            simulator: Simulator::start(github),
            hook,
        }
    }

    pub(crate) fn add_webhook(&self) -> u64 {
        self.simulator.github().add_webhook(
            Owner::Organization("acme".into()),
            Webhook::new("https://chat.example.com/hook"),
        )
    }

    /// Adds a row to the webhook's log.
    pub(crate) fn log(&self, attempt: Attempt) -> u64 {
        self.log_at(self.hook, attempt)
    }

    pub(crate) fn log_at(&self, hook: u64, attempt: Attempt) -> u64 {
        self.simulator.github().webhook_mut(hook).log(attempt)
    }

    /// Adds `count` deliveries that succeeded, a minute apart, the newest `minutes` ago.
    pub(crate) fn log_healthy(&self, count: u64, minutes: i64) {
        for n in 0..count {
            let at = ago(minutes) - TimeDelta::minutes(n as i64);
            self.log(Attempt::ok(guid(1_000_000 + n), at));
        }
    }

    /// Attempts of which a redelivery was accepted, in order.
    pub(crate) fn redelivered(&self) -> Vec<u64> {
        self.simulator.github().requested(self.hook)
    }

    pub(crate) fn variable(&self) -> Option<String> {
        self.simulator.github().variable(REPOSITORY, VARIABLE)
    }

    pub(crate) fn set_variable(&self, value: &str) {
        self.simulator
            .github()
            .set_variable(REPOSITORY, VARIABLE, value);
    }

    /// The checkpoint as a time.
    pub(crate) fn checkpoint(&self) -> Option<DateTime<Utc>> {
        let value = self.variable()?;
        DateTime::from_timestamp_millis(value.parse().unwrap())
    }

    /// One pass over `acme` with a checkpoint variable.
    pub(crate) fn pass(&self) -> Run<'_> {
        self.bare_pass()
            .env("INPUT_CHECKPOINT-VARIABLE", VARIABLE)
            .env("GITHUB_REPOSITORY", REPOSITORY)
    }

    /// One pass over `acme` without a checkpoint.
    pub(crate) fn bare_pass(&self) -> Run<'_> {
        Run {
            world: self,
            variables: BTreeMap::new(),
            arguments: Vec::new(),
            files: true,
        }
        .env("INPUT_TOKEN", TOKEN)
        .env("INPUT_ORGANIZATION", "acme")
        .env("INPUT_API-URL", &self.simulator.url())
        // Real time passes here.
        .env("INPUT_CONFIRM-TIMEOUT", "2s")
        .env("INPUT_MAX_PER_MINUTE", "10000")
        .env("GITHUB_ACTIONS", "true")
    }

    /// The webhook's log, page by page as a client would be served it now.
    pub(crate) fn served(&self) -> Vec<Vec<Attempt>> {
        let mut github = self.simulator.github();
        let log = github.attempts(self.hook);
        let mut path = format!("/orgs/acme/hooks/{}/deliveries?per_page=100", self.hook);
        let mut pages = Vec::new();
        loop {
            let reply = github.respond(&Request::new(Method::GET, &path).bearer(TOKEN));
            let rows: Vec<serde_json::Value> = serde_json::from_slice(&reply.body).unwrap();
            let attempt = |row: &serde_json::Value| {
                let same = log.iter().find(|attempt| row["id"] == attempt.id);
                same.unwrap().clone()
            };
            pages.push(rows.iter().map(attempt).collect());
            let link = reply.headers.get("link").map(|link| link.to_str().unwrap());
            let Some(cursor) = link.and_then(|link| link.split_once("cursor=")) else {
                return pages;
            };
            let cursor = cursor.1.split('>').next().unwrap();
            path = format!(
                "/orgs/acme/hooks/{}/deliveries?per_page=100&cursor={cursor}",
                self.hook
            );
        }
    }

    /// Every request so far, held to GitHub's own description of its API.
    pub(crate) fn judge(&self) {
        let github = self.simulator.github();
        let base = github.base_path();
        for exchange in github.requests() {
            for description in [Description::github_com(), Description::enterprise_server()] {
                if let Err(violation) = description.check(exchange, base) {
                    panic!("GitHub's description: {violation}");
                }
            }
        }
    }

    /// How many requests whose path contains `part` were made.
    pub(crate) fn requests(&self, part: &str) -> usize {
        let github = self.simulator.github();
        let requests = github.requests().iter();
        requests
            .filter(|exchange| exchange.path_and_query.contains(part))
            .count()
    }

    /// Requests that are no reads.
    pub(crate) fn writes(&self) -> Vec<String> {
        let github = self.simulator.github();
        let written = |exchange: &&Exchange| exchange.method != "GET";
        let told = |exchange: &Exchange| {
            let path = &exchange.path_and_query;
            format!("{} {path}", exchange.method)
        };
        github.requests().iter().filter(written).map(told).collect()
    }
}

/// A run that is being put together.
pub(crate) struct Run<'a> {
    world: &'a World,
    variables: BTreeMap<String, String>,
    arguments: Vec<String>,
    /// The runner tells where outputs and summary go.
    files: bool,
}

impl Run<'_> {
    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Takes an environment variable away.
    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    pub(crate) fn input(self, name: &str, value: &str) -> Self {
        self.env(&format!("INPUT_{}", name.to_uppercase()), value)
    }

    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Outside of Actions nobody tells where outputs and summary go.
    pub(crate) fn without_files(mut self) -> Self {
        self.files = false;
        self
    }

    /// Runs it to its end, in an environment that holds nothing else.
    pub(crate) fn run(self) -> Ended {
        self.run_in(tempfile::tempdir().unwrap().path())
    }

    /// The same with the workspace in this folder. A run that hangs is killed, and so fails its test.
    pub(crate) fn run_in(mut self, folder: &Path) -> Ended {
        let (child, name) = self.start(folder);
        let id = child.id();
        let (ended, wait) = channel::<()>();
        let watch = std::thread::spawn(move || {
            if wait.recv_timeout(HANGS) == Err(RecvTimeoutError::Timeout) {
                send("KILL", id, &name);
            }
        });
        let output = child.wait_with_output().unwrap();
        drop(ended);
        watch.join().unwrap();
        Ended::new(self.world, &output, folder)
    }

    /// The same, and sends it signals, 300 ms apart, as soon as `when` says so. Tells how long it took to end.
    pub(crate) fn run_and_signal(
        mut self,
        folder: &Path,
        signals: &[&str],
        when: impl Fn() -> bool,
    ) -> (Ended, Duration) {
        let (child, name) = self.start(folder);
        while !when() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let began = Instant::now();
        for (n, signal) in signals.iter().enumerate() {
            if n > 0 {
                std::thread::sleep(Duration::from_millis(300));
            }
            send(signal, child.id(), &name);
        }
        let output = child.wait_with_output().unwrap();
        let took = began.elapsed();
        (Ended::new(self.world, &output, folder), took)
    }

    /// Runs it and kills it as soon as `when` says so. Tells whether it had not ended by itself before.
    pub(crate) fn run_and_kill(mut self, when: impl Fn() -> bool) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, name) = self.start(folder.path());
        while !when() {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        send("KILL", child.id(), &name);
        child.wait_with_output().unwrap();
        true
    }

    /// Starts it, and tells the name of its container if it is one.
    fn start(&mut self, folder: &Path) -> (Child, String) {
        let name = format!("redeliver-test-{}-{}", std::process::id(), self.world.hook);
        let name = format!("{name}-{}", self.world.simulator.address().port());
        let mut command = self.command(folder, &name);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        (command.spawn().unwrap(), name)
    }

    /// The command that runs it, a container by this name if it is not empty.
    fn command(&mut self, folder: &Path, name: &str) -> Command {
        let commands = folder.join("file_commands");
        let _ = std::fs::remove_dir_all(&commands);
        let workspace = folder.join("workspace");
        std::fs::create_dir_all(&commands).unwrap();
        std::fs::create_dir_all(&workspace).unwrap();
        if let Ok(image) = std::env::var("REDELIVER_IMAGE") {
            return self.in_container(folder, &image, name);
        }
        self.command_files(&commands);
        let workspace = workspace.to_str().unwrap();
        self.variables
            .insert("GITHUB_WORKSPACE".into(), workspace.into());
        let mut command = Command::new(env!("CARGO_BIN_EXE_redeliver-webhooks"));
        command
            .args(&self.arguments)
            .env_clear()
            .envs(&self.variables);
        command
    }

    fn command_files(&mut self, folder: &Path) {
        if !self.files {
            return;
        }
        for (variable, file) in [
            ("GITHUB_OUTPUT", "set_output"),
            ("GITHUB_STEP_SUMMARY", "step_summary"),
        ] {
            let path = folder.join(file);
            self.variables
                .entry(variable.into())
                .or_insert(path.to_str().unwrap().into());
        }
    }

    /// As the runner starts a container action: its mounts, its work folder, every variable by name.
    fn in_container(&mut self, folder: &Path, image: &str, name: &str) -> Command {
        let mut command = engine();
        command.args(["run", "--rm"]);
        if !name.is_empty() {
            command.args(["--name", name]);
        }
        command.args(words("REDELIVER_RUN_FLAGS").split_whitespace());
        command.args(["--workdir", "/github/workspace"]);
        self.command_files(Path::new("/github/file_commands"));
        let workspace = "/github/workspace";
        self.variables
            .insert("GITHUB_WORKSPACE".into(), workspace.into());
        for name in self.variables.keys() {
            command.args(["-e", name]);
        }
        for mount in [
            "workspace",
            "home",
            "workflow",
            "file_commands",
            "runner_temp",
        ] {
            let host = folder.join(mount);
            std::fs::create_dir_all(&host).unwrap();
            let volume = format!("{}:/github/{mount}", host.to_str().unwrap());
            command.args(["-v", &volume]);
        }
        command.arg(image).args(&self.arguments);
        command.envs(&self.variables);
        command
    }
}

/// Sends a signal to what [`Run::start`] started.
fn send(signal: &str, id: u32, name: &str) {
    let mut kill = if in_a_container() {
        let mut kill = engine();
        kill.args(["kill", "--signal", signal, name]);
        kill
    } else {
        let mut kill = Command::new("kill");
        kill.args(["-s", signal, &id.to_string()]);
        kill
    };
    assert!(kill.stdout(Stdio::null()).status().unwrap().success());
}

/// Whether it is the image that is tested, which takes much longer to start.
pub(crate) fn in_a_container() -> bool {
    std::env::var_os("REDELIVER_IMAGE").is_some()
}

fn words(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn engine() -> Command {
    let engine = words("REDELIVER_ENGINE");
    let mut engine = engine.split_whitespace();
    let mut command = Command::new(engine.next().expect("REDELIVER_ENGINE is not set"));
    command.args(engine);
    command
}
