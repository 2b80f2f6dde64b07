//! Faults are told all at once; the schema and the types say the same.

use serde_json::{Map, Value, json};

use super::*;

/// Every key that there is, once.
fn full() -> Value {
    json!({
        "version": 1,
        "routes": [{
            "path": "/shop/{*rest}", "methods": ["GET", "POST"], "scope": "links:read", "public": false,
            "policy": "partner", "kind": "stream", "timeout": "10s", "idle_timeout": "1m", "body_limit": "2MiB",
            "upstream": "shop", "strip_prefix": "/shop",
        }],
        "upstreams": [{
            "name": "shop",
            "targets": [{"url": "http://10.0.0.5:9000", "weight": 95}],
            "http2": true, "connect_timeout": "500ms", "max_idle": 8, "max_in_flight": 100, "pass_credentials": true,
            "health": {
                "path": "/readyz", "interval": "2s", "timeout": "1s", "healthy_after": 1, "unhealthy_after": 2,
            },
            "retries": {"attempts": 3, "budget": 10},
            "breaker": {"window": "10s", "requests": 5, "failure_percent": 40, "open_for": "1s", "trials": 1},
            "ejection": {"failures": 3, "time": "5s", "longest": "1m"},
        }],
    })
}

fn words() -> Vocabulary {
    Vocabulary {
        policies: vec!["partner".to_owned()],
        own: vec![("/v1/links/{id}".into(), http::Method::GET)],
        follows: true,
    }
}

fn places(section: Value) -> Vec<String> {
    let section = Section::read(section).expect("the form is right");
    let faults = check(&section, &words()).expect_err("it is at fault");
    faults.iter().map(|fault| fault.place().to_owned()).collect()
}

#[test]
fn the_full_form_is_read_and_planned() {
    let section = Section::read(full()).expect("the form is right");
    let plan = check(&section, &words()).expect("nothing is wrong");
    assert_eq!((plan.routes.len(), plan.upstreams.len(), plan.routes[0].upstream), (1, 1, 0));
    assert_eq!(plan.routes[0].policy.as_deref(), Some("partner"));
    assert_eq!(section.routes[0].body_limit.get(), 2 << 20);
}

#[test]
fn every_fault_is_told_with_its_place() {
    let mut section = full();
    section["version"] = json!(2);
    let bad = json!({
        "path": "/{slug}", "methods": ["GET", "BREW"], "scope": "links:admin", "policy": "nobody's", "upstream": "x",
        "timeout": "0s", "strip_prefix": "/shop",
    });
    let undeclared = json!({"path": "/v1/links/{name}", "methods": ["GET"], "upstream": "shop"});
    let twice = json!({"path": "/shop/{*rest}", "methods": ["POST"], "public": true, "upstream": "shop"});
    section["routes"].as_array_mut().unwrap().extend([bad, undeclared, twice]);
    section["upstreams"][0]["retries"]["attempts"] = json!(9);
    section["upstreams"][0]["targets"] = json!([{"url": "ftp://x"}, {"url": "http://a:b@c"}]);
    assert_eq!(
        places(section),
        [
            "gateway.version",
            "gateway.routes[1].path",
            "gateway.routes[1].scope",
            "gateway.routes[1].policy",
            "gateway.routes[1].upstream",
            "gateway.routes[1].timeout",
            "gateway.routes[1].strip_prefix",
            "gateway.routes[1].methods",
            "gateway.routes[2].scope",
            "gateway.routes[2].path",
            "gateway.routes[3].path",
            "gateway.upstreams[0].targets[0].url",
            "gateway.upstreams[0].targets[1].url",
            "gateway.upstreams[0].retries.attempts",
        ]
    );
}

#[test]
fn slips_of_form_in_two_entries_are_both_told() {
    let mut section = full();
    section["routes"][0]["scopes"] = json!("links:read");
    section["upstreams"][0]["breaker"]["windw"] = json!("1s");
    section["colour"] = json!(1);
    let faults = Section::read(section).expect_err("three slips");
    let places: Vec<_> = faults.iter().map(Fault::place).collect();
    assert_eq!(places, ["gateway", "gateway.routes[0]", "gateway.upstreams[0]"]);
    assert!(faults[1].text().contains("unknown field `scopes`"), "{}", faults[1]);
}

#[test]
fn no_secret_of_an_address_is_told_again() {
    let mut section = full();
    section["upstreams"][0]["targets"][0]["url"] = json!("http://me:hunter2@host");
    let faults = check(&Section::read(section).unwrap(), &words()).expect_err("credentials");
    assert!(faults.iter().all(|fault| !fault.to_string().contains("hunter2")));
}

/// The part of the schema that describes what stands at `pointer` in a document.
fn schema_at<'a>(root: &'a Value, pointer: &str) -> &'a Value {
    let resolve = |schema: &'a Value| match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere"),
        None => schema,
    };
    pointer.split('/').skip(1).fold(root, |schema, step| {
        let next = if step.parse::<usize>().is_ok() { &schema["items"] } else { &schema["properties"][step] };
        resolve(next)
    })
}

/// Every object of a document, by its place.
fn objects(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(at.clone());
            for (name, value) in fields {
                objects(value, format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                objects(value, format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn keys(map: &Map<String, Value>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

#[test]
fn the_schema_and_the_types_have_the_same_keys_and_demand_the_same() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let full = full();
    let mut places = Vec::new();
    objects(&full, String::new(), &mut places);
    assert_eq!(places.len(), 8, "{places:?}");
    for place in places {
        let part = schema_at(&schema, &place);
        let object = full.pointer(&place).and_then(Value::as_object).expect("an object");
        // The example is full, so what the types read of it is all that there is: serde refuses any other key.
        assert_eq!(keys(part["properties"].as_object().expect("properties")), keys(object), "{place}");
        assert_eq!(part["additionalProperties"], false, "{place}");
        let mut more = full.clone();
        more.pointer_mut(&place).unwrap()["unheard_of"] = json!(1);
        assert!(Section::read(more).is_err(), "the types take an unknown key at {place:?}");
        for key in keys(object) {
            let mut less = full.clone();
            less.pointer_mut(&place).unwrap().as_object_mut().unwrap().remove(key);
            let demanded = part["required"].as_array().is_some_and(|required| required.contains(&json!(key)));
            assert_eq!(Section::read(less).is_err(), demanded, "{place}/{key}");
        }
    }
}

#[test]
fn the_defaults_in_the_schema_are_those_of_the_types() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let mut plain = json!({
        "version": 1,
        "routes": [{"path": "/a", "methods": ["GET"], "public": true, "upstream": "b"}],
        "upstreams": [{
            "name": "b", "targets": [{"url": "http://c"}],
            "health": {"path": "/"}, "retries": {}, "breaker": {}, "ejection": {},
        }],
    });
    let bare = Section::read(plain.clone()).expect("the least");
    let mut places = Vec::new();
    objects(&plain, String::new(), &mut places);
    for place in places {
        let properties = schema_at(&schema, &place)["properties"].as_object().expect("properties").clone();
        for (key, property) in properties {
            let (Some(default), Some(object)) = (property.get("default"), plain.pointer_mut(&place)) else { continue };
            if object.get(&key).is_none() {
                object[&key] = default.clone();
            }
        }
    }
    assert_eq!(Section::read(plain).expect("with all defaults written out"), bare);
}
