//! The engines, as tasks.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use waypost_core::engine::Engine;
use waypost_core::{Platform, engine};

use crate::roles::Roles;

/// The running engines, in the order in which they are to be stopped: clicks are counted, then told as events, then sent.
#[derive(Debug)]
pub(super) struct Engines(Vec<Running>);

#[derive(Debug)]
struct Running {
    name: &'static str,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Engines {
    /// Starts the engines of the platform and those of this program, as far as the node's roles bring them.
    pub(super) fn start(platform: &Platform, own: impl IntoIterator<Item = Box<dyn Engine>>, roles: &Roles) -> Self {
        let brought = platform.engines().into_iter().chain(own).filter(|engine| roles.runs(engine.name()));
        let running = brought.map(|engine| {
            let (name, stop) = (engine.name(), CancellationToken::new());
            let run = engine::run(engine, platform.clock.clone(), platform.entropy.clone(), stop.clone());
            Running { name, stop, task: tokio::spawn(run) }
        });
        Self(running.collect())
    }

    /// Stops one after the other, each once it has nothing more to do. Names those that were not done in time.
    pub(super) async fn stop(self, patience: Duration) -> Vec<&'static str> {
        let mut left: Vec<&'static str> = self.0.iter().map(|running| running.name).collect();
        // A task that is dropped halfway leaves a whole store: its writes are transactions.
        let _ = tokio::time::timeout(patience, async {
            for running in self.0 {
                running.stop.cancel();
                if let Err(fault) = running.task.await {
                    tracing::error!(engine = running.name, error = ?fault, "an engine did not end well");
                }
                left.retain(|name| *name != running.name);
            }
        })
        .await;
        left
    }
}
