//! `waypost gateway`, and a server that leads elsewhere.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::process::{Place, wait_for};

/// A target that answers every request with its name.
fn target(name: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request);
                let length = name.len();
                let _ =
                    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{name}");
            });
        }
    });
    format!("http://{address}")
}

fn section(target: &str) -> String {
    format!(
        "[gateway]\nversion = 1\n\n[[gateway.upstreams]]\nname = \"shop\"\ntargets = [{{ url = \"{target}\" }}]\n\n\
         [[gateway.routes]]\npath = \"/shop/{{*rest}}\"\nmethods = [\"GET\"]\npublic = true\nupstream = \"shop\"\n"
    )
}

#[test]
fn check_tells_every_fault_and_status_2_or_shows_the_routes() {
    let place = Place::new();
    place.file(
        "bad.toml",
        "[gateway]\nversion = 1\n[[gateway.routes]]\npath = \"/a\"\nmethods = [\"GET\"]\nscope = \"links:red\"\n\
         upstream = \"none\"\n[[gateway.routes]]\npath = \"/v1/links\"\nmethods = [\"GET\"]\nupstream = \"none\"\n",
    );
    let bad = place.run(&["gateway", "check", "bad.toml"]).with_status(2);
    for told in [
        "waypost: gateway.routes[0].scope: `links:red` is not a scope; write one of links:read",
        "waypost: gateway.routes[0].upstream: `none` is not among gateway.upstreams",
        "waypost: gateway.routes[1].scope: is missing",
        "waypost: gateway.routes[1].path: GET /v1/links is served already",
    ] {
        assert!(bad.err.contains(told), "{told}: {}", bad.err);
    }
    assert!(bad.out.is_empty());
    place.run(&["serve", "--listen", "127.0.0.1:0", "--config", "bad.toml"]).with_status(2);
    place.file("waypost.toml", &section("http://127.0.0.1:9"));
    let good = place.run(&["gateway", "check"]).with_status(0);
    assert!(
        good.out.contains("GET      /shop/{*rest}  public") && good.out.contains("1 routes, 1 upstreams"),
        "{}",
        good.out
    );
    place.file("open.toml", &section("http://127.0.0.1:9").replace("/shop/{*rest}", "/{*rest}"));
    let shadow = place.run(&["gateway", "check", "open.toml"]).with_status(2);
    assert!(shadow.err.contains("takes the paths of short links"), "{}", shadow.err);
    place.run(&["gateway", "check", "open.toml", "--roles", "gateway"]).with_status(0);
}

#[test]
fn the_schema_and_the_own_routes_are_printed() {
    let place = Place::new();
    let schema = place.run(&["gateway", "schema"]).with_status(0);
    let schema: serde_json::Value = serde_json::from_str(&schema.out).expect("JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let routes = place.run(&["gateway", "routes"]).with_status(0);
    assert!(routes.out.contains("path = \"/v1/links/{id}\"") && routes.out.contains("scope = \"links:write\""));
}

#[test]
fn a_server_leads_elsewhere_and_takes_a_changed_file_up() {
    let place = Place::new();
    let (one, two) = (target("one"), target("two"));
    place.file("waypost.toml", &section(&one));
    let server = place.serve();
    let body = |server: &crate::process::Server| server.get("/shop/a", "").1.rsplit("\r\n").next().map(str::to_owned);
    assert_eq!(body(&server).as_deref(), Some("one"));
    assert_eq!(server.get("/v1/links", &server.key().expect("a key")).0, 200, "beside its own");
    // A faulty file changes nothing, and a good one is taken up when it is asked for, or by itself.
    place.file("waypost.toml", "[gateway]\nversion = 2\n");
    server.hang_up();
    assert_eq!(body(&server).as_deref(), Some("one"));
    place.file("waypost.toml", &section(&two));
    server.hang_up();
    wait_for("the new target", || body(&server).as_deref() == Some("two"));
    place.file("waypost.toml", &format!("# back\n{}", section(&one)));
    wait_for("the old target", || body(&server).as_deref() == Some("one"));
    assert_eq!(server.terminate(), 0);
}

#[test]
fn a_gateway_alone_has_no_routes_of_its_own_but_probes() {
    let place = Place::new();
    place.file("waypost.toml", &section(&target("one")).replace("/shop/{*rest}", "/{*rest}"));
    let server = place.serve_with(&["--roles", "gateway"]);
    assert!(server.get("/v1/links", "").1.ends_with("\r\none"));
    assert!(server.get("/a-slug", "").1.ends_with("\r\none"));
    assert!(server.get("/readyz", "").1.contains("ready"));
    assert_eq!(server.terminate(), 0);
}

#[test]
fn a_connection_becomes_another_protocols_through_the_real_server() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the gateway");
        let mut request = [0; 4_096];
        let count = stream.read(&mut request).expect("a request");
        assert!(String::from_utf8_lossy(&request[..count]).to_ascii_lowercase().contains("upgrade: websocket\r\n"));
        let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        stream.write_all(answer.as_bytes()).expect("it is taken");
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() {
            stream.write_all(&[byte[0] + 1]).expect("it is taken");
        }
    });
    let place = Place::new();
    let upgrade = section(&format!("http://{address}")) + "kind = \"upgrade\"\n";
    place.file("waypost.toml", &upgrade);
    let server = place.serve();
    let mut caller = std::net::TcpStream::connect(server.url().trim_start_matches("http://")).expect("a connection");
    let request = "GET /shop/live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    caller.write_all(request.as_bytes()).expect("it is taken");
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        caller.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    for sent in [1, 2, 3] {
        caller.write_all(&[sent]).expect("it is taken");
        caller.read_exact(&mut byte).expect("an echo");
        assert_eq!(byte[0], sent + 1);
    }
    assert_eq!(server.terminate(), 0, "and the end of the server is its end");
    assert_eq!(caller.read(&mut byte).unwrap_or_default(), 0);
}
