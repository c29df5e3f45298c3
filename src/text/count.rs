//! Numbers and counts of things, as people read them.

/// `2 pages`, or `1 page`.
pub fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    let stem = noun.strip_suffix('y').filter(|stem| !stem.ends_with('a'));
    match (count, stem) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{} {stem}ies", number(count)),
        (_, None) => format!("{} {noun}s", number(count)),
    }
}

/// The first few names, and the number of the others.
pub fn a_few(names: &[String]) -> String {
    /// Most names that are listed.
    const NAMED: usize = 3;
    let named = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {} more", number(more as u64)),
    }
}

/// A number with commas, if it is 10,000 or more.
pub fn number(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
