//! Precedence, names, and the faults that end the program.

use std::collections::BTreeMap;

use super::file::Keys;
use super::flags::Given;
use super::setting::{Group, Otherwise};
use super::table::TABLE;
use super::*;

fn resolve(flags: &[(&str, &str)], environment: &[(&str, &str)], file: &str) -> Result<Settings, String> {
    let environment: BTreeMap<_, _> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let keys = Keys::parse("waypost.toml", file).map_err(|fault| fault.to_string())?;
    Settings::resolve(&Given::of_pairs(flags), &environment, &keys).map_err(|fault| fault.to_string())
}

fn fault(flags: &[(&str, &str)], environment: &[(&str, &str)], file: &str) -> String {
    resolve(flags, environment, file).expect_err("it is at fault")
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let (flag, variable) = ([("data_dir", "flag")], [("WAYPOST_DATA_DIR", "variable")]);
    let file = "data_dir = \"file\"\nkeep_events = \"2d\"\ndomains = [\"a.example\", \"b.example\"]\n";
    let dir = |flags: &[_], environment: &[_], file| resolve(flags, environment, file).unwrap().data_dir;
    assert_eq!(dir(&flag, &variable, file).to_str(), Some("flag"));
    assert_eq!(dir(&[], &variable, file).to_str(), Some("variable"));
    assert_eq!(dir(&[], &[], file).to_str(), Some("file"));
    assert_eq!(dir(&[], &[], "").to_str(), Some("waypost-data"));
    let settings = resolve(&[], &[("WAYPOST_KEEP_EVENTS", "")], file).unwrap();
    assert_eq!(settings.keep_events, Duration::from_secs(172_800), "an empty variable is not set");
    assert_eq!(settings.domains, ["a.example", "b.example"]);
}

#[test]
fn sections_are_kept_as_they_stand_and_other_tables_refused() {
    let file =
        "log = \"info\"\n[gateway]\nversion = 1\n[[gateway.routes]]\npath = \"/a\"\n[[farewells]]\npath = \"/b\"\n";
    let settings = resolve(&[], &[], file).unwrap();
    assert_eq!(settings.sections["gateway"]["routes"][0]["path"].as_str(), Some("/a"));
    assert!(settings.sections["farewells"].is_array() && settings.sections.len() == 2);
    assert!(fault(&[], &[], "[gatewy]\nversion = 1").starts_with("waypost.toml: gatewy: is a table"));
    assert!(fault(&[], &[], "gateway = 1").starts_with("waypost.toml: gateway: is a section; write [gateway]"));
}

#[test]
fn every_default_can_be_used() {
    let settings = resolve(&[], &[], "").unwrap();
    assert_eq!(settings.listen, "127.0.0.1:8080".parse().ok());
    assert_eq!(settings.shutdown_grace, Duration::from_secs(30));
    assert_eq!(settings.link_cache_bytes, 32 << 20);
    assert_eq!(settings.database_file().unwrap().to_str(), Some("waypost-data/waypost.db"));
}

#[test]
fn a_fault_is_one_line_that_names_the_setting_as_it_was_given() {
    let by_flag = fault(&[("listen", "here")], &[], "");
    assert!(by_flag.starts_with("--listen: `here` is not an address; write"), "{by_flag}");
    let by_variable = fault(&[], &[("WAYPOST_RATE_LIMIT", "many\n")], "");
    assert!(by_variable.starts_with("WAYPOST_RATE_LIMIT: `many") && !by_variable.contains('\n'), "{by_variable}");
    let by_file = fault(&[], &[], "keep_clicks = \"soon\"");
    assert!(by_file.starts_with("waypost.toml: keep_clicks: `soon` is not a length of time"), "{by_file}");
    let broken = fault(&[], &[], "listen = \"127.0.0.1:1\"\nlog = = 1\n");
    assert!(broken.starts_with("waypost.toml: line 2 is not TOML") && !broken.contains('\n'), "{broken}");
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_known_one() {
    assert!(fault(&[], &[("WAYPOST_LISTENS", "x")], "").contains("did you mean WAYPOST_LISTEN?"));
    assert!(fault(&[], &[], "data-dir = \"x\"").contains("did you mean data_dir?"));
}

#[test]
fn a_secret_may_stand_in_a_file_and_never_in_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "an-operators-own-key\n").unwrap();
    let path = path.to_str().unwrap();
    let settings = resolve(&[], &[("WAYPOST_ADMIN_KEY_FILE", path)], "").unwrap();
    assert_eq!(settings.admin_key.as_ref().unwrap().expose().expose(), "an-operators-own-key");
    assert!(!format!("{settings:?}").contains("operators"));
    let both = fault(&[], &[("WAYPOST_ADMIN_KEY_FILE", path), ("WAYPOST_ADMIN_KEY", "another-key-of-them")], "");
    assert!(both.contains("keep one of the two"), "{both}");
    std::fs::write(path, "postgres://me:hunter2@host/db\n").unwrap();
    let settings = resolve(&[], &[("WAYPOST_DATABASE_URL_FILE", path)], "").unwrap();
    assert_eq!(settings.place().to_string(), "PostgreSQL at host/db");
    assert!(!format!("{settings:?}").contains("hunter2"));
    let short = fault(&[], &[("WAYPOST_ADMIN_KEY", "hunter2")], "");
    assert!(!short.contains("hunter2"), "{short}");
    assert!(fault(&[], &[("WAYPOST_ADMIN_KEY_FILE", "nowhere")], "").contains("cannot be read"));
}

#[test]
fn values_are_read_as_they_are_told() {
    for (key, good, bad) in [
        ("listen", "localhost:0", "8080"),
        ("listen", "[::1]:80", "example.com:80"),
        ("public_url", "https://go.example.com", "https://go.example.com/links"),
        ("public_url", "http://localhost:8080/", "go.example.com"),
        ("domains", "a.example, b.example", "https://a.example"),
        ("database_url", "sqlite://links.db", "sqlite://"),
        ("database_url", "memory:", "links.db"),
        ("database_url", "postgres://me:hunter2@host/db", "mysql://me:hunter2@host/db"),
        ("redis_url", "rediss://:hunter2@cache:6380/1", "cache:6379"),
        ("nats_url", "nats://a:4222,nats://b:4222", "nats://a:4222,b"),
        ("bus", "store", "kafka"),
        ("limiter", "memory", "none"),
        ("start_patience", "0s", "forever"),
        ("trusted_proxies", "10.0.0.0/8,::1", "10.0.0.0/40"),
        ("cors_origins", "https://app.example", "*"),
        ("roles", "gateway,relay", "mail"),
        ("destination_schemes", "https", "https,javascript"),
        ("rate_limit", "10/1m", "10"),
        ("rate_limit", "1/31d", "0/1s"),
        ("allow_private_destinations", "yes", "perhaps"),
        ("keep_events", "1h", "1s"),
        ("link_cache_bytes", "1024", "1 potato"),
        ("spool_bytes", "4MiB", "1KiB"),
        ("log", "info,waypost_core=debug", "loud"),
        ("log_format", "json", "xml"),
        ("data_dir", "a b", " "),
        ("webhook_allow", "10.0.0.0/8, *.internal:8080, [fd00::/8]:80, :9000", "*"),
        ("webhook_allow", "hooks.internal", "https://hooks.internal"),
        ("webhook_proxy", "http://me:hunter2@proxy:3128", "socks5://me:hunter2@proxy"),
        ("webhook_most_calls", "1", "0"),
        ("webhook_retries", "1s, 5m,24h", "1s,25h"),
        ("webhook_retries", "100ms", ""),
        ("keep_deliveries", "8d", "7d"),
        ("keep_deliveries", "3650d", "200h"),
        ("seal_key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "hunter2"),
        ("geoip_file", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "nowhere.mmdb"),
    ] {
        let given = |value| resolve(&[(key, value)], &[], "");
        assert!(given(good).is_ok(), "{key} = {good}: {:?}", given(good).err());
        let fault = given(bad).expect_err(bad);
        assert!(!fault.contains("hunter2"), "{fault}");
        assert!(!fault.contains('\n') && fault.starts_with(&format!("--{}: ", key.replace('_', "-"))), "{fault}");
    }
}

#[test]
fn settings_of_postgresql_are_read_beside_its_address() {
    let given = |pair| resolve(&[("database_url", "postgres://me@host/db"), pair], &[], "");
    for (key, good, bad) in
        [("database_connections", "2", "1"), ("database_schema", "links_2", "pg_links"), ("database_schema", "a", "A")]
    {
        assert!(given((key, good)).is_ok() && given((key, bad)).is_err(), "{key}");
        let alone = fault(&[(key, good)], &[], "");
        assert!(alone.contains("is for PostgreSQL alone"), "{alone}");
    }
}

#[test]
fn a_certificate_needs_its_key_and_makes_the_public_address_https() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (one, other) in [("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")] {
        let alone = fault(&[(one, file)], &[], "");
        assert!(alone.contains(&format!("needs {other} beside it")), "{alone}");
        assert!(fault(&[(one, "nowhere.pem")], &[], "").contains("there is no file `nowhere.pem`"));
    }
    let both = resolve(&[("tls_certificate", file), ("tls_key", file)], &[], "").unwrap();
    assert_eq!(crate::store::public_url(&both, both.listen), "https://127.0.0.1:8080");
}

#[test]
fn what_carries_events_and_counts_requests_follows_from_what_is_there() {
    let (postgres, redis) = (("database_url", "postgres://me@host/db"), ("redis_url", "redis://cache"));
    let (nats, none) = (("nats_url", "nats://bus"), &[][..]);
    for (flags, bus, limiter) in [
        (none, Bus::Store, Limiter::Memory),
        (&[postgres][..], Bus::Store, Limiter::Store),
        (&[redis], Bus::Store, Limiter::Redis),
        (&[postgres, redis, ("bus", "redis")], Bus::Redis, Limiter::Redis),
        (&[postgres, redis, nats], Bus::Nats, Limiter::Redis),
        (&[postgres, redis, ("bus", "store")], Bus::Store, Limiter::Redis),
        (&[postgres, redis, nats, ("limiter", "memory")], Bus::Nats, Limiter::Memory),
        (&[("limiter", "store")], Bus::Store, Limiter::Store),
    ] {
        let settings = resolve(flags, &[], "").unwrap();
        assert_eq!((settings.bus(), settings.limiter()), (bus, limiter), "{flags:?}");
    }
}

#[test]
fn a_choice_without_what_it_needs_is_a_fault_and_so_is_what_nothing_would_heed() {
    for (flags, told) in [
        (&[("bus", "redis")][..], "--bus: redis has no address; give redis_url"),
        (&[("bus", "nats"), ("redis_url", "redis://cache")], "--bus: nats has no address; give nats_url"),
        (&[("limiter", "redis")], "--limiter: redis has no address; give redis_url"),
        (&[("nats_url", "nats://bus"), ("bus", "store")], "--nats-url: is used by nothing"),
        (&[("redis_prefix", "a")], "--redis-prefix: is used by nothing; give redis_url"),
        (&[("nats_replicas", "3")], "--nats-replicas: is used by nothing; give nats_url"),
    ] {
        let fault = fault(flags, &[], "");
        assert!(fault.starts_with(told), "{fault}");
    }
}

#[test]
fn a_provider_needs_an_address_and_our_name_there() {
    let login = |environment: &[(&str, &str)]| {
        let settings = resolve(&[], environment, "")?;
        settings.login("default").map_err(|fault| fault.to_string())
    };
    let issuer = ("WAYPOST_OIDC_ISSUER", "https://id.example");
    let client = ("WAYPOST_OIDC_CLIENT_ID", "waypost");
    assert!(login(&[]).unwrap().is_none());
    let options = login(&[issuer, client, ("WAYPOST_OIDC_ROLE", "viewer")]).unwrap().unwrap();
    assert_eq!((options.scopes.as_str(), options.client_secret.is_none()), ("openid profile email", true));
    assert_eq!(options.role, Some(waypost_core::members::Role::Viewer));
    for (environment, told) in [
        (&[issuer][..], "WAYPOST_OIDC_CLIENT_ID: is missing"),
        (&[client], "WAYPOST_OIDC_CLIENT_ID: is used by nothing"),
        (&[("WAYPOST_OIDC_ISSUER", "http://id.example"), client], "WAYPOST_OIDC_ISSUER: must be an https address"),
        (&[("WAYPOST_OIDC_ISSUER", "https://id.example?a=b"), client], "WAYPOST_OIDC_ISSUER: must be an https address"),
        (&[issuer, client, ("WAYPOST_OIDC_SCOPES", "email")], "WAYPOST_OIDC_SCOPES: must hold openid"),
        (&[issuer, client, ("WAYPOST_OIDC_ROLE", "boss")], "WAYPOST_OIDC_ROLE: must be one of owner"),
    ] {
        let fault = login(environment).unwrap_err();
        assert!(fault.starts_with(told), "{fault}");
    }
    let secret = login(&[issuer, client, ("WAYPOST_OIDC_CLIENT_SECRET", "hush-hush")]).unwrap();
    let settings = resolve(&[], &[issuer, client, ("WAYPOST_OIDC_CLIENT_SECRET", "hush-hush")], "").unwrap();
    assert!(!format!("{secret:?} {settings:?}").contains("hush"), "no secret is printed");
}

#[test]
fn keys_that_open_stand_beside_the_one_that_seals_or_alone() {
    let (new, old) = ("00".repeat(31) + "01", "00".repeat(31) + "02");
    let (key, before) = (("WAYPOST_SEAL_KEY", new.as_str()), ("WAYPOST_SEAL_KEY_BEFORE", old.as_str()));
    let settings = resolve(&[], &[key, before], "").unwrap();
    let last = |settings: &super::Settings| {
        let before: Vec<_> = settings.seal_keys_before().iter().map(|key| key[31]).collect();
        (settings.seal_key().map(|key| key[31]), before)
    };
    assert_eq!(last(&settings), (Some(1), vec![2]));
    assert!(!format!("{settings:?}").contains("0, 1]"), "no key is printed");
    assert_eq!(last(&resolve(&[], &[], "").unwrap()), (None, vec![]));
    let first_step = resolve(&[], &[before], "").unwrap();
    assert_eq!(last(&first_step), (None, vec![2]), "it opens before any node seals with it");
    let twice = fault(&[], &[key, ("WAYPOST_SEAL_KEY_BEFORE", &new)], "");
    assert!(twice.contains("holds seal_key itself"), "{twice}");
}

#[test]
fn deliveries_are_kept_for_a_day_longer_than_events() {
    assert!(resolve(&[("keep_events", "7d"), ("keep_deliveries", "8d")], &[], "").is_ok());
    for (events, deliveries, least) in [("169h", "8d", "9d"), ("30d", "30d", "31d")] {
        let told = fault(&[("keep_events", events), ("keep_deliveries", deliveries)], &[], "");
        assert!(told.starts_with("--keep-deliveries: ") && told.contains(&format!("at least {least}")), "{told}");
    }
    assert!(fault(&[("keep_events", "30d")], &[], "").contains("or lower keep_events"));
}

/// The table of settings, as the document shows it.
fn document() -> String {
    let mut text = "| setting | variable | flag | default | what it is for |\n|---|---|---|---|---|\n".to_owned();
    for setting in &TABLE {
        let default = match setting.default {
            Otherwise::Value(value) => format!("`{value}`"),
            Otherwise::Told(words) => words.to_owned(),
        };
        let of = if setting.group == Group::Remote { " (`import`)" } else { "" };
        let beside = if setting.secret { format!(", or a file by `{}_file`", setting.key) } else { String::new() };
        let value = setting.value.replace('|', "\\|");
        text.push_str(&format!(
            "| `{}` | `{}` | `--{} {value}` | {default} | {}{of}{beside} |\n",
            setting.key,
            setting.variable(),
            setting.flag(),
            setting.help,
        ));
    }
    text
}

#[test]
fn the_document_is_in_step_with_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");
    let text = std::fs::read_to_string(path).expect("docs/settings.md is there");
    let expected = document();
    assert!(text.contains(&expected), "replace the table of docs/settings.md by this one:\n{expected}");
}
