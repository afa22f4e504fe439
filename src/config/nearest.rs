//! The word that was probably meant.

/// Longer words than this are not compared: nobody means them, and the comparison is quadratic.
const LENGTH_MAX: usize = 64;

/// The known word nearest to a written one, if it is near enough to be worth a suggestion.
pub(super) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let normal = |word: &str| word.to_lowercase().replace('-', "_");
    let written = normal(written);
    if written.len() > LENGTH_MAX {
        return None;
    }
    let of = |word: &'a str| (distance(&written, &normal(word)), word);
    let (distance, word) = known.into_iter().map(of).min()?;
    (distance <= 1 + written.chars().count().min(word.chars().count()) / 3).then_some(word)
}

/// Levenshtein's, with neighbours exchanged as one step.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        (before, last) = (last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_word() {
        let known = ["agents", "per_stream", "checks"];
        for (written, meant) in [
            ("agnets", Some("agents")),
            ("agent", Some("agents")),
            ("Agents", Some("agents")),
            ("per-stream", Some("per_stream")),
            ("perstream", Some("per_stream")),
            ("check", Some("checks")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), meant, "{written}");
        }
        assert_eq!(nearest(&"a".repeat(1_000_000), known), None);
        assert_eq!(nearest("a", []), None);
    }
}
