//! Farewells that an operator declares.
//!
//! ```toml
//! [[farewells]]
//! path = "/v1/links/{id}/stats"
//! methods = ["GET"]
//! since = 2026-12-01T00:00:00Z
//! sunset = 2027-07-01T00:00:00Z
//! link = "https://go.example.com/docs/farewell-to-stats"
//! ```

use std::collections::BTreeMap;

use http::Method;
use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, IgnoredAny};

use super::{Deprecation, InvalidDeprecation};
use crate::gateway::routes::RouteTable;

/// One farewell, as it was declared.
#[derive(Clone, Debug)]
pub struct Declared {
    place: String,
    path: String,
    methods: Vec<Method>,
    deprecation: Deprecation,
}

/// A declaration that cannot be used, and where it stands: `farewells[1].sunset: …`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct InvalidFarewell {
    /// Where it stands.
    pub place: String,
    /// What is wrong with it, and what would be right.
    pub fault: String,
}

/// Any value, as far as a farewell may have it.
enum Value {
    Text(String),
    List(Vec<String>),
    Other,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Any {
            Text(String),
            List(Vec<String>),
            /// A time without quotes, as TOML has it.
            Time {
                #[serde(rename = "$__toml_private_datetime")]
                text: String,
            },
            Other(IgnoredAny),
        }
        Ok(match Any::deserialize(source)? {
            Any::Text(text) | Any::Time { text } => Self::Text(text),
            Any::List(list) => Self::List(list),
            Any::Other(_) => Self::Other,
        })
    }
}

const KEYS: [&str; 5] = ["path", "methods", "since", "sunset", "link"];

impl Declared {
    /// Reads the section `farewells`: a list of tables.
    ///
    /// # Errors
    /// [`InvalidFarewell`] names the first entry and key that cannot be used.
    pub fn read<'de, D: Deserializer<'de>>(section: D) -> Result<Vec<Self>, InvalidFarewell> {
        let entries = Vec::<BTreeMap<String, Value>>::deserialize(section).map_err(|_| InvalidFarewell {
            place: "farewells".into(),
            fault: "is no list of tables; write [[farewells]], with path, since and link below".into(),
        })?;
        entries.into_iter().enumerate().map(|(at, entry)| Self::of(at, entry)).collect()
    }

    fn of(at: usize, mut entry: BTreeMap<String, Value>) -> Result<Self, InvalidFarewell> {
        let fault = |key: &str, fault: &str| InvalidFarewell {
            place: format!("farewells[{at}].{key}"),
            fault: fault.to_owned(),
        };
        if let Some(unknown) = entry.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(fault(unknown, &format!("is not known; there are {}", KEYS.join(", "))));
        }
        let mut text = |key: &str, example: &str| match entry.remove(key) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::List(_) | Value::Other) => Err(fault(key, &format!("is no text; write it as {example}"))),
            None => Ok(None),
        };
        const TIME: &str = "2027-07-01T00:00:00Z";
        let time = |key: &str, text: String| {
            let wrong = |_| fault(key, &format!("`{text}` is no moment; write it as {TIME}"));
            text.parse::<Timestamp>().map_err(wrong)
        };
        let path =
            text("path", "\"/v1/links\"")?.ok_or_else(|| fault("path", "is missing; name a route as /v1/links"))?;
        let since = text("since", TIME)?.ok_or_else(|| fault("since", &format!("is missing; write it as {TIME}")))?;
        let link = text("link", "\"https://…\"")?;
        let link = link.ok_or_else(|| fault("link", "is missing; name the page that says what to use instead"))?;
        let sunset = text("sunset", TIME)?;
        let since = time("since", since)?;
        let told = |key: &'static str| move |invalid: InvalidDeprecation| fault(key, &invalid.to_string());
        let mut deprecation = Deprecation::new(since, &link).map_err(told("link"))?;
        if let Some(sunset) = sunset {
            deprecation = deprecation.with_sunset(time("sunset", sunset)?).map_err(told("sunset"))?;
        }
        let methods = match entry.remove("methods") {
            None => Vec::new(),
            Some(Value::List(list)) if !list.is_empty() => {
                let method = |name: String| Method::from_bytes(name.as_bytes());
                let methods: Result<_, _> = list.into_iter().map(method).collect();
                methods.map_err(|_| fault("methods", "has one that is none; write them as [\"GET\", \"POST\"]"))?
            }
            Some(_) => return Err(fault("methods", "is no list of methods; write [\"GET\"], or leave it out for all")),
        };
        Ok(Self { place: format!("farewells[{at}]"), path, methods, deprecation })
    }

    /// The table with the declared routes on their way out.
    ///
    /// # Errors
    /// [`InvalidFarewell`] for a path that no route has, and a method that the route has not.
    pub fn apply(declared: &[Self], table: &RouteTable) -> Result<RouteTable, InvalidFarewell> {
        let mut routes: Vec<_> = table.iter().map(|route| (**route).clone()).collect();
        for farewell in declared {
            let Self { place, path, methods, deprecation } = farewell;
            let Some(route) = routes.iter_mut().find(|route| route.template() == path) else {
                let fault = format!("{path:?} is no route; write it as the API's document does, as /v1/links/{{id}}");
                return Err(InvalidFarewell { place: format!("{place}.path"), fault });
            };
            if let Some(method) = methods.iter().find(|method| !route.methods().contains(method)) {
                let fault = format!("{path} has no {method}; it has {}", route.allow().to_str().unwrap_or_default());
                return Err(InvalidFarewell { place: format!("{place}.methods"), fault });
            }
            *route = match methods.is_empty() {
                true => route.clone().deprecated(deprecation.clone()),
                false => route.clone().deprecated_for(methods.clone(), deprecation.clone()),
            };
        }
        Ok(routes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::routes::Route;

    fn read(text: &str) -> Result<Vec<Declared>, String> {
        let mut file: toml::Table = toml::from_str(text).unwrap();
        Declared::read(file.remove("farewells").unwrap()).map_err(|fault| fault.to_string())
    }

    const GOOD: &str =
        "[[farewells]]\npath = \"/v1/links/{id}\"\nsince = 2026-01-01T00:00:00Z\nlink = \"https://x/y\"\n";

    #[test]
    fn a_farewell_is_read_with_times_in_quotes_or_without() {
        let text = "[[farewells]]\npath = \"/a\"\nmethods = [\"GET\"]\nsince = \"2026-01-01T00:00:00Z\"\n\
                    sunset = 2026-07-02T00:00:00Z\nlink = \"https://x/y\"\n";
        let read = read(&format!("{text}{GOOD}")).unwrap();
        assert_eq!((read[0].path.as_str(), read[0].methods.len(), read[1].methods.len()), ("/a", 1, 0));
        assert_eq!(read[0].deprecation.sunset(), "2026-07-02T00:00:00Z".parse().ok());
        assert_eq!((read[1].deprecation.url(), read[1].deprecation.sunset()), ("https://x/y", None));
    }

    #[test]
    fn a_fault_names_the_entry_the_key_and_the_cure() {
        let second = |lines: &str| read(&format!("{GOOD}[[farewells]]\n{lines}")).unwrap_err();
        let good = "path = \"/a\"\nsince = 2026-01-01T00:00:00Z\nlink = \"https://x/y\"\n";
        for (lines, told) in [
            ("", "farewells[1].path: is missing"),
            ("path = 1", "farewells[1].path: is no text"),
            ("path = \"/a\"", "farewells[1].since: is missing"),
            ("path = \"/a\"\nsince = \"soon\"\nlink = \"l\"", "farewells[1].since: `soon` is no moment"),
            ("path = \"/a\"\nsince = 2026-01-01\nlink = \"l\"", "farewells[1].since: `2026-01-01` is no moment"),
            (&format!("{good}sunset = 2026-06-01T00:00:00Z"), "farewells[1].sunset: a sunset is at least six months"),
            (&format!("{good}sunset = 2025-06-01T00:00:00Z"), "farewells[1].sunset: a sunset is at least six months"),
            (&format!("{good}methods = \"GET\""), "farewells[1].methods: is no list"),
            (&format!("{good}methods = []"), "farewells[1].methods: is no list"),
            (&format!("{good}methods = [\"G T\"]"), "farewells[1].methods: has one that is none"),
            (&format!("{good}until = 1"), "farewells[1].until: is not known"),
            ("path = \"/a\"\nsince = 2026-01-01T00:00:00Z\nlink = \"a b\"", "farewells[1].link: a deprecation's link"),
        ] {
            let fault = second(lines);
            assert!(fault.starts_with(told) && !fault.contains('\n'), "{lines}: {fault}");
        }
        assert!(read("farewells = 1").unwrap_err().starts_with("farewells: is no list of tables"));
    }

    #[test]
    fn it_is_for_routes_that_there_are() {
        let table: RouteTable = [Route::new("/v1/links/{id}", [Method::GET, Method::PATCH])].into_iter().collect();
        let applied = Declared::apply(&read(GOOD).unwrap(), &table).unwrap();
        let route = applied.find("/v1/links/7").unwrap();
        assert!([Method::GET, Method::HEAD, Method::PATCH].iter().all(|method| route.deprecation(method).is_some()));
        let some = read(&format!("{GOOD}methods = [\"GET\"]")).unwrap();
        let route = Declared::apply(&some, &table).unwrap().find("/v1/links/7").unwrap();
        assert!(route.deprecation(&Method::HEAD).is_some() && route.deprecation(&Method::PATCH).is_none());
        let wrong = read(&format!("{GOOD}methods = [\"PUT\"]")).unwrap();
        let fault = Declared::apply(&wrong, &table).unwrap_err().to_string();
        assert!(fault.starts_with("farewells[0].methods: /v1/links/{id} has no PUT"), "{fault}");
        let fault = Declared::apply(&read(GOOD).unwrap(), &RouteTable::default()).unwrap_err();
        assert_eq!(fault.place, "farewells[0].path");
    }
}
