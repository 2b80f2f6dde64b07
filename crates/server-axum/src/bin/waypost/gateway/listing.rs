//! Routes, as people read them.

use std::fmt::Write as _;

use waypost_server_axum::Own;
use waypost_server_axum::proxy::config::{Access, Plan};

use super::configured::FOLLOW;

/// A table of configured routes.
pub(super) fn table(plan: &Plan) -> String {
    let mut rows = vec![["METHODS", "PATH", "ACCESS", "POLICY", "KIND", "TIMEOUT", "UPSTREAM"].map(str::to_owned)];
    rows.extend(plan.routes.iter().map(|planned| {
        let methods: Vec<_> = planned.methods.iter().map(http::Method::as_str).collect();
        let access = match planned.access {
            Access::Public => "public".to_owned(),
            Access::Scope(scope) => scope.to_string(),
        };
        [
            methods.join(","),
            planned.route.path.clone(),
            access,
            planned.policy.clone().unwrap_or_else(|| "-".to_owned()),
            planned.route.kind.as_str().to_owned(),
            format!("{:?}", planned.route.timeout.get()),
            planned.route.upstream.clone(),
        ]
    }));
    let mut text = aligned(&rows);
    let targets: usize = plan.upstreams.iter().map(|upstream| upstream.targets.len()).sum();
    let (routes, upstreams) = (plan.routes.len(), plan.upstreams.len());
    let _ = writeln!(text, "{routes} routes, {upstreams} upstreams, {targets} targets: no fault");
    text
}

fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = width(column))).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}

/// The program's own routes, in the form of the file. They stand in the program: what is printed is to be read, or taken
/// as a pattern for a gateway in front.
pub(super) fn own() -> String {
    let mut text = "# The program's own routes. They need no entry in waypost.toml.\n".to_owned();
    let follow = (FOLLOW.0.to_owned(), FOLLOW.1, None);
    let routes = Own::All.routes().into_iter().map(|route| (route.path, route.method, route.scope));
    for (path, method, scope) in routes.chain([follow]) {
        let access = match scope {
            Some(scope) => format!("scope = \"{scope}\"\npolicy = \"api\""),
            None => "public = true".to_owned(),
        };
        let _ = write!(
            text,
            "\n[[gateway.routes]]\npath = \"{path}\"\nmethods = [\"{method}\"]\n{access}\nkind = \"unary\"\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_routes_are_toml_with_scope_kind_and_policy() {
        let text = own();
        let table: toml::Table = toml::from_str(&text).expect("TOML");
        let routes = table["gateway"]["routes"].as_array().expect("routes");
        assert!(routes.len() > 15);
        let links = routes.iter().find(|route| route["path"].as_str() == Some("/v1/links")).expect("links");
        assert_eq!((links["scope"].as_str(), links["kind"].as_str()), (Some("links:write"), Some("unary")));
        assert!(routes.iter().all(|route| route.get("scope").is_some() != route.get("public").is_some()));
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [["A", "LONGER"].map(str::to_owned), ["LONG", "B"].map(str::to_owned)];
        assert_eq!(aligned(&rows), "A     LONGER\nLONG  B\n");
    }
}
