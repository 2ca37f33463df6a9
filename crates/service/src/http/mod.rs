//! What callers see. One file for each group of addresses.

mod access;
mod commands;
mod decide;
mod events;
mod problem;
mod service;
mod users;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};
use presync_engine::Tables;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

pub use access::{Access, AccessError, TokenScope};
pub use problem::Problem;

use crate::handle::CoreHandle;

/// The largest body, in bytes.
const MOST_BYTES: usize = 4 << 20;

/// The longest time for a request that is not a stream.
const MOST_TIME: Duration = Duration::from_secs(30);

/// Makes the tables anew; the error is for people.
pub type LoadTables = dyn Fn() -> Result<Tables, String> + Send + Sync;

/// What all requests share.
#[derive(Clone)]
pub struct Service(Arc<SharedService>);

struct SharedService {
    core: CoreHandle,
    tables: RwLock<Tables>,
    load: Box<LoadTables>,
    /// Why the last reload failed.
    problem: RwLock<Option<String>>,
    access: Access,
}

impl Service {
    /// `load`: how the tables are made anew.
    pub fn new(core: CoreHandle, tables: Tables, load: Box<LoadTables>, access: Access) -> Self {
        Self(Arc::new(SharedService {
            core,
            tables: RwLock::new(tables),
            load,
            problem: RwLock::new(None),
            access,
        }))
    }

    fn core(&self) -> &CoreHandle {
        &self.0.core
    }

    fn tables(&self) -> Tables {
        let tables = self.0.tables.read();
        tables.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the tables are not the newest.
    fn problem(&self) -> Option<String> {
        let problem = self.0.problem.read();
        problem.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn access(&self) -> &Access {
        &self.0.access
    }

    /// Makes the tables anew and switches to them between two events. If that fails, the old ones stay.
    ///
    /// # Errors
    /// Why, for people.
    pub async fn reload(&self) -> Result<(), String> {
        let service = self.clone();
        let loaded = tokio::task::spawn_blocking(move || (service.0.load)()).await;
        let loaded = loaded.unwrap_or_else(|_| Err("reading the program failed".to_owned()));
        let swapped = match loaded {
            Ok(tables) => {
                let swapped = self.core().swap(tables.clone()).await;
                if swapped.is_ok() {
                    let mut current = self.0.tables.write();
                    let current = current.as_mut().map_or_else(
                        |poisoned| &mut **poisoned.get_mut(),
                        |current| &mut **current,
                    );
                    *current = tables;
                }
                swapped.map_err(|error| error.to_string())
            }
            Err(why) => Err(why),
        };
        let problem = swapped.as_ref().err().cloned();
        if let Some(why) = &problem {
            tracing::error!(%why, "the program was not reloaded: the old tables stay");
        }
        *self
            .0
            .problem
            .write()
            .unwrap_or_else(PoisonError::into_inner) = problem;
        swapped
    }
}

/// Every address.
pub fn router(service: Service) -> Router {
    let timed = Router::new()
        .route("/v1/decide", post(decide::decide))
        .route("/v1/events", post(events::events))
        .route("/v1/commands/claim", post(commands::claim))
        .route("/v1/commands/acknowledge", post(commands::acknowledge))
        .route("/v1/users/{user}", get(users::user).delete(users::forget))
        .route("/v1/tables", get(service::tables))
        .route("/v1/digest", get(service::digest))
        .route("/v1/reload", post(service::reload))
        .route("/health/live", get(service::live))
        .route("/health/ready", get(service::ready))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            MOST_TIME,
        ));
    Router::new()
        .route("/v1/commands", get(commands::stream))
        .merge(timed)
        .fallback(|| async { Problem::not_found("no such address") })
        .layer(RequestBodyLimitLayer::new(MOST_BYTES))
        .layer(middleware::from_fn_with_state(
            service.clone(),
            access::check,
        ))
        .with_state(service)
}
