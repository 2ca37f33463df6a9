//! What became of requests that the server has accepted. A message names it, before or after the answer to the request is read.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The number of completions that nobody has asked for yet.
const REMEMBERED: usize = 256;

/// By request.
#[derive(Clone, Default)]
pub struct RequestCompletions(Arc<Mutex<WaitingRequests>>);

/// Why a request failed; `None`: it did not.
type RequestFailure = Option<String>;

#[derive(Default)]
struct WaitingRequests {
    waiting: HashMap<String, oneshot::Sender<RequestFailure>>,
    early: VecDeque<(String, RequestFailure)>,
}

impl RequestCompletions {
    fn requests(&self) -> MutexGuard<'_, WaitingRequests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn complete(&self, request: String, failure: RequestFailure) {
        let mut requests = self.requests();
        if let Some(waiting) = requests.waiting.remove(&request) {
            // Nobody waits any more if it took too long.
            let _ = waiting.send(failure);
            return;
        }
        requests.early.push_back((request, failure));
        if requests.early.len() > REMEMBERED {
            requests.early.pop_front();
        }
    }

    /// Waits for the end of a request; `None` if it never comes.
    pub async fn wait(&self, request: String) -> Option<RequestFailure> {
        let completed = {
            let mut requests = self.requests();
            let mut early = requests.early.iter();
            if let Some(at) = early.position(|(one, _)| *one == request) {
                return requests.early.remove(at).map(|(_, failure)| failure);
            }
            let (sender, completed) = oneshot::channel();
            // Those that nobody waits for any more are forgotten.
            requests.waiting.retain(|_, waiting| !waiting.is_closed());
            requests.waiting.insert(request, sender);
            completed
        };
        completed.await.ok()
    }

    /// No completion comes any more.
    pub fn end(&self) {
        self.requests().waiting.clear();
    }
}
