//! Numbers that differ from run to run, so that every run kills at other instants.

use std::time::SystemTime;

/// A generator of such numbers (xorshift64*, Vigna 2016): good enough to choose instants by, and for nothing else.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// One that nobody has thrown before. Its seed is printed, and shown by the test runner if the test fails.
    pub fn new() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seed = since.map_or(1, |since| since.as_nanos() as u64) | 1;
        println!("seed of the dice: {seed}");
        Self(seed)
    }

    /// One whose throws are known by its seed; seeds that are neighbours throw alike in nothing.
    pub fn seeded(seed: u64) -> Self {
        // SplitMix64 (Steele, Lea, Flood 2014) spreads them; nought alone would throw noughts for ever.
        let mut mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        Self((mixed ^ mixed >> 31) | 1)
    }

    /// A number of a range.
    pub fn throw(&mut self, range: std::ops::Range<u64>) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        range.start + drawn % (range.end - range.start)
    }
}
