//! `presync serve`: keeps the sessions of running systems, over HTTP.

use std::future::IntoFuture;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use presync_service::http::{Access, Service, router};
use presync_service::store::EmbeddedStore;
use presync_service::{Core, start};
use tokio::net::TcpListener;

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::project::FileAccess;
use crate::terminal::{ColorChoice, Terminal};
use crate::{files, loading};

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7420);

/// Apply events of running systems and keep sessions and commands, over HTTP.
#[derive(Args)]
pub struct Arguments {
    /// A program, a directory with one, or a tables.json.
    path: PathBuf,
    /// The address to listen on. Others than this machine can only be let in with `--tokens`.
    #[arg(long, default_value_t = LOOPBACK, value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// The file that keeps sessions and commands; it is made if it does not exist.
    #[arg(long, default_value = "presync.store", value_name = "FILE")]
    store: PathBuf,
    /// A file with a token in each line, a space, and its scopes: `decide`, `events`, `admin`.
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let access = access(arguments)?;
    let (tables, _) = loading::tables(&arguments.path, terminal)?;
    let usage = |error: &dyn std::fmt::Display| CommandError::Usage(error.to_string());
    let store = EmbeddedStore::open(&arguments.store)
        .map_err(|error| usage(&format!("`{}`: {error}", arguments.store.display())))?;
    let core = Core::new(tables, store).map_err(|error| usage(&error))?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let core = start(core, jiff::Timestamp::now);
        let service = Service::new(
            core.clone(),
            load(arguments, &terminal.file_access),
            access,
        );
        let listener = TcpListener::bind(arguments.listen)
            .await
            .map_err(|error| usage(&format!("cannot listen on {}: {error}", arguments.listen)))?;
        terminal.status(&format!("listening on http://{}", listener.local_addr()?));
        reload_on_hangup(service.clone());
        let end = {
            let service = service.clone();
            async move {
                ended().await;
                service.end();
            }
        };
        let served = axum::serve(listener, router(service)).with_graceful_shutdown(end);
        tokio::select! {
            served = served.into_future() => served.map(|()| CommandAnswer::Yes).map_err(CommandError::from),
            () = core.ended() => Err(usage(&"the service failed: what happened is in the log above")),
        }
    })
}

fn access(arguments: &Arguments) -> Result<Access, CommandError> {
    let Some(path) = &arguments.tokens else {
        if !arguments.listen.ip().is_loopback() {
            return Err(CommandError::Usage(format!(
                "{} can be reached by others, who could do everything: name their tokens with `--tokens`",
                arguments.listen
            )));
        }
        return Ok(Access::default());
    };
    let text = String::from_utf8(files::read(path)?)
        .map_err(|_| CommandError::Usage(format!("`{}`: not valid UTF-8", path.display())))?;
    let access = Access::parse(&text)
        .map_err(|error| CommandError::Usage(format!("`{}`: {error}", path.display())))?;
    if access.is_open() {
        return Err(CommandError::Usage(format!(
            "`{}` has no token: then anybody could do everything",
            path.display()
        )));
    }
    Ok(access)
}

/// Makes the tables anew. The errors of the program are printed, as at the start.
fn load(arguments: &Arguments, access: &FileAccess) -> Box<presync_service::http::LoadTables> {
    let (path, access) = (arguments.path.clone(), access.clone());
    Box::new(move || {
        let terminal = Terminal::new(ColorChoice::Never, false, access.clone());
        match loading::tables(&path, &terminal) {
            Ok((tables, _)) => Ok(tables),
            Err(CommandError::Usage(why)) => Err(why),
            Err(CommandError::Printed) => {
                Err("the program has errors, which are in the log".to_owned())
            }
        }
    })
}

#[cfg(unix)]
fn reload_on_hangup(service: Service) {
    use tokio::signal::unix::{SignalKind, signal};

    tokio::spawn(async move {
        let Ok(mut hangups) = signal(SignalKind::hangup()) else {
            return;
        };
        while hangups.recv().await.is_some() {
            // What went wrong is in the log and in `/health/ready`.
            let _ = service.reload().await;
        }
    });
}

#[cfg(not(unix))]
fn reload_on_hangup(_: Service) {}

/// Somebody wants the service to end.
async fn ended() {
    let interrupted = async {
        // Without the signal, only the other one ends the service.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let terminated = async {
            match signal(SignalKind::terminate()) {
                Ok(mut terminations) => drop(terminations.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = interrupted => {}
            () = terminated => {}
        }
    }
    #[cfg(not(unix))]
    interrupted.await;
}
