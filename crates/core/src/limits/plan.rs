//! Plans: named sets of policies.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Algorithm, Policy};
use crate::credentials::PlanName;

/// What is counted of every request, for the one who asks.
pub const API: &str = "api";
/// What is counted of every request, for the workspace as a whole. No plan that comes along has it.
pub const WORKSPACE: &str = "workspace";
/// Steps of signing in, by client address.
pub const SIGN_INS: &str = "sign-ins";
/// Registrations of webhook endpoints.
pub const WEBHOOK_REGISTRATIONS: &str = "webhook-registrations";

/// The plans of a platform: the common one, and those that keys and clients are put on by name.
///
/// A policy is looked for in the plan of who asks, then in the common one; what stands in neither is not limited. So a
/// plan says only what it changes. A name that no plan has (any more) is as good as none.
#[derive(Clone, Debug)]
pub struct Plans {
    common: Plan,
    named: BTreeMap<PlanName, Plan>,
}

/// A named set of policies, each under its own name.
pub type Plan = BTreeMap<Box<str>, Policy>;

impl Default for Plans {
    /// A common plan that no honest program meets, and two to hand out:
    ///
    /// | plan | `api` | `workspace` | `webhook-registrations` |
    /// |---|---|---|---|
    /// | common | 120,000 a minute | | 60 a minute |
    /// | `free` | 600 a minute | 1,200 a minute | 5 a minute |
    /// | `partner` | 6,000 a minute | | 10 a minute |
    ///
    /// Requests are counted in a token bucket, which lets bursts through; registrations in a sliding window, which never
    /// holds more than the quota wherever it begins.
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        let bucket = |name, quota| Policy::new(name, Algorithm::TokenBucket, quota, MINUTE).expect("bounds of ours");
        let window = |name, quota| Policy::new(name, Algorithm::SlidingWindow, quota, MINUTE).expect("bounds of ours");
        let name = |text| PlanName::parse(text).expect("a name of ours");
        // Each step may cost a row and a call of the provider; a whole office behind one address signs in with less.
        Self::common([bucket(API, 120_000), window(SIGN_INS, 300), window(WEBHOOK_REGISTRATIONS, 60)])
            .with(name("free"), [bucket(API, 600), bucket(WORKSPACE, 1_200), window(WEBHOOK_REGISTRATIONS, 5)])
            .with(name("partner"), [bucket(API, 6_000), window(WEBHOOK_REGISTRATIONS, 10)])
    }
}

impl Plans {
    /// A common plan and no other.
    pub fn common(policies: impl IntoIterator<Item = Policy>) -> Self {
        Self { common: plan(policies), named: BTreeMap::new() }
    }

    /// With a plan of this name; one that is there already takes the policies into it, in the place of those of their
    /// names.
    #[must_use]
    pub fn with(mut self, name: PlanName, policies: impl IntoIterator<Item = Policy>) -> Self {
        self.named.entry(name).or_default().extend(plan(policies));
        self
    }

    /// With these policies in the common plan, in the place of those of their names.
    #[must_use]
    pub fn with_common(mut self, policies: impl IntoIterator<Item = Policy>) -> Self {
        self.common.extend(plan(policies));
        self
    }

    /// Whether there is a plan of this name.
    pub fn knows(&self, name: &PlanName) -> bool {
        self.named.contains_key(name)
    }

    /// The names of all plans but the common one.
    pub fn names(&self) -> impl Iterator<Item = &PlanName> {
        self.named.keys()
    }

    /// The names of the policies that the common plan has, which everybody is counted by.
    pub fn policies(&self) -> impl Iterator<Item = &str> {
        self.common.keys().map(|name| &**name)
    }

    /// The policy of this name for who is on `plan`.
    pub fn policy(&self, plan: Option<&PlanName>, policy: &str) -> Option<&Policy> {
        let own = plan.and_then(|name| self.named.get(name)?.get(policy));
        own.or_else(|| self.common.get(policy))
    }
}

fn plan(policies: impl IntoIterator<Item = Policy>) -> Plan {
    policies.into_iter().map(|policy| (policy.name().into(), policy)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_only_what_it_changes() {
        let plans = Plans::default();
        let name = |text| PlanName::parse(text).unwrap();
        let quota = |plan: Option<&PlanName>, policy| plans.policy(plan, policy).map(Policy::quota);
        let (partner, gone) = (name("partner"), name("gone"));
        assert_eq!(quota(Some(&partner), WEBHOOK_REGISTRATIONS), Some(10));
        assert_eq!(quota(Some(&partner), WORKSPACE), None);
        assert_eq!(quota(Some(&gone), WEBHOOK_REGISTRATIONS), Some(60), "as good as none");
        let plans =
            plans.with(partner.clone(), [Policy::new(API, Algorithm::FixedWindow, 7, Duration::from_secs(1)).unwrap()]);
        assert_eq!(plans.policy(Some(&partner), API).unwrap().quota(), 7);
        assert_eq!(plans.policy(Some(&partner), WEBHOOK_REGISTRATIONS).unwrap().quota(), 10, "the rest stays");
    }
}
