//! The borders between the modules in `src`: allowed imports, paths that the pure modules may not use, and the longest
//! allowed file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules from the lowest to the highest. A module may import itself and modules in a lower layer.
const LAYERS: [&[&str]; 12] = [
    &["lock", "secrets", "stop", "text", "watched"],
    &["model"],
    &["file"],
    &["github"],
    &["discover", "inputs", "read"],
    &["decide", "remember"],
    &["redeliver"],
    &["report"],
    &["tell"],
    &["signals"],
    &["pass"],
    &["run"],
];

/// Modules without I/O, to which time is an argument.
const PURE: [&str; 5] = ["decide", "inputs", "model", "report", "text"];

/// Paths that they may not use.
const IMPURE: [&str; 8] = [
    "tokio",
    "std::env",
    "std::fs",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net",
    "std::process",
];

/// In lines, with the tests of the file.
const LONGEST_FILE: usize = 400;

/// One file of `src`, as code: without its comments and its tests.
struct Source {
    path: String,
    /// The module that the file holds.
    module: Vec<String>,
    code: String,
    lines: usize,
}

impl Source {
    fn read(path: String) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(root.join(&path)).unwrap();
        let name = path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<String> = name.split('/').map(str::to_owned).collect();
        if module
            .last()
            .is_some_and(|last| last == "mod" || last == "lib")
        {
            module.pop();
        }
        let production = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code = production
            .lines()
            .filter(is_code)
            .collect::<Vec<_>>()
            .join("\n");
        Self {
            module,
            code,
            lines: text.lines().count(),
            path,
        }
    }

    fn is_test(&self) -> bool {
        let last = self.module.last().map_or("", String::as_str);
        self.module.iter().any(|name| name == "tests") || last == "properties"
    }

    /// The module of `lib.rs` that this file is in.
    fn top(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }

    /// Modules that this file declares.
    fn children(&self) -> BTreeSet<&str> {
        let declared = |line| {
            let (_, name) = str::split_once(line, "mod ")?;
            name.strip_suffix(';')
        };
        self.code.lines().filter_map(declared).collect()
    }

    /// The paths in a part of this file's code, from the crate's root or from an outer crate.
    fn paths(&self, code: &str) -> Vec<Vec<String>> {
        let children = self.children();
        let mut all = Vec::new();
        for (at, _) in code.match_indices("::") {
            let before = &code[..at];
            let start = before.rfind(|c| !is_name(c)).map_or(0, |end| end + 1);
            if before[..start].ends_with("::") {
                continue;
            }
            let first = &before[start..];
            let mut prefix = match first {
                "crate" => Vec::new(),
                "self" => self.module.clone(),
                "super" => self.module[..self.module.len() - 1].to_vec(),
                "std" | "tokio" => vec![first.to_owned()],
                _ if children.contains(first) => [&*self.module, &[first.to_owned()]].concat(),
                _ => continue,
            };
            expand(&code[at + 2..], &mut prefix, &mut all);
        }
        all
    }

    /// The names that this module re-exports.
    fn exports(&self) -> BTreeMap<String, Vec<String>> {
        let statements = self.code.split_inclusive(';').map(str::trim_start);
        let exports = statements.filter(|statement| {
            ["pub use ", "pub(crate) use "]
                .iter()
                .any(|start| statement.starts_with(start))
        });
        exports
            .flat_map(|statement| self.paths(statement))
            .filter_map(|path| Some((path.last()?.clone(), path)))
            .collect()
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Adds each path with which `text` continues after `prefix`: one path, or several if it is a group. Returns the rest.
fn expand<'a>(text: &'a str, prefix: &mut Vec<String>, all: &mut Vec<Vec<String>>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        while !rest.trim_start().starts_with('}') {
            rest = expand(rest, &mut prefix.clone(), all).trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        return &rest.trim_start()[1..];
    }
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match name {
        "" => {
            all.push(prefix.clone());
            return rest.strip_prefix('*').unwrap_or(rest);
        }
        "self" => {}
        "super" => drop(prefix.pop()),
        name => prefix.push(name.to_owned()),
    }
    match rest.strip_prefix("::") {
        Some(rest) => expand(rest, prefix, all),
        None => {
            all.push(prefix.clone());
            rest
        }
    }
}

/// All of `src` but the executable, which only calls the library.
fn sources() -> Vec<Source> {
    let mut folders = vec!["src".to_owned()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.ends_with(".rs") && path != "src/main.rs" {
                sources.push(Source::read(path));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.len() > 50, "only {} files", sources.len());
    sources
}

fn production() -> Vec<Source> {
    let sources = sources().into_iter();
    sources
        .filter(|source| !source.is_test() && !source.module.is_empty())
        .collect()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn modules_import_lower_layers_alone() {
    let mut wrong = BTreeSet::new();
    for source in production() {
        let own = layer(source.top());
        let own = own.unwrap_or_else(|| panic!("`{}` is in no layer", source.top()));
        for path in source.paths(&source.code) {
            let Some(top) = path.first().map(String::as_str) else {
                continue;
            };
            let Some(other) = layer(top) else { continue };
            // The lowest modules may use each other.
            if top != source.top() && other >= own && own > 0 || other > own {
                wrong.insert(format!("{} imports {}", source.path, path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pure_modules_do_no_io() {
    let mut wrong = BTreeSet::new();
    for source in production() {
        if !PURE.contains(&source.top()) {
            continue;
        }
        for path in source.paths(&source.code) {
            let path = path.join("::");
            if IMPURE.iter().any(|impure| path.starts_with(impure)) {
                wrong.insert(format!("{} uses {path}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| source.lines > LONGEST_FILE)
        .map(|source| format!("{}: {}", source.path, source.lines))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// The files that each file imports from. Imports from the file's own folder do not count: the file is a part of that
/// module.
fn imports(sources: &[Source]) -> BTreeMap<&str, BTreeSet<&str>> {
    let by_module: BTreeMap<&[String], &Source> = sources
        .iter()
        .map(|source| (&*source.module, source))
        .collect();
    let exports: BTreeMap<&[String], BTreeMap<String, Vec<String>>> = sources
        .iter()
        .map(|source| (&*source.module, source.exports()))
        .collect();
    // The file that defines the item of a path, through all re-exports.
    let defined_in = |mut path: Vec<String>| loop {
        let lengths = (1..=path.len()).rev();
        let module = lengths
            .map(|length| &path[..length])
            .find(|module| by_module.contains_key(module))?;
        let name = path.get(module.len());
        match name.and_then(|name| exports[module].get(name)) {
            Some(export) if *export != path => path = export.clone(),
            _ => return Some(by_module[module]),
        }
    };
    let of = |source: &Source| {
        let paths = source.paths(&source.code).into_iter();
        paths
            .filter_map(&defined_in)
            .filter(|other| !source.module.starts_with(&other.module))
            .map(|other| other.path.as_str())
            .collect()
    };
    sources
        .iter()
        .map(|source| (source.path.as_str(), of(source)))
        .collect()
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = production();
    let imports = imports(&sources);
    let reached = |from: &str| {
        let mut open: Vec<&str> = imports[from].iter().copied().collect();
        let mut reached = BTreeSet::new();
        while let Some(file) = open.pop() {
            if reached.insert(file) {
                open.extend(&imports[file]);
            }
        }
        reached
    };
    let files = imports.keys().copied();
    let circular: Vec<&str> = files.filter(|file| reached(file).contains(file)).collect();
    assert!(circular.is_empty(), "{circular:#?}");
}
