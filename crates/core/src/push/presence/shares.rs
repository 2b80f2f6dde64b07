//! How much of a node its workspaces take.

use std::collections::HashMap;

use crate::ids::WorkspaceId;

/// Places that a node watches: one reading of all of them takes five seconds.
pub(super) const MOST_PLACES: usize = 10_000;
/// Watches of a node, about 300 bytes each: ten for each of 10,000 sessions.
pub(super) const MOST_WATCHES: usize = 100_000;
/// Members that a node knows of all its places together, 48 bytes each. Beyond, lists are cut short.
pub(super) const MOST_KNOWN: usize = 1_000_000;
/// One workspace takes a quarter of each at most, so it takes several to leave nothing for the others.
pub(super) const PART: usize = 4;

/// What is taken, by all and by each workspace.
#[derive(Debug, Default)]
pub(super) struct Shares {
    all: Share,
    each: HashMap<WorkspaceId, Share>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    places: usize,
    watches: usize,
    known: usize,
}

impl Share {
    fn has_room(&self, part: usize, is_new: bool) -> bool {
        self.watches < MOST_WATCHES / part && !(is_new && self.places >= MOST_PLACES / part)
    }

    /// How many members of a place may be known, of which so many are already.
    fn room(&self, part: usize, before: usize) -> usize {
        MOST_KNOWN / part - (self.known - before)
    }
}

impl Shares {
    /// Counts a watch, and its place if that is new. Says whether there was room for it; if not, nothing is counted.
    pub(super) fn watch(&mut self, workspace: WorkspaceId, is_new: bool) -> bool {
        let share = self.each.get(&workspace).copied().unwrap_or_default();
        if !self.all.has_room(1, is_new) || !share.has_room(PART, is_new) {
            return false;
        }
        for share in [&mut self.all, self.each.entry(workspace).or_default()] {
            share.watches += 1;
            share.places += usize::from(is_new);
        }
        true
    }

    /// Notes that a watch is over.
    pub(super) fn unwatch(&mut self, workspace: WorkspaceId) {
        let Some(share) = self.each.get_mut(&workspace) else { return };
        for share in [&mut self.all, share] {
            share.watches -= 1;
        }
    }

    /// Notes that nobody watches a place any more, of which so many members were known.
    pub(super) fn close(&mut self, workspace: WorkspaceId, known: usize) {
        let Some(share) = self.each.get_mut(&workspace) else { return };
        for share in [&mut self.all, &mut *share] {
            share.places -= 1;
            share.known -= known;
        }
        // Whoever watches watches a place.
        if share.places == 0 {
            self.each.remove(&workspace);
        }
    }

    /// Notes how many members a place has instead of those before. Gives how many of them may be known.
    pub(super) fn know(&mut self, workspace: WorkspaceId, before: usize, now: usize) -> usize {
        let Some(share) = self.each.get_mut(&workspace) else { return 0 };
        let known = now.min(self.all.room(1, before)).min(share.room(PART, before));
        for share in [&mut self.all, share] {
            share.known = share.known - before + known;
        }
        known
    }
}
