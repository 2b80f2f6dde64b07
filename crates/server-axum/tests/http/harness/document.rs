//! The OpenAPI document, as far as answers are held against it.

use std::sync::LazyLock;

use http::Method;
use serde_json::Value;

use super::PUBLIC_URL;

/// The document of a server at [`PUBLIC_URL`].
pub(crate) struct Document(pub(crate) Value);

impl Document {
    pub(crate) fn get() -> &'static Self {
        static DOCUMENT: LazyLock<Document> =
            LazyLock::new(|| Document(serde_json::from_str(&waypost_server_axum::openapi(PUBLIC_URL)).unwrap()));
        &DOCUMENT
    }

    /// Every operation: its path, its method, and what is written of it.
    pub(crate) fn operations(&self) -> Vec<(&str, Method, &Value)> {
        let mut found = Vec::new();
        for (path, methods) in self.0["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                found.push((path.as_str(), method.to_uppercase().parse().unwrap(), operation));
            }
        }
        found
    }

    /// The path of an operation with something in the place of each parameter: names that are well formed, of which
    /// those of links lead nowhere.
    pub(crate) fn example(template: &str) -> String {
        [
            ("{id}", "lnk_01JD3X8M2V7Q5T9B4C6E8G0HJK"),
            ("{delivery_id}", "dlv_01JD3X8M2V7Q5T9B4C6E8G0HJK"),
            ("{type}", "link.created"),
            ("{code}", "GONE"),
            ("{part}", "swagger-ui.css"),
            ("{slug}", "no-such-link"),
        ]
        .iter()
        .fold(template.to_owned(), |path, (name, value)| path.replace(name, value))
    }

    /// The operation that a request is one of.
    pub(crate) fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let fits = |template: &str| {
            let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
            let same =
                |(part, segment): (&&str, &&str)| part == segment || (part.starts_with('{') && !segment.is_empty());
            template.len() == path.len() && template.iter().zip(&path).all(same)
        };
        let mut found: Vec<_> =
            self.operations().into_iter().filter(|(template, own, _)| own == method && fits(template)).collect();
        // A fixed part wins over a parameter.
        found.sort_by_key(|(template, _, _)| template.matches('{').count());
        found.first().map(|(_, _, operation)| *operation)
    }
}
