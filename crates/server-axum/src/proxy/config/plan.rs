//! A configuration that was checked: what is left to do is to build it.

use http::Method;
use waypost_core::credentials::Scope;

use super::section::{Route, Upstream};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Public,
    /// Those whose credentials have this scope.
    Scope(Scope),
}

/// One route whose words are all known.
#[derive(Clone, Debug)]
pub struct PlannedRoute {
    /// As it was written.
    pub route: Route,
    /// Its methods, each once.
    pub methods: Vec<Method>,
    /// Who may.
    pub access: Access,
    /// How often, if it says so.
    pub policy: Option<String>,
    /// The number of its upstream in [`Plan::upstreams`].
    pub upstream: usize,
}

/// Routes and upstreams that fit together.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The routes, as ordered in the file.
    pub routes: Vec<PlannedRoute>,
    /// The upstreams, those without a route included: their targets are asked how they are all the same.
    pub upstreams: Vec<Upstream>,
}
