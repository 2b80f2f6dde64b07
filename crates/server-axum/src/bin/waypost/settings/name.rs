//! Names that nobody knows, and the one that was meant.

/// Says that `given` is not known, and which of `known` comes nearest to it.
pub(super) fn unknown<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known.map(|name| (distance(given, name), name)).min();
    match nearest {
        // Further off it is a guess that would lead astray.
        Some((edits, name)) if edits <= given.chars().count() / 2 => {
            format!("is not a setting; did you mean {name}? Correct or remove it")
        }
        _ => "is not a setting; remove it (`waypost serve --help` lists the settings)".to_owned(),
    }
}

/// How many characters must be put in, taken out or replaced to make one text the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.chars().enumerate() {
        let mut corner = row[0];
        row[0] = above + 1;
        for (at, other) in right.iter().enumerate() {
            let replaced = corner + usize::from(letter != *other);
            corner = row[at + 1];
            row[at + 1] = replaced.min(corner + 1).min(row[at] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        assert_eq!(distance("listen", "listen"), 0);
        assert_eq!(distance("lisen", "listen"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn the_nearest_name_is_told_and_a_far_one_is_not() {
        let known = ["WAYPOST_LISTEN", "WAYPOST_LOG"];
        assert!(unknown("WAYPOST_LISEN", known.into_iter()).contains("did you mean WAYPOST_LISTEN?"));
        assert!(!unknown("colour", known.into_iter()).contains("did you mean"));
    }
}
