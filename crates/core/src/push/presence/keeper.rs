//! Keeping the sessions of this node present, and finding out who else is.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::PresenceStore;
use super::board::{Board, MOST_MEMBERS, TIME_TO_LIVE};
use crate::engine::{Engine, Next};
use crate::error::{Error, Result};

/// Sessions that are told of in one call: of 100,000 that are renewed every ten seconds, twenty calls a second.
const TOLD_AT_ONCE: usize = 500;
/// Places that are read in one call. Each may have a thousand members, so an answer takes 5 MB at most.
const READ_AT_ONCE: usize = 100;
/// How often what is over is removed: once a minute, since it is in nobody's way and only takes room.
const SWEEPING: Duration = Duration::from_secs(60);
/// For how long it must have been over: a minute, so that a node whose clock is ahead by less takes nobody of others away.
const OVER_FOR: Duration = Duration::from_secs(60);
/// What one call removes, so that others get their turn between two.
const SWEPT_AT_ONCE: usize = 1_000;

/// Enters, renews and takes away the sessions of this node, and reads who is where they watch.
///
/// While the store is away, nothing that is known changes, and what is to be told waits. Others hear of a node that died
/// when the time to live of its sessions has passed.
#[derive(Debug)]
pub struct PresenceKeeper {
    board: Arc<Board>,
    store: Arc<dyn PresenceStore>,
    sweep_at: Timestamp,
}

impl PresenceKeeper {
    pub(super) fn new(board: Arc<Board>, store: Arc<dyn PresenceStore>) -> Self {
        Self { board, store, sweep_at: Timestamp::MIN }
    }

    async fn tell_left(&self, now: Timestamp) -> Result<()> {
        let stays = self.board.leaving(now, TOLD_AT_ONCE);
        if !stays.is_empty() {
            self.store.leave(&stays).await?;
            self.board.told_left(&stays);
        }
        Ok(())
    }

    async fn enter(&self, now: Timestamp) -> Result<()> {
        let stays = self.board.entering(now, TOLD_AT_ONCE);
        if !stays.is_empty() {
            self.store.enter(&stays, now, TIME_TO_LIVE).await?;
            self.board.entered(&stays, now);
        }
        Ok(())
    }

    async fn read(&self, now: Timestamp) -> Result<()> {
        let places = self.board.reading(now, READ_AT_ONCE);
        if !places.is_empty() {
            let lists = self.store.present(&places, now, MOST_MEMBERS).await?;
            if lists.len() != places.len() {
                return Err(Error::internal("the store answered other places than it was asked for"));
            }
            self.board.read(places.into_iter().zip(lists).collect(), now);
        }
        Ok(())
    }

    async fn sweep(&mut self, now: Timestamp) -> Result<()> {
        if self.sweep_at <= now {
            let before = now.saturating_sub(OVER_FOR).unwrap_or(Timestamp::MIN);
            let swept = self.store.sweep(before, SWEPT_AT_ONCE).await?;
            self.sweep_at = if swept < SWEPT_AT_ONCE { now + SWEEPING } else { now };
        }
        Ok(())
    }
}

#[async_trait]
impl Engine for PresenceKeeper {
    fn name(&self) -> &'static str {
        "presence"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        // In this order: who came back after they left is here, and who has come finds themselves in the list.
        self.tell_left(now).await?;
        self.enter(now).await?;
        self.read(now).await?;
        self.sweep(now).await?;
        if self.board.due_to_tell().is_some_and(|due| due <= now) {
            return Ok(Next::Now);
        }
        // What is left to read does not keep a node that is being stopped.
        let due = self.board.due().map_or(self.sweep_at, |due| due.min(self.sweep_at));
        Ok(Next::At(due.max(now)))
    }

    async fn woken(&self) {
        self.board.noted().await;
    }

    async fn finish(&mut self) -> Result<()> {
        for stays in self.board.everybody().chunks(TOLD_AT_ONCE) {
            self.store.leave(stays).await?;
        }
        Ok(())
    }
}
