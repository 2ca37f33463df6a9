//! Requests of a system that repeats them until they are answered: each is taken once, and answered when the host has it.

use std::collections::VecDeque;

use tokio::sync::{Mutex, mpsc, oneshot};

use crate::connector::ConnectError;

/// The number of requests that are remembered to recognize a repeated one.
const REMEMBERED: usize = 1_000;

/// Where requests arrive.
pub struct Inbox<T> {
    sender: mpsc::Sender<(T, oneshot::Sender<()>)>,
    /// The requests that were taken, by id.
    seen: Mutex<VecDeque<String>>,
}

/// Where they are read.
pub struct InboxReader<T> {
    requests: mpsc::Receiver<(T, oneshot::Sender<()>)>,
    /// Who waits until the last request is taken.
    answer: Option<oneshot::Sender<()>>,
}

pub fn inbox<T>() -> (Inbox<T>, InboxReader<T>) {
    let (sender, requests) = mpsc::channel(16);
    let inbox = Inbox {
        sender,
        seen: Mutex::new(VecDeque::new()),
    };
    let reader = InboxReader {
        requests,
        answer: None,
    };
    (inbox, reader)
}

impl<T> Inbox<T> {
    /// Whether a request is taken, now or before; otherwise it has to come again.
    pub async fn take(&self, id: &str, request: T) -> bool {
        // One at a time, in order: one that is repeated while it is taken is not taken twice.
        let mut seen = self.seen.lock().await;
        if seen.iter().any(|one| one == id) {
            return true;
        }
        let (taken, wait) = oneshot::channel();
        if self.sender.send((request, taken)).await.is_err() || wait.await.is_err() {
            return false;
        }
        seen.push_back(id.to_owned());
        if seen.len() > REMEMBERED {
            seen.pop_front();
        }
        true
    }
}

impl<T> InboxReader<T> {
    /// The next request. It may be dropped before it is ready.
    ///
    /// # Errors
    /// None can come any more.
    pub async fn next(&mut self) -> Result<T, ConnectError> {
        let next = self.requests.recv().await;
        let (request, answer) = next.ok_or_else(|| ConnectError::lost("the listener has ended"))?;
        self.answer = Some(answer);
        Ok(request)
    }

    /// The last request is taken.
    pub fn taken(&mut self) {
        if let Some(answer) = self.answer.take() {
            // Who has given up waiting repeats the request.
            let _ = answer.send(());
        }
    }
}
