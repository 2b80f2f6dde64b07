//! Time, entropy and the environment come in through one file each, so that a test can stand in for them.
//!
//! `clippy.toml` forbids the same functions by their resolved paths. This reading of the text guards what clippy
//! cannot: that nobody lifts its ban in one more file.

use crate::tree::{Finding, Source};

struct Place {
    file: &'static str,
    functions: &'static [&'static str],
}

const PLACES: [Place; 3] = [
    Place {
        file: "crates/core/src/clock.rs",
        functions: &[
            "SystemTime::now",
            "Instant::now",
            "Timestamp::now",
            "Zoned::now",
            "Utc::now",
            "time::sleep",
            "time::sleep_until",
            "time::interval",
            "time::interval_at",
            "thread::sleep",
        ],
    },
    Place {
        file: "crates/core/src/entropy.rs",
        functions: &[
            "rand::rng",
            "rand::random",
            "rand::random_range",
            "rand::fill",
            "rngs::SysRng",
            "rngs::OsRng",
            "rngs::ThreadRng",
            "rngs::SmallRng",
            "getrandom::fill",
            "getrandom::u32",
            "getrandom::u64",
            "Uuid::now_v7",
            "Uuid::new_v4",
            "Timestamp::from_now",
        ],
    },
    Place {
        file: "crates/server-axum/src/bin/waypost/settings/env.rs",
        functions: &["env::var", "env::var_os", "env::vars", "env::vars_os"],
    },
];

/// Functions used outside their one file, and bans lifted outside these files.
pub(crate) fn used_out_of_place(source: &Source) -> Vec<Finding> {
    if !source.is_rust() || source.is_test() {
        return Vec::new();
    }
    let used = source.shipped_paths().into_iter().filter_map(|named| {
        let place = PLACES.iter().find(|place| place.functions.iter().any(|function| named.ends_in(function)))?;
        let what = format!("`{}` belongs in {} alone", named.path, place.file);
        (place.file != source.path).then(|| source.finding(named.line, what))
    });
    let is_place = PLACES.iter().any(|place| place.file == source.path);
    let code = source.shipped_code();
    let lifted = code
        .lines()
        .enumerate()
        .filter(|(_, line)| !is_place && line.contains("clippy::disallowed_methods"))
        .map(|(index, _)| source.finding(index + 1, "lifts clippy's ban on `disallowed_methods`"));
    used.chain(lifted).collect()
}

mod proofs {
    use super::*;

    fn lines(path: &str, code: &str) -> Vec<usize> {
        used_out_of_place(&Source::new(path, code)).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_function_out_of_its_place_is_found() {
        let code = "let a = std::time::SystemTime::now();\nuse tokio::time::sleep;\nstd::env::var(\"A\");\n\
                    rand::rng();\n// Instant::now()\nclock.sleep(b);\nself.clock.now();\nenv!(\"A\");\n\
                    #![allow(clippy::disallowed_methods)]\n#[cfg(test)] mod tests { fn a() { Instant::now(); } }";
        assert_eq!(lines("crates/core/src/links.rs", code), [1, 2, 3, 4, 9]);
        assert_eq!(lines("crates/core/src/clock.rs", code), [3, 4]);
        assert_eq!(lines("crates/core/src/entropy.rs", code), [1, 2, 3]);
        assert_eq!(lines("crates/server-axum/src/bin/waypost/settings/env.rs", code), [1, 2, 4]);
        assert!(lines("crates/core/tests/a.rs", code).is_empty());
    }
}
