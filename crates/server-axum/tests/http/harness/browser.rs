//! A browser, as far as cookies go.

use std::collections::BTreeMap;
use std::sync::Mutex;

use http::Method;

use super::provider::Provider;
use super::{Asking, Reply, Server};

/// A browser with its cookies.
#[derive(Default)]
pub(crate) struct Browser {
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    pub(crate) const SESSION: &str = "__Host-waypost-session";
    pub(crate) const ATTEMPT: &str = "__Host-waypost-login";

    /// A cookie that it has.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    /// Plants a cookie, or takes one away.
    pub(crate) fn plant(&self, name: &str, value: Option<&str>) {
        let mut cookies = self.cookies.lock().unwrap();
        match value {
            Some(value) => cookies.insert(name.to_owned(), value.to_owned()),
            None => cookies.remove(name),
        };
    }

    /// Asks a server, with its cookies and as a page of that server would.
    pub(crate) async fn ask(&self, server: &Server, method: Method, path: &str) -> Reply {
        let asking = self.asking(server, method, path).header("sec-fetch-site", "same-origin");
        let reply = asking.send().await;
        self.take(&reply);
        reply
    }

    /// A request with its cookies, and nothing else.
    pub(crate) fn asking(&self, server: &Server, method: Method, path: &str) -> Asking {
        let cookies = self.cookies.lock().unwrap();
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let asking = server.anonymous(method, path);
        if pairs.is_empty() { asking } else { asking.header("cookie", &pairs.join("; ")) }
    }

    pub(crate) async fn get(&self, server: &Server, path: &str) -> Reply {
        self.ask(server, Method::GET, path).await
    }

    /// Takes the cookies of an answer, as browsers take those with the prefix `__Host-`.
    fn take(&self, reply: &Reply) {
        for value in reply.headers.get_all("set-cookie") {
            let text = value.to_str().unwrap();
            let (pair, attributes) = text.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            for attribute in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"] {
                assert!(attributes.split("; ").any(|own| own == attribute), "{text} lacks {attribute}");
            }
            assert!(name.starts_with("__Host-") && !attributes.contains("Domain"), "{text}");
            self.plant(name, Some(value).filter(|_| !attributes.contains("Max-Age=0")));
        }
    }

    /// Begins to sign in: where the provider sends it back to, as a path of the server.
    pub(crate) async fn begin(&self, server: &Server, provider: &Provider, return_to: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let query = query.append_pair("return_to", return_to).finish();
        let begun = self.get(server, &format!("/auth/login?{query}")).await;
        assert_eq!(begun.status, 303, "{}", begun.text());
        let back = provider.authorize(begun.header("location"));
        let back = url::Url::parse(&back).unwrap();
        assert!(back.as_str().starts_with("https://go.example/auth/callback?"), "{back}");
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    /// Signs in.
    pub(crate) async fn sign_in(&self, server: &Server, provider: &Provider) -> Reply {
        let back = self.begin(server, provider, "/docs").await;
        self.get(server, &back).await
    }
}
