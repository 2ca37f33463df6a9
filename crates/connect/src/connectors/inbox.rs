//! Requests of a system that repeats them until they are answered: each is taken once, and answered when the host has it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use crate::connector::ConnectError;

/// The number of requests that are remembered to recognize a repeated one.
const REMEMBERED: usize = 1_000;

/// Where requests arrive.
pub struct Inbox<T> {
    sender: mpsc::Sender<InboxRequest<T>>,
    taken: TakenIds,
}

/// Where they are read.
pub struct InboxReader<T> {
    requests: mpsc::Receiver<InboxRequest<T>>,
    taken: TakenIds,
    /// The id of the last request, and who waits until it is taken.
    last: Option<(String, oneshot::Sender<()>)>,
}

struct InboxRequest<T> {
    id: String,
    content: T,
    answer: oneshot::Sender<()>,
}

/// The requests that were taken, by id.
#[derive(Clone, Default)]
struct TakenIds(Arc<Mutex<VecDeque<String>>>);

impl TakenIds {
    fn has(&self, id: &str) -> bool {
        let ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.iter().any(|one| one == id)
    }

    fn add(&self, id: String) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.push_back(id);
        if ids.len() > REMEMBERED {
            ids.pop_front();
        }
    }
}

pub fn inbox<T>() -> (Inbox<T>, InboxReader<T>) {
    let (sender, requests) = mpsc::channel(16);
    let taken = TakenIds::default();
    let inbox = Inbox {
        sender,
        taken: taken.clone(),
    };
    let reader = InboxReader {
        requests,
        taken,
        last: None,
    };
    (inbox, reader)
}

impl<T> Inbox<T> {
    /// Whether a request is taken, now or before; otherwise it has to come again.
    pub async fn take(&self, id: &str, content: T) -> bool {
        if self.taken.has(id) {
            return true;
        }
        let (answer, taken) = oneshot::channel();
        let request = InboxRequest {
            id: id.to_owned(),
            content,
            answer,
        };
        self.sender.send(request).await.is_ok() && taken.await.is_ok()
    }
}

impl<T> InboxReader<T> {
    /// The next request that was not taken before. It may be dropped before it is ready.
    ///
    /// # Errors
    /// None can come any more.
    pub async fn next(&mut self) -> Result<T, ConnectError> {
        loop {
            let next = self.requests.recv().await;
            let request = next.ok_or_else(|| ConnectError::lost("the listener has ended"))?;
            // It was repeated while it was taken.
            if self.taken.has(&request.id) {
                let _ = request.answer.send(());
                continue;
            }
            self.last = Some((request.id, request.answer));
            return Ok(request.content);
        }
    }

    /// The last request is taken. Returns false if nobody waits for that any more: then it will be repeated.
    pub fn taken(&mut self) -> bool {
        let Some((id, answer)) = self.last.take() else {
            return true;
        };
        self.taken.add(id);
        answer.send(()).is_ok()
    }
}
