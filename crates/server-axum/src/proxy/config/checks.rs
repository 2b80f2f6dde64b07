//! Holds a section against what there is.

use std::collections::HashSet;
use std::time::Duration;

use http::{Method, Uri};
use waypost_core::credentials::Scope;

use super::paths::{Taken, fault_of, methods};
use super::plan::{Access, Plan, PlannedRoute};
use super::section::{Health, Route, RouteKind, Section, Upstream};
use super::{Fault, Span};

const HOUR: Duration = Duration::from_secs(3_600);

/// The words that a section may use, and the places that are taken.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// The policies that routes may name.
    pub policies: Vec<String>,
    /// The routes that the program serves itself: path and method.
    pub own: Vec<(String, Method)>,
    /// Whether the program follows links under `/{slug}` as well, so that no first segment may be a parameter.
    pub follows: bool,
}

/// Checks a section, and makes a plan of it.
///
/// # Errors
/// Every fault, in the order of the file.
pub fn check(section: &Section, words: &Vocabulary) -> Result<Plan, Vec<Fault>> {
    let mut faults = Vec::new();
    if section.version != 1 {
        let text = format!("{} is not a version of this form; write version = 1", section.version);
        faults.push(Fault::new("gateway.version", text));
    }
    let mut taken = Taken::default();
    for (path, method) in &words.own {
        // They are one table already.
        let _ = taken.take(path, std::slice::from_ref(method));
    }
    let mut routes = Vec::new();
    for (index, route) in section.routes.iter().enumerate() {
        let place = format!("gateway.routes[{index}]");
        routes.extend(check_route(route, &place, section, words, &mut taken, &mut faults));
    }
    let mut names = HashSet::new();
    for (index, upstream) in section.upstreams.iter().enumerate() {
        let place = format!("gateway.upstreams[{index}]");
        if !names.insert(upstream.name.as_str()) {
            let text = format!("`{}` is the name of another one too; choose one of its own", upstream.name);
            faults.push(Fault::new(format!("{place}.name"), text));
        }
        check_upstream(upstream, &place, &mut faults);
    }
    if faults.is_empty() { Ok(Plan { routes, upstreams: section.upstreams.clone() }) } else { Err(faults) }
}

/// The route if nothing is wrong with it; its faults are noted otherwise.
fn check_route(
    route: &Route,
    place: &str,
    section: &Section,
    words: &Vocabulary,
    taken: &mut Taken,
    faults: &mut Vec<Fault>,
) -> Option<PlannedRoute> {
    let before = faults.len();
    let mut note = |field: &str, text: String| faults.push(Fault::new(format!("{place}.{field}"), text));
    let path_fault = fault_of(&route.path);
    let is_open = route.path.split('/').nth(1).is_some_and(|first| first.starts_with('{'));
    if let Some(text) = &path_fault {
        note("path", text.clone());
    } else if words.follows && is_open {
        let text = "takes the paths of short links, which this node follows itself; begin it with a fixed segment, or \
                    leave `links` out of the node's roles";
        note("path", text.to_owned());
    }
    let access = match (&route.scope, route.public) {
        (Some(name), false) => match Scope::ALL.iter().find(|scope| scope.as_str() == name) {
            Some(scope) => Some(Access::Scope(*scope)),
            None => {
                let known: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
                note("scope", format!("`{name}` is not a scope; write one of {}", known.join(", ")));
                None
            }
        },
        (None, true) => Some(Access::Public),
        (Some(_), true) => {
            note("scope", "stands beside public = true; keep one of the two".to_owned());
            None
        }
        (None, false) => {
            note("scope", "is missing; write scope = \"…\", or public = true for everyone".to_owned());
            None
        }
    };
    let policy = route.policy.as_ref().and_then(|name| {
        let found = words.policies.iter().find(|policy| *policy == name);
        if found.is_none() {
            let cure = match words.policies.is_empty() {
                true => "leave it out".to_owned(),
                false => format!("write one of {}, or define it in [plans]", words.policies.join(", ")),
            };
            note("policy", format!("`{name}` is not a policy; {cure}"));
        }
        found.cloned()
    });
    let upstream = section.upstreams.iter().position(|upstream| upstream.name == route.upstream);
    if upstream.is_none() {
        note("upstream", format!("`{}` is not among gateway.upstreams; add it there, or correct it", route.upstream));
    }
    if route.timeout.get().is_zero() || route.timeout.get() > HOUR {
        note("timeout", "is out of bounds; write a time from 1ms to 1h".to_owned());
    }
    if route.idle_timeout.get().is_zero() || route.idle_timeout.get() > 24 * HOUR {
        note("idle_timeout", "is out of bounds; write a time from 1ms to 24h".to_owned());
    }
    if let Some(prefix) = &route.strip_prefix {
        let fixed: String = route.path.split_inclusive('/').take_while(|part| !part.starts_with('{')).collect();
        let whole = fixed.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !prefix.starts_with('/') || prefix.ends_with('/') || !whole {
            let text = format!("`{prefix}` is not the beginning of `{}`; write its first fixed segments", route.path);
            note("strip_prefix", text);
        }
    }
    let methods = methods(&route.methods, &format!("{place}.methods"), faults);
    if route.kind == RouteKind::Upgrade && !methods.contains(&Method::GET) && !methods.is_empty() {
        faults.push(Fault::new(format!("{place}.methods"), "of an upgrade must have GET, by which it is asked for"));
    }
    if path_fault.is_none()
        && let Err(text) = taken.take(&route.path, &methods)
    {
        faults.push(Fault::new(format!("{place}.path"), text));
    }
    if faults.len() > before {
        return None;
    }
    Some(PlannedRoute { route: route.clone(), methods, access: access?, policy, upstream: upstream? })
}

fn check_upstream(upstream: &Upstream, place: &str, faults: &mut Vec<Fault>) {
    let mut note = |field: &str, text: String| faults.push(Fault::new(format!("{place}.{field}"), text));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if upstream.name.is_empty() || upstream.name.len() > 48 || !upstream.name.bytes().all(plain) {
        note("name", format!("`{}` is not a name here; write up to 48 of a-z, 0-9, - and _", upstream.name));
    }
    if upstream.targets.is_empty() || upstream.targets.len() > 64 {
        note("targets", "must be 1 to 64; write targets = [{ url = \"http://HOST:PORT\" }]".to_owned());
    }
    let mut urls = HashSet::new();
    for (index, target) in upstream.targets.iter().enumerate() {
        if let Some(text) = url_fault(&target.url) {
            note(&format!("targets[{index}].url"), text);
        } else if !urls.insert(target.url.trim_end_matches('/')) {
            note(&format!("targets[{index}].url"), "stands twice; give one of them the weight of both".to_owned());
        }
        if target.weight > 1_000 {
            note(&format!("targets[{index}].weight"), "is above 1000; write shares such as 95 and 5".to_owned());
        }
    }
    if !upstream.targets.is_empty() && upstream.targets.iter().all(|target| target.weight == 0) {
        note("targets", "all have the weight 0, so none could be asked; give one a weight".to_owned());
    }
    let span = |field: &str, span: Span, longest: Duration| {
        let fits = !span.get().is_zero() && span.get() <= longest;
        (!fits).then(|| (field.to_owned(), format!("is out of bounds; write a time from 1ms to {longest:?}")))
    };
    let count = |field: &str, count: u32, least: u32, most: u32| {
        let fits = (least..=most).contains(&count);
        (!fits).then(|| (field.to_owned(), format!("is out of bounds; write a number from {least} to {most}")))
    };
    let (breaker, ejection) = (&upstream.breaker, &upstream.ejection);
    let mut bounds = vec![
        span("connect_timeout", upstream.connect_timeout, Duration::from_secs(60)),
        count("max_idle", upstream.max_idle, 0, 10_000),
        count("max_in_flight", upstream.max_in_flight, 1, 100_000),
        count("retries.attempts", upstream.retries.attempts, 1, 5),
        count("retries.budget", upstream.retries.budget, 0, 100_000),
        span("breaker.window", breaker.window, HOUR),
        count("breaker.requests", breaker.requests, 1, 1_000_000),
        count("breaker.failure_percent", breaker.failure_percent, 1, 100),
        span("breaker.open_for", breaker.open_for, HOUR),
        count("breaker.trials", breaker.trials, 1, 100),
        count("ejection.failures", ejection.failures, 1, 1_000_000),
        span("ejection.time", ejection.time, HOUR),
        span("ejection.longest", ejection.longest, 24 * HOUR),
    ];
    if let Some(Health { path, interval, timeout, healthy_after, unhealthy_after }) = &upstream.health {
        bounds.extend([
            span("health.interval", *interval, HOUR),
            span("health.timeout", *timeout, Duration::from_secs(60)),
            count("health.healthy_after", *healthy_after, 1, 100),
            count("health.unhealthy_after", *unhealthy_after, 1, 100),
        ]);
        let is_path = path.starts_with('/') && path.parse::<Uri>().is_ok_and(|uri| uri.authority().is_none());
        if !is_path {
            bounds.push(Some(("health.path".into(), format!("`{path}` is not a path; write it as /readyz"))));
        }
    }
    for (field, text) in bounds.into_iter().flatten() {
        note(&field, text);
    }
}

fn url_fault(text: &str) -> Option<String> {
    let wrong = || Some(format!("`{text}` is not the address of a server; write http://HOST:PORT or https://HOST"));
    let Ok(url) = url::Url::parse(text) else { return wrong() };
    let bare = url.query().is_none() && url.fragment().is_none() && url.has_host();
    if !matches!(url.scheme(), "http" | "https") || !bare || text.parse::<Uri>().is_err() {
        return wrong();
    }
    if !url.username().is_empty() || url.password().is_some() {
        // The text holds a password, and is not told again.
        return Some("holds credentials, which would be shown in logs; leave them out".to_owned());
    }
    None
}
