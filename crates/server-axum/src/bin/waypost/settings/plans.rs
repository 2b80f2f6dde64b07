//! The section `[plans]` of the file: what each plan allows.
//!
//! ```toml
//! [plans.common]
//! api = "120000/1m"
//!
//! [plans.partner]
//! webhook-registrations = { quota = 10, window = "1m", algorithm = "sliding-window", when_away = "deny" }
//! ```

use std::time::Duration;

use toml::Value;
use waypost_core::credentials::PlanName;
use waypost_core::limits::{API, Algorithm, Plans, Policy, WORKSPACE, WhenAway};

use super::{Rate, SettingFault, duration};

/// The plan of those who are on none by name.
const COMMON: &str = "common";

/// Changes `plans` by what the section says. `place` names the section in messages.
///
/// # Errors
/// The first value that cannot be used, by its place.
pub(crate) fn read(mut plans: Plans, section: &Value, place: &str) -> Result<Plans, SettingFault> {
    let fault = |at: &str, fault: String| SettingFault::new(format!("{place}{at}"), fault);
    let named = section.as_table().ok_or_else(|| fault("", "is no table; write [plans.NAME]".to_owned()))?;
    for (name, policies) in named {
        let at = format!(".{name}");
        let policies = policies.as_table().ok_or_else(|| {
            fault(&at, "is no table; write [plans.NAME], and under it POLICY = \"COUNT/TIME\"".to_owned())
        })?;
        let read = |(policy, value): (&String, &Value)| {
            self::policy(policy, value).map_err(|problem| fault(&format!("{at}.{policy}"), problem))
        };
        let policies = policies.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        plans = match name.as_str() {
            COMMON => plans.with_common(policies),
            _ => {
                let name =
                    PlanName::parse(name).map_err(|problem| fault(&at, format!("{problem}; rename the plan")))?;
                plans.with(name, policies)
            }
        };
    }
    Ok(plans)
}

fn policy(name: &str, value: &Value) -> Result<Policy, String> {
    // What every request is counted by lets bursts through; what a route counts never goes above its quota.
    let usual = if matches!(name, API | WORKSPACE) { Algorithm::TokenBucket } else { Algorithm::SlidingWindow };
    let made =
        |algorithm, quota, window| Policy::new(name, algorithm, quota, window).map_err(|fault| fault.to_string());
    let table = match value {
        Value::String(rate) => {
            let rate = Rate::parse(rate)?;
            return made(usual, rate.quota, rate.window);
        }
        Value::Table(table) => table,
        _ => return Err("is neither \"COUNT/TIME\" nor { quota = …, window = \"…\" }".to_owned()),
    };
    if let Some(unknown) = table.keys().find(|key| !["quota", "window", "algorithm", "when_away"].contains(&&***key)) {
        return Err(format!("has the key `{unknown}`; there are quota, window, algorithm and when_away"));
    }
    let quota = table.get("quota").and_then(Value::as_integer).and_then(|quota| u32::try_from(quota).ok());
    let quota = quota.ok_or("needs `quota`, a whole number from 1 to 1000000000")?;
    let window = table.get("window").and_then(Value::as_str).ok_or("needs `window`, a time as \"1m\"")?;
    let window: Duration = duration(window)?;
    let algorithm = match word(table.get("algorithm"))? {
        None => usual,
        Some("token-bucket") => Algorithm::TokenBucket,
        Some("sliding-window") => Algorithm::SlidingWindow,
        Some("fixed-window") => Algorithm::FixedWindow,
        Some(_) => return Err("has another `algorithm` than token-bucket, sliding-window or fixed-window".to_owned()),
    };
    let when_away = match word(table.get("when_away"))? {
        None | Some("count-locally") => WhenAway::CountLocally,
        Some("admit") => WhenAway::Admit,
        Some("deny") => WhenAway::Deny,
        Some(_) => return Err("has another `when_away` than count-locally, admit or deny".to_owned()),
    };
    made(algorithm, quota, window).map(|policy| policy.when_away(when_away))
}

fn word(value: Option<&Value>) -> Result<Option<&str>, String> {
    match value {
        None => Ok(None),
        Some(Value::String(word)) => Ok(Some(word)),
        Some(_) => Err("has an `algorithm` or `when_away` that is no text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Plans, String> {
        let file: toml::Table = toml::from_str(text).expect("TOML");
        read(Plans::default(), &file["plans"], "plans").map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_plan_is_read_and_changes_those_that_come_along() {
        let plans = parsed(
            "[plans.common]\napi = \"7/1s\"\n[plans.partner]\n\
             webhook-registrations = { quota = 3, window = \"1m\", algorithm = \"fixed-window\", when_away = \"deny\" }\n\
             [plans.gold]\napi = \"9/1m\"",
        )
        .expect("plans");
        let policy = |plan: Option<&str>, name| {
            let plan = plan.map(|plan| PlanName::parse(plan).expect("a name"));
            plans.policy(plan.as_ref(), name).cloned().expect("a policy")
        };
        assert_eq!(policy(None, API).quota(), 7);
        let partner = policy(Some("partner"), "webhook-registrations");
        assert_eq!((partner.algorithm(), partner.choice_when_away()), (Algorithm::FixedWindow, WhenAway::Deny));
        assert_eq!(policy(Some("partner"), API).quota(), 6_000, "the rest stays");
        assert_eq!(policy(Some("gold"), API).algorithm(), Algorithm::TokenBucket);
    }

    #[test]
    fn a_fault_is_told_by_its_place_and_with_its_cure() {
        for (text, says) in [
            ("plans = 3", "plans"),
            ("[plans]\ngold = 3", "plans.gold"),
            ("[plans.\"Gold plan\"]", "plans.Gold plan"),
            ("[plans.gold]\napi = 3", "plans.gold.api"),
            ("[plans.gold]\napi = \"0/1m\"", "plans.gold.api"),
            ("[plans.gold]\napi = { quota = 1 }", "`window`"),
            ("[plans.gold]\napi = { quota = 1, window = \"1m\", burst = 2 }", "`burst`"),
            ("[plans.gold]\napi = { quota = 1, window = \"1m\", algorithm = \"leaky\" }", "token-bucket"),
            ("[plans.gold]\nAPI = \"1/1m\"", "plans.gold.API"),
        ] {
            let fault = parsed(text).expect_err(text);
            assert!(fault.contains(says), "{text}: {fault}");
        }
    }
}
