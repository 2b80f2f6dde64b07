//! One route: how it is reached, what is checked before its handler, and how it is documented.

use std::borrow::Cow;
use std::time::Duration;

use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use http::Method;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use waypost_core::credentials::Scope;
use waypost_core::wire::v1::ErrorCode;

use crate::gateway::authentication::TICKET;
use crate::gateway::deprecation::Deprecation;
use crate::gateway::routes::{Dialect, Kind};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everyone; nothing of a workspace is shown.
    Public,
    /// Those whose credentials have this scope.
    Scope(Scope),
    /// Those who signed in, by their browser: the session itself is what is asked about.
    Session,
}

impl From<Scope> for Access {
    fn from(scope: Scope) -> Self {
        Self::Scope(scope)
    }
}

/// What a body may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyRule {
    /// The most bytes.
    pub(crate) most: usize,
    /// The media types, the best first.
    pub(crate) media: &'static [&'static str],
}

/// What is checked before the handler. A request extension, so that extractors see it.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) access: Access,
    pub(crate) body: Option<BodyRule>,
    /// The media types that it answers with when all is well.
    pub(crate) produces: Vec<&'static str>,
    /// Whether a ticket in the query string is a sign of who asks.
    pub(crate) takes_ticket: bool,
    /// Whether its handler reads the query string.
    pub(crate) takes_query: bool,
    /// Whether the handler takes the body as it comes, and bounds it itself; what is not read whole is not detached from
    /// its caller either.
    pub(crate) is_streamed: bool,
    /// The policy of the caller's plan that it is counted by, besides those of every request; by address, and of the common
    /// plan, where the route is public.
    pub(crate) policy: Option<Cow<'static, str>>,
}

/// One route.
pub(crate) struct Route<S> {
    pub(crate) method: Method,
    pub(crate) path: Cow<'static, str>,
    pub(crate) rules: Rules,
    pub(crate) doc: Doc,
    pub(crate) farewell: Option<Deprecation>,
    /// In which shape it tells errors.
    pub(crate) dialect: Dialect,
    /// Its own deadline instead of the common one.
    pub(crate) time_limit: Option<Duration>,
    /// How it answers.
    pub(crate) kind: Kind,
    pub(crate) handler: MethodRouter<S>,
}

/// How a route is documented.
#[derive(Default)]
pub(crate) struct Doc {
    pub(crate) tag: &'static str,
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<&'static str>,
    pub(crate) is_keyed: bool,
    pub(crate) answers: Vec<Answers>,
    pub(crate) errors: Vec<ErrorCode>,
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
}

/// One kind of answer.
pub(crate) struct Answers {
    pub(crate) status: u16,
    pub(crate) says: &'static str,
    pub(crate) media: Option<&'static str>,
    pub(crate) schema: Option<&'static str>,
    pub(crate) headers: &'static [&'static str],
}

/// One parameter.
#[derive(Clone)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) kind: Type,
    pub(crate) format: Option<&'static str>,
    pub(crate) allowed: Vec<Cow<'static, str>>,
    pub(crate) says: &'static str,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
}

impl Parameter {
    fn new(name: &'static str, place: Place, kind: Type, says: &'static str) -> Self {
        Self { name, place, kind, format: None, allowed: Vec::new(), says }
    }

    pub(crate) fn path(name: &'static str, says: &'static str) -> Self {
        Self::new(name, Place::Path, Type::String, says)
    }

    pub(crate) fn query(name: &'static str, kind: Type, says: &'static str) -> Self {
        Self::new(name, Place::Query, kind, says)
    }

    pub(crate) fn header(name: &'static str, says: &'static str) -> Self {
        Self::new(name, Place::Header, Type::String, says)
    }

    pub(crate) fn time(name: &'static str, says: &'static str) -> Self {
        Self { format: Some("date-time"), ..Self::query(name, Type::String, says) }
    }

    pub(crate) fn one_of(name: &'static str, allowed: &[&'static str], says: &'static str) -> Self {
        let allowed = allowed.iter().copied().map(Cow::Borrowed).collect();
        Self { allowed, ..Self::query(name, Type::String, says) }
    }
}

macro_rules! methods {
    ($($name:ident => $method:ident),*) => {$(
        pub(crate) fn $name<H, T>(path: &'static str, access: impl Into<Access>, handler: H) -> Self
        where
            H: Handler<T, S>,
            T: 'static,
        {
            Self::new(Method::$method, path, access.into(), routing::$name(handler))
        }
    )*};
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    methods!(get => GET, post => POST, patch => PATCH, delete => DELETE);

    fn new(method: Method, path: &'static str, access: Access, handler: MethodRouter<S>) -> Self {
        let rules = Rules {
            access,
            body: None,
            produces: Vec::new(),
            takes_ticket: false,
            takes_query: false,
            is_streamed: false,
            policy: None,
        };
        Self {
            method,
            path: path.into(),
            rules,
            doc: Doc::default(),
            farewell: None,
            dialect: Dialect::default(),
            time_limit: None,
            kind: Kind::default(),
            handler,
        }
    }

    /// Names it: the group that it belongs to, its operation id, and what it does.
    pub(crate) fn says(mut self, tag: &'static str, name: &'static str, summary: &'static str) -> Self {
        (self.doc.tag, self.doc.name, self.doc.summary) = (tag, name, summary);
        self
    }

    /// Declares its parameters.
    pub(crate) fn takes(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.doc.parameters.extend(parameters);
        self.rules.takes_query = self.doc.parameters.iter().any(|parameter| parameter.place == Place::Query);
        self
    }

    /// Declares the policy of the caller's plan that it is counted by, besides those of every request.
    pub(crate) fn limited_by(mut self, policy: &'static str) -> Self {
        self.rules.policy = Some(policy.into());
        self
    }

    /// Declares how it answers, where that is not at once and whole.
    pub(crate) fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Declares a deadline of its own.
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Declares that it can be opened by a ticket: for streams, at which a browser sets no header.
    pub(crate) fn by_ticket(mut self) -> Self {
        self.rules.takes_ticket = true;
        let says = "Instead of a header or a cookie: a ticket from `POST /v1/events/tickets`, good once.";
        self.takes([Parameter::query(TICKET, Type::String, says)])
    }

    /// Declares its body.
    pub(crate) fn reads<T: ToSchema + PartialSchema>(
        mut self,
        name: &'static str,
        most: usize,
        media: &'static [&'static str],
    ) -> Self {
        self.add_schema::<T>(name);
        self.doc.body = Some(name);
        self.rules.body = Some(BodyRule { most, media });
        self
    }

    /// Declares that it takes an `Idempotency-Key`.
    pub(crate) fn keyed(mut self) -> Self {
        self.doc.is_keyed = true;
        self.takes([Parameter::header(
            "Idempotency-Key",
            "The client's name for this one request; see RFC 8941 §3.3.3.",
        )])
    }

    /// Declares an answer of JSON.
    pub(crate) fn answers<T: ToSchema + PartialSchema>(
        mut self,
        status: u16,
        name: &'static str,
        says: &'static str,
        headers: &'static [&'static str],
    ) -> Self {
        self.add_schema::<T>(name);
        self.answer(status, says, Some("application/json"), Some(name), headers)
    }

    /// Declares an answer of another media type, or of JSON that no client needs to pick apart.
    pub(crate) fn answers_with(
        self,
        media: &'static str,
        says: &'static str,
        headers: &'static [&'static str],
    ) -> Self {
        self.answer(200, says, Some(media), None, headers)
    }

    /// Declares an answer of JSON with another status, which is no error of the one shape.
    pub(crate) fn answers_also(self, status: u16, says: &'static str) -> Self {
        self.answer(status, says, Some("application/json"), None, &["Retry-After"])
    }

    /// Declares a page for people, with a status of its own.
    pub(crate) fn answers_page(self, status: u16, says: &'static str) -> Self {
        self.answer(status, says, Some("text/html"), None, &["Retry-After"])
    }

    /// Declares an answer without a body.
    pub(crate) fn answers_nothing(self, status: u16, says: &'static str) -> Self {
        self.answer(status, says, None, None, &[])
    }

    /// Declares that a client which knows the answer already is told so.
    pub(crate) fn unless_known(self) -> Self {
        self.takes([Parameter::header("If-None-Match", "The `ETag` of what the client has.")]).answer(
            304,
            "The client has it already.",
            None,
            None,
            &["ETag"],
        )
    }

    /// Declares that the path is on its way out, with all its methods: every answer says so, and after the sunset it is
    /// 410. No route of this version is; a test takes one through it.
    #[cfg(test)]
    pub(crate) fn retires(mut self, farewell: Deprecation) -> Self {
        self.farewell = Some(farewell);
        self
    }

    /// Declares that it tells errors as OAuth clients read them.
    pub(crate) fn speaks_oauth(mut self) -> Self {
        self.dialect = Dialect::OAuth;
        self
    }

    /// Declares errors of its own, besides those of its kind.
    pub(crate) fn fails(mut self, errors: &[ErrorCode]) -> Self {
        self.doc.errors.extend(errors);
        self
    }

    fn answer(
        mut self,
        status: u16,
        says: &'static str,
        media: Option<&'static str>,
        schema: Option<&'static str>,
        headers: &'static [&'static str],
    ) -> Self {
        self.rules.produces.extend(media);
        self.doc.answers.push(Answers { status, says, media, schema, headers });
        self
    }

    fn add_schema<T: ToSchema + PartialSchema>(&mut self, name: &str) {
        T::schemas(&mut self.doc.schemas);
        self.doc.schemas.push((name.to_owned(), T::schema()));
    }

    /// Every error that it may answer with: its own, and those of its kind.
    pub(crate) fn errors(&self) -> Vec<ErrorCode> {
        use ErrorCode as Code;
        let mut codes = vec![
            Code::MalformedRequest,
            Code::NotAcceptable,
            Code::RequestTimeout,
            Code::UriTooLong,
            Code::RateLimited,
            Code::HeadersTooLarge,
            Code::Internal,
            Code::Unavailable,
            Code::UpstreamTimeout,
        ];
        if self.rules.access != Access::Public {
            codes.extend([Code::Unauthenticated, Code::TokenExpired]);
            // A change under a cookie that no page of ours asked for.
            if !self.method.is_safe() {
                codes.push(Code::Forbidden);
            }
        }
        if matches!(self.rules.access, Access::Scope(_)) {
            codes.push(Code::InsufficientScope);
        }
        if self.rules.body.is_some() {
            codes.extend([Code::PayloadTooLarge, Code::UnsupportedMediaType, Code::ValidationFailed]);
        } else if self.rules.access != Access::Public {
            codes.push(Code::ValidationFailed);
        }
        if self.doc.is_keyed {
            codes.extend([
                Code::InvalidIdempotencyKey,
                Code::IdempotencyInFlight,
                Code::Conflict,
                Code::IdempotencyKeyReused,
            ]);
        }
        codes.extend(&self.doc.errors);
        codes.sort_by_key(|code| (code.status(), code.as_str()));
        codes.dedup();
        codes
    }
}
