//! How live sessions are kept.

/// How many live sessions there may be: at least one, and no more than a machine has ports for.
pub(super) fn sessions(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is not a number of sessions; write one from 1 to 1000000");
    text.parse().ok().filter(|number| (1..=1_000_000).contains(number)).ok_or_else(wrong)
}

/// How many sessions a second are sent away.
pub(super) fn rate(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is not a number of sessions a second; write one from 1 to 100000");
    text.parse().ok().filter(|number| (1..=100_000).contains(number)).ok_or_else(wrong)
}
