//! When a delivery that failed is tried again.

use std::time::Duration;

use crate::entropy::Entropy;

/// The waits after each failure (contract §11): 5 s for a receiver that was restarting, up to a day for one whose people
/// sleep; three days and three hours in all.
pub const RETRIES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(5 * 3_600),
    Duration::from_secs(10 * 3_600),
    Duration::from_secs(14 * 3_600),
    Duration::from_secs(20 * 3_600),
    Duration::from_secs(24 * 3_600),
];

/// How far a wait is moved at random, either way: those that failed together must not come back together.
const JITTER: f64 = 0.2;

/// The wait before the next try after `failures` tries that failed; `None` when it was the last.
pub(super) fn retry_after(failures: u32, entropy: &dyn Entropy) -> Option<Duration> {
    let wait = RETRIES.get(usize::try_from(failures).ok()?.checked_sub(1)?)?;
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    let share = f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX);
    Some(wait.mul_f64(1.0 - JITTER + 2.0 * JITTER * share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn each_wait_is_within_a_fifth_of_the_schedule_and_uses_all_of_it() {
        let entropy = SeededEntropy::new(3);
        for (failures, wait) in (1..).zip(RETRIES) {
            let drawn: Vec<_> = (0..400).map(|_| retry_after(failures, &entropy).unwrap()).collect();
            assert!(drawn.iter().all(|drawn| *drawn >= wait.mul_f64(0.8) && *drawn <= wait.mul_f64(1.2)));
            assert!(drawn.iter().any(|drawn| *drawn < wait.mul_f64(0.85)));
            assert!(drawn.iter().any(|drawn| *drawn > wait.mul_f64(1.15)));
        }
        assert_eq!(retry_after(10, &entropy), None, "ten tries in all");
        assert_eq!(retry_after(0, &entropy), None);
    }
}
