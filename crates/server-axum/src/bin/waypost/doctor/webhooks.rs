//! Where webhooks may lead, and how their secrets are kept.

use super::Finding;
use crate::settings::{Place, Settings};

/// Looks at what is said of webhooks.
pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    let allow = &settings.sending.allow;
    let mut findings = Vec::new();
    if let Some(rule) = allow.iter().find(|rule| rule.is_everything()) {
        let text = format!(
            "{rule} lets anybody who may register an endpoint call this machine and its neighbours; name the networks that are meant"
        );
        findings.push(Finding::warn("webhook_allow", text));
    } else if !allow.is_empty() {
        let rules: Vec<_> = allow.iter().map(ToString::to_string).collect();
        findings.push(Finding::ok("webhook_allow", format!("public addresses, and {}", rules.join(", "))));
    }
    if matches!(settings.place(), Place::Postgres(_)) && settings.sending.seal_key.is_none() {
        let text = "none is given, so whoever reads the database can read the secrets of webhooks; give every node the same key of 32 bytes by seal_key_file";
        findings.push(Finding::warn("seal_key", text));
    }
    findings
}

#[cfg(test)]
mod tests {
    use waypost_adapters::egress::AllowRule;

    use super::super::Grade;
    use super::*;
    use crate::settings::Database;

    fn grades(settings: &Settings) -> Vec<(&'static str, Grade)> {
        look(settings).into_iter().map(|finding| (finding.name, finding.grade)).collect()
    }

    #[test]
    fn a_guard_without_meaning_is_a_warning_and_one_network_is_not() {
        let mut settings = Settings { database: Database::Memory, ..Settings::default() };
        assert_eq!(grades(&settings), []);
        settings.sending.allow = vec![AllowRule::parse("10.0.0.0/8").unwrap()];
        assert_eq!(grades(&settings), [("webhook_allow", Grade::Ok)]);
        settings.sending.allow.push(AllowRule::parse("::/0").unwrap());
        assert_eq!(grades(&settings), [("webhook_allow", Grade::Warn)]);
    }
}
