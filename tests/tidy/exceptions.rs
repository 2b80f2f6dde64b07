//! Every exception from a rule, with its reason. Short on purpose: the first cure is to change the code.
//!
//! An exception that nothing needs any more fails its rule, so this list cannot rot.

/// Files of more than 400 lines that hold one idea all the same.
pub(crate) const LONG_FILES: &[(&str, &str)] = &[];

/// Files of core outside `wire/` whose private values are stored or signed as JSON.
pub(crate) const SERDE_OUTSIDE_WIRE: &[(&str, &str)] = &[];

/// Modules of the adapters that belong to no technology.
pub(crate) const MODULES_SHARED_BY_ADAPTERS: &[(&str, &str)] = &[(
    "egress",
    "which addresses may be called on behalf of others is one decision, for webhooks and whatever else calls them",
)];
