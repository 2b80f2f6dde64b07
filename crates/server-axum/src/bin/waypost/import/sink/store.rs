//! The store itself: each link through the same use case as over the API, so that each has its event.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::stream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use waypost_core::credentials::Principal;
use waypost_core::links::{Atomicity, Draft, Slug};
use waypost_core::{Error, Kind, Platform};

use super::{Fate, Sink};
use crate::import::batch::Item;
use crate::import::draft;
use crate::import::formats::Row;
use crate::import::slugs::Slugs;

/// Look-ups at a time: as many as the store has connections that read.
const LOOK_UPS: usize = 4;

/// The store of this process.
pub(in crate::import) struct StoreSink {
    platform: Arc<Platform>,
    operator: Principal,
    slugs: Slugs,
}

impl StoreSink {
    /// Makes links as `operator`.
    pub(in crate::import) fn new(platform: Arc<Platform>, operator: Principal, secret: [u8; 32]) -> Self {
        Self { platform, operator, slugs: Slugs::new(secret) }
    }

    /// What stands where the link of a draft would; `None` if nothing does.
    async fn standing(&self, draft: &Draft) -> Result<Option<Fate>, Error> {
        let Some(slug) = &draft.slug else {
            return Ok(None);
        };
        let link = self.platform.ports().links.find(&draft.domain, slug).await?;
        Ok(link.map(|link| {
            if link.workspace != self.operator.workspace {
                Fate::Taken("the slug is taken".to_owned())
            } else if link.destination == draft.destination {
                Fate::Already
            } else {
                Fate::Taken(format!("the slug is taken by a link to {}", link.destination))
            }
        }))
    }

    /// The same for many, side by side.
    async fn standing_all(&self, drafts: impl Iterator<Item = &Draft>) -> Result<Vec<Option<Fate>>, Error> {
        let look_ups: Vec<_> = drafts.map(|draft| self.standing(draft)).collect();
        stream::iter(look_ups).buffered(LOOK_UPS).try_collect().await
    }
}

impl Sink for StoreSink {
    type Ready = Draft;

    fn slugs(&self) -> &Slugs {
        &self.slugs
    }

    fn ready(&self, row: &Row, slug: &Slug) -> Result<Draft, String> {
        draft::draft(row, slug, &self.platform.site, self.platform.clock.now())
    }

    async fn write(&self, items: &[Item<Draft>]) -> Result<VecDeque<Fate>, Error> {
        let drafts = items.iter().map(|item| Ok(item.ready.clone())).collect();
        let created = self.platform.links.create_many(&self.operator, drafts, Atomicity::Each, None).await?;
        let mut fates = VecDeque::with_capacity(items.len());
        let mut taken = Vec::new();
        for (created, item) in created.into_iter().zip(items) {
            fates.push_back(match created {
                Ok(_) => Fate::Made,
                Err(error) if error.kind() == Kind::AlreadyExists => {
                    taken.push((fates.len(), &item.ready));
                    // Gone between the two, if the look-up finds nothing: the next run makes it.
                    Fate::Refused("the slug was taken, and is free by now; import it again".to_owned())
                }
                Err(error) if error.kind() == Kind::Invalid => Fate::Refused(draft::in_words(error.issues())),
                Err(error) => return Err(error),
            });
        }
        // Most imports meet nobody; one that is run again meets itself all along.
        let standing = self.standing_all(taken.iter().map(|(_, draft)| *draft)).await?;
        for ((at, _), found) in taken.into_iter().zip(standing) {
            if let (Some(slot), Some(fate)) = (fates.get_mut(at), found) {
                *slot = fate;
            }
        }
        Ok(fates)
    }

    async fn look(&self, items: &[Item<Draft>]) -> Result<VecDeque<Fate>, Error> {
        let standing = self.standing_all(items.iter().map(|item| &item.ready)).await?;
        Ok(standing.into_iter().map(|found| found.unwrap_or(Fate::Made)).collect())
    }
}
