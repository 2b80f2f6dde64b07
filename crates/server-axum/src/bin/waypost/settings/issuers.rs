//! The section `[[issuers]]` of the file: whose tokens are taken.

use serde::Deserialize;
use waypost_core::credentials::{PlanName, Scopes};
use waypost_core::issuers::{Algorithm, IssuerOptions, TokenType, WorkspaceRule};

use super::SettingFault;
use super::values;

/// One issuer, as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    issuer: String,
    audiences: Vec<String>,
    scopes: String,
    workspace: Option<String>,
    workspace_claim: Option<String>,
    workspaces: Option<Vec<String>>,
    algorithms: Option<Vec<String>>,
    scope_claim: Option<String>,
    plan: Option<String>,
    jwks_uri: Option<String>,
    token_type: Option<String>,
    keep_stale: Option<String>,
}

/// Reads the section. `name` is what it is called in messages.
///
/// # Errors
/// The first fault, under the number of its issuer.
pub(super) fn read(name: &str, value: &toml::Value) -> Result<Vec<IssuerOptions>, SettingFault> {
    let toml::Value::Array(items) = value else {
        return Err(SettingFault::new(name, "is no list of tables; write [[issuers]] above each"));
    };
    let options = items.iter().enumerate().map(|(at, item)| {
        let fault = |fault: String| SettingFault::new(format!("{name}[{at}]"), fault);
        let section: Section = item.clone().try_into().map_err(|error: toml::de::Error| {
            fault(format!("{}; see docs/identity.md for what stands in it", error.message().replace('\n', " ")))
        })?;
        section.options().map_err(fault)
    });
    let options: Vec<_> = options.collect::<Result<_, _>>()?;
    for (at, one) in options.iter().enumerate() {
        if options[..at].iter().any(|other| other.issuer == one.issuer) {
            let fault = format!("the issuer {} stands twice; keep one of the two", one.issuer);
            return Err(SettingFault::new(format!("{name}[{at}]"), fault));
        }
    }
    Ok(options)
}

impl Section {
    fn options(self) -> Result<IssuerOptions, String> {
        let workspace = match (self.workspace, self.workspace_claim, self.workspaces) {
            (Some(name), None, None) => WorkspaceRule::Named(name),
            (None, Some(claim), Some(allowed)) => WorkspaceRule::Claim { claim, allowed },
            _ => return Err("needs workspace, or else workspace_claim and workspaces".to_owned()),
        };
        let mut options = IssuerOptions::new(self.issuer, "", workspace);
        options.audiences = self.audiences;
        options.most_scopes = Scopes::parse(&self.scopes).map_err(|fault| format!("scopes: {fault}"))?;
        options.jwks_uri = self.jwks_uri;
        if let Some(names) = self.algorithms {
            let read = names.iter().map(|name| Algorithm::parse(name).map_err(|fault| format!("algorithms: {fault}")));
            options.algorithms = read.collect::<Result<_, _>>()?;
        }
        if let Some(claim) = self.scope_claim {
            options.scope_claim = claim;
        }
        if let Some(plan) = self.plan {
            options.plan = Some(PlanName::parse(&plan).map_err(|fault| format!("plan: {fault}"))?);
        }
        options.token_type = match self.token_type.as_deref() {
            None | Some("at+jwt") => TokenType::AccessToken,
            Some("any") => TokenType::Any,
            Some(_) => return Err("token_type: must be at+jwt or any".to_owned()),
        };
        if let Some(time) = self.keep_stale {
            options.keep_stale = values::duration(&time).map_err(|fault| format!("keep_stale: {fault}"))?;
        }
        options.check().map_err(|error| match error.issues() {
            [issue, ..] => format!("{}: {}", issue.field, issue.issue),
            [] => error.message().to_owned(),
        })?;
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<IssuerOptions>, String> {
        let table: toml::Table = toml::from_str(text).unwrap();
        read("waypost.toml: issuers", &table["issuers"]).map_err(|fault| fault.to_string())
    }

    const GOOD: &str = r#"
        [[issuers]]
        issuer = "https://id.example"
        audiences = ["https://go.example"]
        scopes = "links:read links:write"
        workspace = "default"
    "#;

    #[test]
    fn an_issuer_needs_little_and_can_say_all() {
        let [one] = &parse(GOOD).unwrap()[..] else { panic!("one issuer") };
        assert_eq!(one.token_type, TokenType::AccessToken);
        assert_eq!(one.algorithms, [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa]);
        assert_eq!(one.most_scopes.to_string(), "links:read links:write");
        let all = r#"
            [[issuers]]
            issuer = "https://id.example/realm"
            audiences = ["a", "b"]
            scopes = "*"
            workspace_claim = "org"
            workspaces = ["one", "two"]
            algorithms = ["PS256"]
            scope_claim = "scp"
            plan = "partner"
            jwks_uri = "https://id.example/keys"
            token_type = "any"
            keep_stale = "2d"
        "#;
        let [one] = &parse(all).unwrap()[..] else { panic!("one issuer") };
        assert_eq!((one.workspaces().len(), one.keep_stale.as_secs()), (2, 172_800));
    }

    #[test]
    fn a_fault_is_told_under_the_number_of_its_issuer() {
        let second = |from: &str, to: &str| parse(&format!("{GOOD}{}", GOOD.replace(from, to))).unwrap_err();
        for (from, to, says) in [
            ("https://id.example", "http://id.example", "issuer: must be an https address"),
            ("https://id.example", "https://id.example", "stands twice"),
            ("links:read links:write", "links:admin", "is not a scope"),
            ("workspace = \"default\"", "", "needs workspace"),
            ("workspace = \"default\"", "workspace = \"default\"\ncolour = \"red\"", "unknown field `colour`"),
            ("workspace = \"default\"", "workspace = \"default\"\nalgorithms = [\"none\"]", "must be one of RS256"),
            ("workspace = \"default\"", "workspace = \"default\"\nalgorithms = [\"HS256\"]", "must be one of RS256"),
            ("[\"https://go.example\"]", "[]", "audiences: must name"),
            (
                "workspace = \"default\"",
                "workspace = \"default\"\nkeep_stale = \"2h\"",
                "keep_stale: must be between 1 day",
            ),
            ("workspace = \"default\"", "workspace = \"default\"\ntoken_type = \"jwt\"", "at+jwt or any"),
        ] {
            let fault = second(from, to);
            assert!(fault.contains("issuers[1]") && fault.contains(says), "{to}: {fault}");
        }
    }
}
