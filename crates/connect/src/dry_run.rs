//! A connector that listens and sends nothing.

use async_trait::async_trait;

use crate::connector::{CommandSink, ConnectError, Connection, Connector, SetOutcome};
use crate::report::{SystemCommand, SystemUser};

/// Says of every command that it was carried out.
pub struct DryRun(pub Box<dyn Connector>);

#[async_trait]
impl Connector for DryRun {
    async fn connect(&mut self, users: &[SystemUser]) -> Result<Connection, ConnectError> {
        let Connection { source, .. } = self.0.connect(users).await?;
        let sink = Box::new(DrySink);
        Ok(Connection { source, sink })
    }

    fn settable(&self) -> Option<&'static [&'static str]> {
        self.0.settable()
    }

    fn concurrency(&self) -> usize {
        self.0.concurrency()
    }
}

/// It reads nothing: a command that was not sent has no effect to look for.
struct DrySink;

#[async_trait]
impl CommandSink for DrySink {
    async fn set(&self, _: &SystemCommand) -> Result<SetOutcome, ConnectError> {
        Ok(SetOutcome::Done)
    }
}
