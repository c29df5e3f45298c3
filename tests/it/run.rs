//! One run of the product: within this process, as the executable, or as a container.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::in_process;
use crate::run_result::RunResult;
use crate::world::World;

/// The longest time that a run may take.
const HANGS: Duration = Duration::from_secs(300);

/// A run that is being put together.
pub(crate) struct Run<'a> {
    world: &'a World,
    variables: BTreeMap<String, String>,
    arguments: Vec<String>,
    /// The runner names the files for outputs and summary.
    files: bool,
}

impl<'a> Run<'a> {
    /// A run that no variable is set for.
    pub(crate) fn new(world: &'a World) -> Self {
        Self {
            world,
            variables: BTreeMap::new(),
            arguments: Vec::new(),
            files: true,
        }
    }
}

impl Run<'_> {
    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Removes an environment variable.
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

    /// As outside of Actions, when no files for outputs and summary are named.
    pub(crate) fn without_files(mut self) -> Self {
        self.files = false;
        self
    }

    /// Runs it to its end: within this process, without sockets and in virtual time; or as a container, if an image is
    /// tested.
    pub(crate) fn run(self) -> RunResult {
        self.run_in(tempfile::tempdir().unwrap().path())
    }

    /// The same with the workspace in this folder.
    pub(crate) fn run_in(self, folder: &Path) -> RunResult {
        if in_a_container() {
            return self.run_executable_in(folder);
        }
        self.run_in_process(folder)
    }

    /// The same even if an image is tested: for runs that would wait too long in real time.
    pub(crate) fn run_in_virtual_time(self) -> RunResult {
        self.run_in_process(tempfile::tempdir().unwrap().path())
    }

    fn run_in_process(mut self, folder: &Path) -> RunResult {
        assert!(self.arguments.is_empty(), "only the executable takes them");
        self.prepare(folder);
        let (succeeded, log) = in_process::run(self.world, &self.variables);
        RunResult::new(self.world, Some(i32::from(!succeeded)), log, folder)
    }

    /// Runs the executable to its end, in an environment that holds nothing else.
    pub(crate) fn run_executable(self) -> RunResult {
        self.run_executable_in(tempfile::tempdir().unwrap().path())
    }

    /// The same with the workspace in this folder. A run that hangs is killed, and so fails its test.
    pub(crate) fn run_executable_in(mut self, folder: &Path) -> RunResult {
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
        RunResult::of_process(self.world, &output, folder)
    }

    /// The same, and sends it signals, 300 ms apart, as soon as `when` returns true. Returns the time it took to end.
    pub(crate) fn run_and_signal(
        mut self,
        folder: &Path,
        signals: &[&str],
        when: impl Fn() -> bool,
    ) -> (RunResult, Duration) {
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
        (RunResult::of_process(self.world, &output, folder), took)
    }

    /// Runs it and kills it as soon as `when` says so. Returns false if it ended by itself before.
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

    /// Starts it, and returns the name of its container if it is one.
    fn start(&mut self, folder: &Path) -> (Child, String) {
        let name = format!("redeliver-test-{}-{}", std::process::id(), self.world.hook);
        let name = format!("{name}-{}", self.world.simulator.address().port());
        let mut command = self.command(folder, &name);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        (command.spawn().unwrap(), name)
    }

    /// The command that runs it, a container by this name.
    fn command(&mut self, folder: &Path, name: &str) -> Command {
        if let Ok(image) = std::env::var("REDELIVER_IMAGE") {
            make_folders(folder);
            return self.in_container(folder, &image, name);
        }
        self.prepare(folder);
        let mut command = Command::new(env!("CARGO_BIN_EXE_redeliver-webhooks"));
        command
            .args(&self.arguments)
            .env_clear()
            .envs(&self.variables);
        command
    }

    /// Makes the files and folders that the runner makes, and names them.
    fn prepare(&mut self, folder: &Path) {
        let (commands, workspace) = make_folders(folder);
        self.command_files(&commands);
        let workspace = workspace.to_str().unwrap();
        self.variables
            .insert("GITHUB_WORKSPACE".into(), workspace.into());
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
        command.args(["run", "--rm", "--name", name]);
        command.args(variable("REDELIVER_RUN_FLAGS").split_whitespace());
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

/// Makes the folders of a run: that of the files for outputs and summary, which is empty, and the workspace.
fn make_folders(folder: &Path) -> (PathBuf, PathBuf) {
    let commands = folder.join("file_commands");
    let _ = std::fs::remove_dir_all(&commands);
    let workspace = folder.join("workspace");
    std::fs::create_dir_all(&commands).unwrap();
    std::fs::create_dir_all(&workspace).unwrap();
    (commands, workspace)
}

/// Sends a signal to the process or container that [`Run::start`] started.
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

/// True if the image is tested, which takes much longer to start.
pub(crate) fn in_a_container() -> bool {
    std::env::var_os("REDELIVER_IMAGE").is_some()
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn engine() -> Command {
    let engine = variable("REDELIVER_ENGINE");
    let mut engine = engine.split_whitespace();
    let mut command = Command::new(engine.next().expect("REDELIVER_ENGINE is not set"));
    command.args(engine);
    command
}
