//! Private servers: killed and started again, on the same port, with what they should have kept.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::support::daemon::{self, Daemon, is_alive};
use crate::support::guard::Guard;
use crate::support::nats::Nats;
use crate::support::port;
use crate::support::postgres::{Postgres, program};
use crate::support::redis::Redis;
use crate::support::wait::until;

/// Longer than any wait of the ground's own.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn postgres_keeps_what_it_committed_through_sigkill_and_restart() {
    let mut postgres = Postgres::start().expect("a server of our own");
    let fsync = "select string_agg(setting, ' ') from pg_settings where name in ('fsync', 'synchronous_commit')";
    assert_eq!(postgres.psql(fsync).expect("settings"), "on on", "durable unless told otherwise");
    postgres.psql("create table kept (n int); insert into kept values (1)").expect("a commit");
    let address = postgres.address();

    postgres.kill9().expect("a dead server");
    assert!(TcpStream::connect(address).is_err(), "nobody listens");
    postgres.restart().expect("a server after a crash");
    assert_eq!(postgres.psql("insert into kept values (2); select n from kept order by n").expect("rows"), "1\n2");

    postgres.stop_immediately().expect("a stopped server");
    postgres.restart().expect("a server after an immediate stop");
    postgres.stop().expect("a server stopped in good order");
    postgres.restart().expect("a server after a good end");
    assert_eq!(postgres.psql("select count(*) from kept").expect("a count"), "2");
    assert_eq!(postgres.address(), address, "clients find it where it was");
    assert!(postgres.psql("select 1 / 0").is_err(), "an error is an error");
}

#[test]
fn postgres_dies_with_all_its_sessions() {
    let mut postgres = Postgres::with(&[("max_connections", "10")]).expect("a server of our own");
    assert_eq!(postgres.psql("show max_connections").expect("a setting"), "10");
    let mut psql = Command::new(program("psql").expect("psql"));
    let psql = psql.args(["--quiet", "--command", "select pg_sleep(600)"]).arg(postgres.url());
    let mut client = psql.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("a client");
    let sleeping = "select pid from pg_stat_activity where wait_event = 'PgSleep'";
    let session = until(PATIENCE, "a session under way", || {
        let found = postgres.psql(sleeping)?;
        Ok(found.parse().ok())
    });
    let session = session.expect("a session");
    assert!(is_alive(session));
    postgres.kill9().expect("a dead server");
    assert!(!is_alive(session), "no session outlives its server");
    let ended = until(PATIENCE, "the client to notice", || client.try_wait()).expect("an end");
    assert!(!ended.success());
    postgres.restart().expect("a server after a crash");
    assert_eq!(postgres.psql("select 1").expect("an answer"), "1");
}

#[test]
fn redis_keeps_what_it_was_told_to_keep() {
    let mut lasting = Redis::start().expect("a server of our own");
    lasting.command(&["SET", "kept", "yes"]).expect("a write");
    lasting.kill9().expect("a dead server");
    assert!(lasting.command(&["PING"]).is_err(), "nobody answers");
    lasting.restart().expect("a server after a crash");
    assert_eq!(lasting.command(&["GET", "kept"]).expect("a value"), "yes");
    lasting.flush_all().expect("a flush");
    assert_eq!(lasting.command(&["EXISTS", "kept"]).expect("a count"), "0");
    assert!(lasting.command(&["INCR"]).is_err(), "an error is an error");

    let mut forgetful = Redis::start_forgetful().expect("a server of our own");
    let address = forgetful.address();
    forgetful.command(&["SET", "kept", "yes"]).expect("a write");
    forgetful.restart().expect("a server after a crash");
    assert_eq!(forgetful.command(&["EXISTS", "kept"]).expect("a count"), "0");
    assert_eq!(forgetful.address(), address, "clients find it where it was");
}

#[test]
fn nats_keeps_its_streams_through_sigkill_and_restart() {
    let mut nats = Nats::start().expect("a server of our own");
    let address = nats.address();
    let stream = r#"{"name":"kept","subjects":["kept"],"storage":"file","num_replicas":1}"#;
    let made = nats.request("$JS.API.STREAM.CREATE.kept", stream).expect("an answer");
    assert!(!made.contains("error"), "{made}");
    let published = nats.request("kept", "a message").expect("an acknowledgement");
    assert!(published.contains(r#""seq":1"#), "{published}");

    nats.kill9().expect("a dead server");
    assert!(TcpStream::connect(address).is_err(), "nobody listens");
    nats.restart().expect("a server after a crash");
    let kept = nats.request("$JS.API.STREAM.INFO.kept", "").expect("an answer");
    assert!(kept.contains(r#""messages":1"#), "{kept}");
    assert_eq!(nats.address(), address, "clients find it where it was");
}

#[test]
fn a_dropped_server_leaves_no_process_and_no_directory() {
    let mut postgres = Postgres::start().expect("a server of our own");
    let mut redis = Redis::start().expect("a server of our own");
    let left = [trace(postgres.daemon()), trace(redis.daemon())];
    assert!(left.iter().all(|(process, directory)| process.exists() && directory.exists()), "{left:?}");
    // As a test that fails after it has killed a server would.
    postgres.kill9().expect("a dead server");
    drop((postgres, redis));
    assert!(!left.iter().any(|(process, directory)| process.exists() || directory.exists()), "{left:?}");
}

#[test]
fn a_guard_ends_a_server_that_nobody_else_ended() {
    let directory = tempfile::tempdir().expect("a directory").keep();
    let witness = tempfile::NamedTempFile::new().expect("a file");
    let farewell = format!("pwd > '{}'", witness.path().display());
    let mut guard = Guard::watch(&directory, Signal::TERM, &farewell).expect("a guard");
    let mut server = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("something to end");
    guard.guard(server.id()).expect("a guard that listens");
    // What it sees when a test process is gone is the end of its pipe.
    drop(guard);
    let ended = until(PATIENCE, "the server to end", || server.try_wait()).expect("an end");
    assert!(!ended.success(), "by the signal");
    let farewell = std::fs::read_to_string(witness.path()).expect("a farewell");
    assert!(farewell.trim_end().ends_with(directory.file_name().and_then(|name| name.to_str()).expect("a name")));
    assert!(!directory.exists());
}

#[test]
fn a_program_that_is_missing_is_named_with_the_cure() {
    let missing = Path::new("/nowhere/nats-server");
    let error = daemon::run(&mut Command::new(missing)).expect_err("no such program").to_string();
    assert!(error.contains("nats-server") && error.contains("scripts/test"), "{error}");
}

#[test]
fn free_ports_are_kept_from_clients() {
    for _ in 0..100 {
        let port = port::free().expect("a free port");
        assert!(port < 32_768, "{port} may be a client's");
    }
}

/// Where a server can be seen from outside.
fn trace(daemon: &Daemon) -> (PathBuf, PathBuf) {
    (Path::new("/proc").join(daemon.id().to_string()), daemon.directory().to_owned())
}
