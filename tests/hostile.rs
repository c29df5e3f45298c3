//! Hostile text, such as an attacker could use as the name of an event, a status or a repository.

use proptest::prelude::*;

/// Text that means something to a shell, a runner, a log, a browser or a Markdown renderer, and text that hides it.
const PIECES: &[&str] = &[
    "::error::",
    "::add-mask::a",
    "::set-output name=x::y",
    "::",
    "##[error]",
    "##[",
    "#",
    "[",
    "]",
    "%0A",
    "%25",
    "%",
    "<<",
    "=",
    "end",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\0",
    "\t",
    "\u{1b}[31m",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{2066}",
    "\u{2060}",
    "\u{2064}",
    "\u{180e}",
    "\u{ad}",
    "\u{feff}",
    "\u{fe0f}",
    "\u{e0041}",
    "\u{a0}",
    "\u{3000}",
    "`",
    "``",
    "```\n",
    "~~~\n",
    "|",
    "\\|",
    "\\",
    "\\`",
    "| --- |",
    "<img src=x onerror=alert(1)>",
    "<script>",
    "<!--",
    "-->",
    "</details>",
    "</sub>",
    "<a href=\"https://evil.example\">",
    "<",
    ">",
    "&lt;",
    "&#96;",
    "[x](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "](https://evil.example)",
    "[x]: https://evil.example",
    "<https://evil.example>",
    "https://evil.example",
    "www.evil.example",
    "who@evil.example",
    "@acme",
    "#1",
    "acme/ops#1",
    "**",
    "__",
    "*",
    "_",
    "~~",
    "$",
    "$$",
    ":tada:",
    "- [ ] ",
    "# ",
    "> ",
    "1. ",
    "---",
    "    ",
    " ",
    "'",
    "\"",
    "…",
    "a",
    "push",
    "Invalid HTTP Response: 503",
    "é",
    "👩‍💻",
    "e\u{301}",
];

/// Such text, mixed with any other.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[ -~]{1,40}",
        1 => (proptest::sample::select(PIECES), 2..60_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A text with a part of it left out, doubled, moved to another place, or replaced with something hostile.
pub(crate) fn mutated(original: String) -> impl Strategy<Value = String> {
    let place = || any::<proptest::sample::Index>();
    (place(), place(), place(), 0..5_u8, text()).prop_map(move |(from, to, at, how, other)| {
        let place = |index: proptest::sample::Index| {
            let mut place = index.index(original.len() + 1);
            while !original.is_char_boundary(place) {
                place -= 1;
            }
            place
        };
        let (from, to, at) = (place(from), place(to), place(at));
        let (from, to) = (from.min(to), from.max(to));
        let part = &original[from..to];
        match how {
            0 => original[..from].to_owned(),
            1 => [&original[..from], &original[to..]].concat(),
            2 => [&original[..at], part, &original[at..]].concat(),
            3 => [&original[..from], &other, &original[to..]].concat(),
            _ => [&original[..at], &other, &original[at..]].concat(),
        }
    })
}
