//! Paths of routes: their form, and whether two of them are in each other's way.

use http::Method;

use super::Fault;

/// What is wrong with a path as a route's, if anything.
///
/// The form is axum's, less what the layers in front of it do not know: each segment is fixed or one parameter.
pub(super) fn fault_of(path: &str) -> Option<String> {
    let example = "write it as /shop/items/{id} or /shop/{*rest}";
    if !path.starts_with('/') {
        return Some(format!("`{path}` does not begin with a slash; {example}"));
    }
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let last = segments.len() - 1;
    for (index, segment) in segments.iter().enumerate() {
        let is_last = index == last;
        if segment.is_empty() && !is_last {
            return Some(format!("`{path}` has an empty segment, which no request could have; {example}"));
        }
        let Some(name) = segment.strip_prefix('{') else {
            // What needs no encoding (RFC 3986 §2.3): of all else there are two spellings, and a weaker route could take
            // the other one.
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if !segment.bytes().all(plain) || matches!(*segment, "." | "..") {
                return Some(format!("`{segment}` in `{path}` is not a plain segment; {example}"));
            }
            continue;
        };
        let is_rest = name.starts_with('*');
        let name = name.strip_prefix('*').unwrap_or(name).strip_suffix('}').unwrap_or_default();
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name || (is_rest && !is_last) {
            return Some(format!("`{segment}` in `{path}` is not a parameter; {example}"));
        }
    }
    None
}

/// The paths that are taken, with their methods.
#[derive(Default)]
pub(super) struct Taken {
    /// Which templates fit together is decided by what will serve them.
    router: matchit::Router<()>,
    paths: Vec<(String, Vec<Method>)>,
}

impl Taken {
    /// Takes a path for some methods, or says who has it.
    pub(super) fn take(&mut self, path: &str, methods: &[Method]) -> Result<(), String> {
        if let Some((_, taken)) = self.paths.iter_mut().find(|(other, _)| other == path) {
            if let Some(twice) = methods.iter().find(|method| taken.contains(method)) {
                return Err(format!("{twice} {path} is served already; give it to one route alone"));
            }
            taken.extend_from_slice(methods);
            return Ok(());
        }
        match self.router.insert(path, ()) {
            Ok(()) => {
                self.paths.push((path.to_owned(), methods.to_vec()));
                Ok(())
            }
            Err(matchit::InsertError::Conflict { with }) => {
                Err(format!("`{path}` is in the way of `{with}`, which is served already; choose another path"))
            }
            Err(fault) => Err(format!("`{path}` cannot be a route ({fault}); write it as /shop/items/{{id}}")),
        }
    }
}

/// The methods of a route, and what is wrong with them.
pub(super) fn methods(written: &[String], place: &str, faults: &mut Vec<Fault>) -> Vec<Method> {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let mut methods = Vec::new();
    if written.is_empty() {
        faults.push(Fault::new(place, "is empty, so nothing could be asked for; write methods = [\"GET\"]"));
    }
    for name in written {
        match known.iter().find(|method| method.as_str() == name) {
            Some(method) if methods.contains(method) => {
                faults.push(Fault::new(place, format!("names {name} twice; leave one out")));
            }
            Some(method) => methods.push(method.clone()),
            None => {
                let text = format!("`{name}` is not a method here; write GET, HEAD, POST, PUT, PATCH or DELETE");
                faults.push(Fault::new(place, text));
            }
        }
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_fixed_or_one_parameter() {
        for right in ["/", "/a", "/a/", "/a/{id}", "/{*rest}", "/a/{b}/c.d", "/a/{b}/{*c}", "/me/a~b_c"] {
            assert_eq!(fault_of(right), None, "{right}");
        }
        for wrong in [
            "", "a", "//", "/a//b", "/:id", "/*", "/a{b}", "/{a}b", "/{}", "/{*a}/b", "/a b", "/a?b", "/../a", "/%61",
            "/@me", "/a;b", "/a+b", "/a,b", "/a!", "/$a", "/a=b",
        ] {
            assert!(fault_of(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn what_the_router_could_not_tell_apart_is_refused() {
        let mut taken = Taken::default();
        let get = [Method::GET];
        taken.take("/a/{id}", &get).expect("the first");
        taken.take("/a/{id}", &[Method::POST]).expect("another method");
        taken.take("/a/fixed", &get).expect("fixed goes first");
        assert!(taken.take("/a/{id}", &get).expect_err("twice").contains("GET /a/{id}"));
        assert!(taken.take("/a/{name}", &get).expect_err("the same shape").contains("/a/{id}"));
    }
}
