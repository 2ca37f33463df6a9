//! The kinds of systems that tests play.

use async_trait::async_trait;
use presync_connect::Connector;

use crate::graph::PlayedGraph;
use crate::icws::PlayedIcws;
use crate::matrix::PlayedMatrix;
use crate::scripted::{PlayedAdapter, PlayedMemory};
use crate::webhook::PlayedWebhook;

/// A system whose users are `ann` and `bob`, who show the first of its states.
#[async_trait]
pub trait PlayedSystem: Sync {
    fn name(&self) -> &'static str;

    fn connector(&self) -> Box<dyn Connector>;

    /// Two that can be set.
    fn states(&self) -> [&'static str; 2];

    /// A person chooses a state.
    async fn choose(&self, user: &str, state: &str);

    fn shown(&self, user: &str) -> String;

    /// How often a state was to be set, also in vain.
    fn times_set(&self, user: &str) -> usize;

    /// Commands are refused.
    fn refuse(&self, refuse: bool);

    /// Commands may work later.
    fn busy(&self, busy: bool);

    /// Commands are taken, and nothing happens.
    fn lose(&self, lose: bool);

    /// The connection breaks, and none can be made.
    async fn cut(&self);

    /// Connections can be made again.
    fn mend(&self);

    fn can_be_read(&self) -> bool {
        true
    }

    /// Whether there is a connection at all.
    fn can_be_cut(&self) -> bool {
        true
    }
}

/// Each of them, with its name.
pub async fn systems() -> Vec<(&'static str, Box<dyn PlayedSystem>)> {
    let all: [Box<dyn PlayedSystem>; 6] = [
        Box::new(PlayedMemory::default()),
        Box::new(PlayedAdapter::start()),
        Box::new(PlayedMatrix::start().await),
        Box::new(PlayedIcws::start(true).await),
        Box::new(PlayedGraph::start().await),
        Box::new(PlayedWebhook::start().await),
    ];
    all.into_iter().map(|one| (one.name(), one)).collect()
}
