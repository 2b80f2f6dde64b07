//! What the chain writes down.

use std::sync::Mutex;

use super::*;

/// What a subscriber wrote, line by line.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_request_is_one_line_with_its_reason_and_without_its_query() {
    let written = Written::default();
    let target = written.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || target.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let app = app();
    app.ask("GET", "/v1/links?token=secret", &[("x-request-id", "a1")], "").await;
    app.ask("GET", "/panic", &[], "").await;
    app.ask("GET", "/mute", &[], "").await;
    let left = app.router.clone().oneshot(Request::get("/pending").header("host", "x").body(Body::empty()).unwrap());
    assert!(futures_util::poll!(Box::pin(left)).is_pending());
    drop(guard);

    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines: Vec<_> = lines.iter().filter(|line| line["target"] == access_log::TARGET).collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(!text.contains("token"));
    let field = |at: usize, name: &str| lines[at]["fields"][name].clone();
    assert_eq!(
        (lines[0]["level"].as_str(), field(0, "route"), field(0, "bytes")),
        (Some("INFO"), "/v1/links".into(), 4.into())
    );
    assert_eq!(
        (field(0, "path"), field(0, "request_id"), field(0, "client")),
        ("/v1/links".into(), "a1".into(), "10.0.0.1".into())
    );
    assert_eq!(
        (lines[1]["level"].as_str(), field(1, "code"), field(1, "route")),
        (Some("ERROR"), "INTERNAL".into(), "/panic".into())
    );
    assert_eq!(field(1, "reason"), "panicked: secret 7");
    assert_eq!(field(2, "reason"), "answered with a bare 418");
    assert_eq!(field(3, "status"), 499);
}
