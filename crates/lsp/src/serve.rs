//! The loop: messages from a client to the server, and back. In order, on one thread.
//! A request that is cancelled while it waits is not handled; of the changes that wait together, the last one is checked.

#![allow(
    clippy::disallowed_methods,
    reason = "the loop waits, the server behind it does not"
)]

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use lsp_server::{Connection, Message, RequestId};
use serde_json::Value;

use crate::server::Server;

/// How often files are looked at for a client that does not report changes.
const INTERVAL: Duration = Duration::from_secs(1);

/// Serves a client until it ends the server or goes away; returns the exit code. `changed` is asked from time to time whether
/// files changed, if the client does not report that.
pub fn serve(
    connection: &Connection,
    server: &mut Server,
    changed: &mut dyn FnMut(&Server) -> bool,
) -> i32 {
    let incoming = everything(connection);
    let mut waiting: VecDeque<Message> = VecDeque::new();
    let mut look = Instant::now();
    loop {
        if server.needs_watcher() {
            let left = look.saturating_duration_since(Instant::now());
            match incoming.recv_timeout(left) {
                Ok(message) => waiting.push_back(message),
                Err(RecvTimeoutError::Timeout) => {}
                // The client is gone.
                Err(RecvTimeoutError::Disconnected) => return 1,
            }
            // Also while messages keep coming.
            if look <= Instant::now() {
                look = Instant::now() + INTERVAL;
                if changed(server) {
                    server.files_changed();
                }
            }
        } else {
            match incoming.recv() {
                Ok(message) => waiting.push_back(message),
                Err(_) => return 1,
            }
        }
        while let Some(message) = next(connection, &incoming, server, &mut waiting) {
            for answer in server.handle(message) {
                if connection.sender.send(answer).is_err() {
                    return 1;
                }
            }
            if let Some(code) = server.ended() {
                return code;
            }
        }
        for message in server.idle() {
            if connection.sender.send(message).is_err() {
                return 1;
            }
        }
    }
}

/// All that the client sends, also while the server works. The connection itself reads the next message only when somebody
/// has taken the last one, so that nobody would see what was cancelled.
fn everything(connection: &Connection) -> Receiver<Message> {
    let (sender, receiver) = mpsc::channel();
    let messages = connection.receiver.clone();
    thread::spawn(move || messages.iter().all(|message| sender.send(message).is_ok()));
    receiver
}

/// The next message that waits, without those that are cancelled.
fn next(
    connection: &Connection,
    incoming: &Receiver<Message>,
    server: &mut Server,
    waiting: &mut VecDeque<Message>,
) -> Option<Message> {
    while let Ok(message) = incoming.try_recv() {
        if let Some(id) = cancelled(&message) {
            let is_it = |message: &Message| matches!(message, Message::Request(request) if request.id == id);
            if let Some(at) = waiting.iter().position(is_it) {
                waiting.remove(at);
                // A client that is gone is noticed by the loop.
                let _ = connection.sender.send(server.cancelled(id));
            }
            continue;
        }
        waiting.push_back(message);
    }
    waiting.pop_front()
}

fn cancelled(message: &Message) -> Option<RequestId> {
    match message {
        Message::Notification(one) if one.method == "$/cancelRequest" => {
            let id: &Value = one.params.get("id")?;
            serde_json::from_value(id.clone()).ok()
        }
        _ => None,
    }
}
