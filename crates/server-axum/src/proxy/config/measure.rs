//! Lengths of time and sizes as they are written: `30s`, `1MiB`.

use std::time::Duration;

use serde::Deserialize;

/// A length of time: a whole number and `ms`, `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(Duration);

impl Span {
    /// So many milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// As a duration.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a length of time; write it as 500ms, 30s, 5m or 12h");
        let (number, unit) = parts(&text);
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(millis).map(Duration::from_millis).map(Self).ok_or_else(wrong)
    }
}

/// A number of bytes: a whole number, alone or with `B`, `KiB`, `MiB` or `GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Size(u64);

impl Size {
    /// So many bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// How many bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a size; write it as 64KiB or 16MiB");
        let (number, unit) = parts(&text);
        let shift = match unit {
            "" | "B" => 0,
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(1 << shift).map(Self).ok_or_else(wrong)
    }
}

fn parts(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_needs_a_unit_that_is_known_and_fits() {
        let span = |text: &str| Span::try_from(text.to_owned()).map(Span::get);
        assert_eq!(span("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(span("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "5", "s", "5 parsecs", "-1s", "1.5s", "18446744073709551615d"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
        let size = |text: &str| Size::try_from(text.to_owned()).map(Size::get);
        assert_eq!((size("64KiB"), size("10"), size("1MiB")), (Ok(65_536), Ok(10), Ok(1_048_576)));
        for wrong in ["", "KiB", "1MB", "18446744073709551615GiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
