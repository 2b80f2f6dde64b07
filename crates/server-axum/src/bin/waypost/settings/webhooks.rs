//! How webhooks are sent.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use waypost_adapters::egress::{AllowRule, Proxy};

use super::{SettingFault, Settings, values};

/// What is said of the sending of webhooks.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    pub(crate) allow: Vec<AllowRule>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) most_calls: usize,
    pub(crate) retries: Vec<Duration>,
    pub(crate) keep: Duration,
    /// The key that seals, if the operator gave one.
    pub(crate) seal_key: Option<SealKey>,
    /// Those that open beside it.
    pub(crate) seal_key_before: Vec<SealKey>,
}

/// A key that secrets are sealed with. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealKey([u8; 32]);

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(..)")
    }
}

impl SealKey {
    /// Reads 32 bytes in hexadecimal or base64, which differ in length. The text never stands in a message.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            "is not a key of 32 bytes in base64 or hexadecimal; make one with `head -c 32 /dev/urandom | base64`"
                .to_owned()
        };
        let text = text.trim();
        let bytes = match text.len() {
            64 => from_hex(text),
            _ => {
                let bare = text.trim_end_matches('=');
                STANDARD_NO_PAD.decode(bare).or_else(|_| URL_SAFE_NO_PAD.decode(bare)).ok()
            }
        };
        let bytes: [u8; 32] = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)?;
        // A placeholder that somebody forgot to replace.
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err("is one byte again and again, so anybody could guess it; make one with `head -c 32 /dev/urandom | base64`".to_owned());
        }
        Ok(Self(bytes))
    }

    /// Reads several, parted by commas or line ends.
    pub(super) fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        text.split([',', '\n', '\r']).map(str::trim).filter(|part| !part.is_empty()).map(Self::parse).collect()
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    text.as_bytes().chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// What the egress guard lets through.
pub(super) fn allow(text: &str) -> Result<Vec<AllowRule>, String> {
    values::list(text).map(|part| AllowRule::parse(part).map_err(|fault| fault.to_string())).collect()
}

/// How many calls may be under way.
pub(super) fn most_calls(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is not a number of calls; write one from 1 to 65536");
    text.parse().ok().filter(|number| (1..=65_536).contains(number)).ok_or_else(wrong)
}

/// The waits before a delivery is tried again. At most twenty: with more, what is owed would outlive what it tells of.
pub(super) fn retries(text: &str) -> Result<Vec<Duration>, String> {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let waits = values::list(text).map(values::duration).collect::<Result<Vec<_>, _>>()?;
    let fits = |wait: &Duration| (Duration::from_millis(100)..=LONGEST).contains(wait);
    match (1..=20).contains(&waits.len()) && waits.iter().all(fits) {
        true => Ok(waits),
        false => Err(format!("`{text}` is out of bounds; write one to twenty times from 100ms to 24h")),
    }
}

/// How long deliveries are kept: longer than events, which are asked for by them, and than the last retry comes.
pub(super) fn keep(text: &str) -> Result<Duration, String> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let kept = values::duration(text)?;
    if (8 * DAY..=3_650 * DAY).contains(&kept) && kept.as_secs().is_multiple_of(DAY.as_secs()) {
        return Ok(kept);
    }
    Err(format!("`{text}` is out of bounds; write whole days from 8d to 3650d, since retries go on for most of a week"))
}

impl Settings {
    /// The key that seals, if one was given.
    pub(crate) fn seal_key(&self) -> Option<[u8; 32]> {
        self.sending.seal_key.as_ref().map(|key| key.0)
    }

    /// The keys that only open. They may stand alone: so every node can open what the first one with a `seal_key` seals.
    pub(crate) fn seal_keys_before(&self) -> Vec<[u8; 32]> {
        self.sending.seal_key_before.iter().map(|key| key.0).collect()
    }

    /// Refuses keys that nothing would heed.
    pub(super) fn check_seal_keys(&self) -> Result<(), SettingFault> {
        match &self.sending.seal_key {
            Some(key) if self.sending.seal_key_before.contains(key) => {
                Err(self.fault("seal_key_before", "holds seal_key itself; give the other keys that are to open"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses deliveries that are forgotten before their events: a replay would send again what was delivered. A day
    /// between them, since both go by parts of a day.
    pub(super) fn check_keep_deliveries(&self) -> Result<(), SettingFault> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let least = self.keep_events + DAY;
        if self.sending.keep >= least {
            return Ok(());
        }
        let days = least.as_secs().div_ceil(DAY.as_secs());
        let fault = format!(
            "is less than a day above keep_events, so a replay would send again what was delivered; write at least {days}d, or lower keep_events"
        );
        Err(self.fault("keep_deliveries", fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_bytes_in_either_notation_and_never_shown() {
        let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
        let key = SealKey::parse(hex).unwrap();
        for text in [
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        ] {
            assert!(SealKey::parse(text).unwrap() == key, "{text}");
        }
        assert_eq!(format!("{key:?}"), "SealKey(..)");
        for text in ["", "hunter2", &hex[1..], &format!("g{}", &hex[1..]), "\u{e4}".repeat(32).as_str()] {
            let fault = SealKey::parse(text).unwrap_err();
            assert!(fault.contains("head -c 32") && !fault.contains("hunter2"), "{fault}");
        }
        assert!(SealKey::parse(&"0".repeat(64)).unwrap_err().contains("guess"));
        assert_eq!(SealKey::parse_list(&format!("{hex},\n{hex}\n")).unwrap().len(), 2);
    }
}
