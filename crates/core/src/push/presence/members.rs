//! Who is known to be at a place, and how that changes.

use std::collections::HashMap;
use std::sync::Arc;

use super::Presence;

/// Somebody came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PresenceChange {
    /// They are here now.
    Joined(Presence),
    /// They are not here any more.
    Left(Presence),
}

/// Who was at a place when the store was last asked.
///
/// It is never changed, only replaced by the next: whoever holds one can compare it with a later one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Members {
    generation: u64,
    present: Arc<[Presence]>,
    /// From the generation before this one: most who look have seen that one, and share the comparison.
    changes: Arc<[PresenceChange]>,
}

impl Members {
    /// How often this list has changed: 0 before the store was asked for the first time, and one more with every change.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Who is here, the oldest first; the session that asks is among them. At most 1,000.
    pub fn present(&self) -> &[Presence] {
        &self.present
    }

    /// What came about since `before`, an earlier list of the same place.
    pub fn since(&self, before: &Self) -> Arc<[PresenceChange]> {
        match self.generation.checked_sub(before.generation) {
            Some(0) => Arc::default(),
            Some(1) => Arc::clone(&self.changes),
            _ => changes(&before.present, &self.present).into(),
        }
    }

    /// The list after this one; `None` if it would tell nothing new.
    #[cfg(feature = "services")]
    pub(super) fn next(&self, present: Vec<Presence>) -> Option<Self> {
        // Most readings find what was there, in the same order.
        if self.generation > 0 && *self.present == *present {
            return None;
        }
        let changes = changes(&self.present, &present);
        // The first answer is news even if nobody is here: from then on that is known.
        let is_news = self.generation == 0 || !changes.is_empty();
        is_news.then(|| Self { generation: self.generation + 1, present: present.into(), changes: changes.into() })
    }
}

/// What leads from one list of a place to another: first who left, then who joined, each in the order of their list.
///
/// A session that is in both and not the same, since it came anew in between, left and joined.
pub fn changes(before: &[Presence], after: &[Presence]) -> Vec<PresenceChange> {
    let missing = |list: &[Presence], from: &[Presence]| -> Vec<Presence> {
        let known: HashMap<_, _> = from.iter().map(|presence| (presence.session, presence)).collect();
        list.iter().filter(|presence| known.get(&presence.session) != Some(presence)).copied().collect()
    };
    let left = missing(before, after).into_iter().map(PresenceChange::Left);
    let joined = missing(after, before).into_iter().map(PresenceChange::Joined);
    left.chain(joined).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::credentials::Actor;
    use crate::ids::{KeyId, SessionId};

    fn presence(n: u8, second: i64) -> Presence {
        Presence {
            session: SessionId::from_bytes([n; 16]),
            actor: Actor::Key(KeyId::from_bytes([1; 16])),
            since: Timestamp::from_second(second).unwrap(),
        }
    }

    fn lists() -> impl Strategy<Value = Vec<Presence>> {
        let members = prop::collection::btree_map(0_u8..12, 0_i64..3, 0..12);
        members.prop_map(|members| members.into_iter().map(|(n, second)| presence(n, second)).collect())
    }

    proptest! {
        #[test]
        fn changes_lead_from_one_list_to_the_other_and_say_nothing_needless(before in lists(), after in lists()) {
            let mut present: HashSet<_> = before.iter().copied().collect();
            for change in changes(&before, &after) {
                match change {
                    PresenceChange::Left(gone) => prop_assert!(present.remove(&gone)),
                    PresenceChange::Joined(new) => prop_assert!(present.insert(new)),
                }
            }
            prop_assert_eq!(present, after.iter().copied().collect::<HashSet<_>>());
        }
    }

    #[test]
    fn who_comes_anew_left_and_joined() {
        let (old, new) = (presence(1, 1), presence(1, 2));
        assert_eq!(changes(&[old], &[new]), [PresenceChange::Left(old), PresenceChange::Joined(new)]);
        assert_eq!(changes(&[old], &[old]), []);
    }

    #[test]
    #[cfg(feature = "services")]
    fn a_list_is_replaced_by_what_is_new_and_tells_what_came_about_since_any_before_it() {
        let unknown = Members::default();
        let empty = unknown.next(Vec::new()).expect("that nobody is here is news once");
        assert_eq!((empty.generation(), empty.next(Vec::new())), (1, None));
        let one = empty.next(vec![presence(1, 1)]).expect("news");
        assert_eq!(one.next(vec![presence(1, 1)]), None);
        let other = one.next(vec![presence(2, 2)]).expect("news");
        let (left, joined) = (PresenceChange::Left(presence(1, 1)), PresenceChange::Joined(presence(2, 2)));
        assert_eq!(other.since(&one)[..], [left, joined]);
        assert_eq!(other.since(&empty)[..], [joined], "who came and went in between is not told of");
        assert_eq!(other.since(&unknown)[..], [joined]);
        assert_eq!(other.since(&other)[..], []);
    }
}
