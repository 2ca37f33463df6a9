//! What callers see. One file for each group of addresses.

mod access;
mod commands;
mod decide;
mod events;
mod metrics;
mod object;
mod openapi;
mod pause;
mod problem;
mod server;
mod service;
mod systems;
mod users;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};
use presync_engine::Tables;
use tokio::sync::watch;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

pub use access::{Access, AccessError, TokenScope};
pub use problem::Problem;
pub use server::{TlsCertificate, listen};

use crate::handle::CoreHandle;
use crate::live::LiveHost;

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
    load: Box<LoadTables>,
    /// One reload at a time; and why the last one failed.
    problem: tokio::sync::Mutex<Option<String>>,
    access: Access,
    /// The systems that are connected; `None` without settings for them.
    live: Option<Arc<LiveHost>>,
    /// Whether the service is ending.
    ending: watch::Sender<bool>,
}

impl Service {
    /// `load`: how the tables are made anew.
    pub fn new(
        core: CoreHandle,
        load: Box<LoadTables>,
        access: Access,
        live: Option<Arc<LiveHost>>,
    ) -> Self {
        Self(Arc::new(SharedService {
            core,
            load,
            problem: tokio::sync::Mutex::new(None),
            access,
            live,
            ending: watch::Sender::new(false),
        }))
    }

    /// Ends the streams, which would otherwise stay open as long as somebody listens.
    pub fn end(&self) {
        self.0.ending.send_replace(true);
    }

    /// Waits until the service is ending.
    async fn ending(&self) {
        let mut ending = self.0.ending.subscribe();
        // The sender lives as long as the service.
        let _ = ending.wait_for(|ending| *ending).await;
    }

    fn core(&self) -> &CoreHandle {
        &self.0.core
    }

    fn access(&self) -> &Access {
        &self.0.access
    }

    /// Why the tables are not the newest. Waits for a reload.
    async fn problem(&self) -> Option<String> {
        self.0.problem.lock().await.clone()
    }

    /// Whether the last reload failed, as far as is known without waiting for the next.
    fn is_outdated(&self) -> bool {
        let problem = self.0.problem.try_lock();
        problem.is_ok_and(|problem| problem.is_some())
    }

    /// Makes the tables anew and switches to them between two events, also if nobody waits for that any more. If it fails, the
    /// old ones stay.
    ///
    /// # Errors
    /// Why, for people.
    pub async fn reload(&self) -> Result<(), String> {
        let service = self.clone();
        let reloaded = tokio::spawn(async move {
            let mut problem = service.0.problem.lock().await;
            let reloaded = service.load_and_swap().await;
            problem.clone_from(&reloaded.as_ref().err().cloned());
            if let Err(why) = &reloaded {
                tracing::error!(%why, "the program was not reloaded: the old tables stay");
            }
            reloaded
        });
        reloaded
            .await
            .unwrap_or_else(|_| Err("reading the program failed".to_owned()))
    }

    async fn load_and_swap(&self) -> Result<(), String> {
        let service = self.clone();
        let loaded = tokio::task::spawn_blocking(move || (service.0.load)()).await;
        let tables = loaded.unwrap_or_else(|_| Err("reading the program failed".to_owned()))?;
        let live = self.0.live.as_ref();
        let users = live.map(|live| live.users_for(&tables)).transpose()?;
        let swapped = self.core().swap(tables).await;
        swapped.map_err(|error| error.to_string())?;
        if let (Some(live), Some(users)) = (live, users) {
            live.set_users(users);
        }
        Ok(())
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
        .route("/v1/pause", get(pause::paused).post(pause::pause))
        .route("/v1/resume", post(pause::resume))
        .route("/v1/systems", get(systems::systems))
        .route("/v1/backup", get(service::backup))
        .route("/v1/reload", post(service::reload))
        .route("/openapi.json", get(openapi::openapi))
        .route("/metrics", get(metrics::metrics))
        .route("/health/live", get(service::live))
        .route("/health/ready", get(service::ready))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            MOST_TIME,
        ));
    Router::new()
        .route("/v1/commands", get(commands::stream))
        .merge(timed)
        // Only what is routed has a path.
        .route_layer(middleware::from_fn_with_state(
            service.clone(),
            metrics::measure,
        ))
        .fallback(|| async { Problem::not_found("no such address") })
        // The limit below counts, not the smaller one of the framework.
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(MOST_BYTES))
        .layer(middleware::from_fn_with_state(
            service.clone(),
            access::check,
        ))
        .layer(middleware::map_response(problem::described))
        .with_state(service)
}
