//! `presync serve`: keeps the sessions of running systems, over HTTP.

mod tls;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use presync_connect::{ConnectorPlace, Secret, SecretError, SecretSettings};
use presync_engine::{Schema, Tables};
use presync_ide::folder_of;
use presync_service::http::{Access, Service, listen, router};
use presync_service::live::{
    ConnectedSystem, LiveConfig, LiveHost, Users, check_states, connect, system_name,
};
use presync_service::store::{EmbeddedStore, restore};
use presync_service::{AuditLog, Core, CoreHandle, start};
use tracing_appender::rolling::{RollingFileAppender, Rotation};

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::project::FileAccess;
use crate::terminal::{ColorChoice, Terminal};
use crate::watch::whenever_changed;
use crate::{files, loading};
use tls::{ServedCertificate, TlsFiles};

/// How long nothing has to change before the program and the users are reloaded.
const QUIET: Duration = Duration::from_millis(500);

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7420);

/// Apply events of running systems and keep sessions and commands, over HTTP.
#[derive(Args)]
pub struct Arguments {
    /// A program, a directory with one, or a tables.json.
    #[arg(required_unless_present = "config")]
    path: Option<PathBuf>,
    /// Connect to systems, as a `live.toml` says.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the program, the settings, users and secrets, and end without connecting.
    #[arg(long, requires = "config")]
    check: bool,
    /// Decide and record everything, and send nothing to the systems.
    #[arg(long, requires = "config")]
    dry_run: bool,
    /// The address to listen on; by default 127.0.0.1:7420. Others than this machine can only be let in with `--tokens`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The file that keeps sessions and commands; it is made if it does not exist. By default `presync.store`.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Begin a new store with what `GET /v1/backup` of another one has answered.
    #[arg(long, value_name = "FILE")]
    restore: Option<PathBuf>,
    /// A file with a token in each line, a space, and its scopes: `decide`, `events`, `admin`.
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// How the log on standard error is written.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    /// A JSON object in each line.
    Json,
}

/// What the command line and `live.toml` say together; the command line counts.
struct ServeSettings {
    program: PathBuf,
    listen: SocketAddr,
    store: PathBuf,
    tokens: Option<PathBuf>,
    live: Option<(LiveConfig, PathBuf)>,
}

impl ServeSettings {
    fn of(arguments: &Arguments) -> Result<Self, CommandError> {
        let live = arguments.config.as_ref().map(|path| {
            let text = text_of(path)?;
            let config = LiveConfig::parse(&text).map_err(|error| in_file(path, &error))?;
            let folder = folder_of(path).to_path_buf();
            Ok::<_, CommandError>((config, folder))
        });
        let live = live.transpose()?;
        let configured = |path: fn(&LiveConfig) -> Option<&PathBuf>| {
            let (config, folder) = live.as_ref()?;
            path(config).map(|path| folder.join(path))
        };
        let program = arguments.path.clone();
        let store = arguments.store.clone();
        let tokens = arguments.tokens.clone();
        let listen = live.as_ref().and_then(|(config, _)| config.http.listen);
        Ok(Self {
            program: program
                .or_else(|| configured(|config| Some(&config.program)))
                .ok_or_else(|| CommandError::Usage("name a program".to_owned()))?,
            listen: arguments.listen.or(listen).unwrap_or(LOOPBACK),
            store: store
                .or_else(|| configured(|config| config.store.path.as_ref()))
                .unwrap_or_else(|| {
                    let folder = live.as_ref().map(|(_, folder)| folder.clone());
                    folder.unwrap_or_default().join("presync.store")
                }),
            tokens: tokens.or_else(|| configured(|config| config.http.tokens_file.as_ref())),
            live,
        })
    }
}

fn text_of(path: &Path) -> Result<String, CommandError> {
    plain_text(path).map_err(CommandError::Usage)
}

/// The error is for people.
fn plain_text(path: &Path) -> Result<String, String> {
    let bytes = files::read(path).map_err(|error| match error {
        CommandError::Usage(why) => why,
        CommandError::Printed => format!("`{}` cannot be read", path.display()),
    })?;
    String::from_utf8(bytes).map_err(|_| format!("`{}`: not valid UTF-8", path.display()))
}

fn in_file(path: &Path, error: &dyn std::fmt::Display) -> CommandError {
    CommandError::Usage(format!("`{}`: {error}", path.display()))
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr);
    match arguments.log_format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    let settings = ServeSettings::of(arguments)?;
    let access = access(&settings)?;
    let (tables, _) = loading::tables(&settings.program, terminal)?;
    let live = match &settings.live {
        Some((config, folder)) => Some(LiveParts::of(config, folder, &tables, arguments)?),
        None => None,
    };
    let usage = |error: &dyn std::fmt::Display| CommandError::Usage(error.to_string());
    let runtime = tokio::runtime::Runtime::new()?;
    let files = TlsFiles::of(&settings);
    if arguments.check {
        if let Some(files) = files {
            let served = runtime.block_on(ServedCertificate::new(files));
            served.map_err(|why| usage(&why))?;
        }
        terminal.status("the settings are valid: no connection was made");
        return Ok(CommandAnswer::Yes);
    }
    if let Some(backup) = &arguments.restore {
        let users = restored(backup, &settings.store)?;
        terminal.status(&format!("restored {users} users"));
    }
    let store =
        EmbeddedStore::open(&settings.store).map_err(|error| in_file(&settings.store, &error))?;
    let core = Core::new(tables, store).map_err(|error| usage(&error))?;
    let audit = match &settings.live {
        Some((config, folder)) => audit(config, folder)?,
        None => AuditLog::none(),
    };
    runtime.block_on(async {
        let core = start(core, jiff::Timestamp::now, audit).map_err(|error| usage(&error))?;
        let tls = match files {
            Some(files) => Some(ServedCertificate::new(files).await.map_err(|why| usage(&why))?),
            None => None,
        };
        let listener = TcpListener::bind(settings.listen)
            .map_err(|error| {
                let help = if error.kind() == std::io::ErrorKind::AddrInUse {
                    ": another program does; name another port with `--listen`"
                } else {
                    ""
                };
                usage(&format!("cannot listen on {}: {error}{help}", settings.listen))
            })?;
        let mut watched = vec![settings.program.clone()];
        watched.extend(live.as_ref().map(|parts| parts.users.clone()));
        let live = match live {
            Some(parts) => Some(
                parts
                    .connect(&core, arguments.dry_run)
                    .await
                    .map_err(|error| usage(&error))?,
            ),
            None => None,
        };
        let load = load(&settings.program, &terminal.file_access);
        let service = Service::new(core.clone(), load, access, live);
        let scheme = if tls.is_some() { "https" } else { "http" };
        terminal.status(&format!("listening on {scheme}://{}", listener.local_addr()?));
        reload_on_hangup(service.clone());
        let certificate = tls.as_ref().map(|served| served.certificate.clone());
        reload_on_change(service.clone(), watched, tls);
        let end = {
            let service = service.clone();
            async move {
                ended().await;
                service.end();
            }
        };
        let served = listen(listener, router(service), certificate, end);
        tokio::select! {
            served = served => served.map(|()| CommandAnswer::Yes).map_err(CommandError::from),
            () = core.ended() => Err(usage(&"the service failed: what happened is in the log above")),
        }
    })
}

/// Makes a store from a backup: all of it, or none.
fn restored(backup: &Path, path: &Path) -> Result<usize, CommandError> {
    if path.exists() {
        return Err(CommandError::Usage(format!(
            "`{}` is there already: a backup begins a new store",
            path.display()
        )));
    }
    let text = text_of(backup)?;
    let made = EmbeddedStore::open(path).and_then(|mut store| restore(&mut store, &text));
    made.map_err(|error| {
        // A part of it would look like all of it.
        let _ = std::fs::remove_file(path);
        in_file(backup, &error)
    })
}

/// A file for each day; those that are too old are deleted.
fn audit(config: &LiveConfig, folder: &Path) -> Result<AuditLog, CommandError> {
    let Some(audit) = &config.audit else {
        return Ok(AuditLog::none());
    };
    let path = folder.join(&audit.path);
    std::fs::create_dir_all(&path).map_err(|error| in_file(&path, &error))?;
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("audit")
        .filename_suffix("jsonl")
        .max_log_files(audit.retention_days.get().into())
        .build(&path)
        .map_err(|error| in_file(&path, &error))?;
    Ok(AuditLog::new(Box::new(files)))
}

fn access(settings: &ServeSettings) -> Result<Access, CommandError> {
    let Some(path) = &settings.tokens else {
        if !settings.listen.ip().is_loopback() {
            return Err(CommandError::Usage(format!(
                "{} can be reached by others, who could do everything: name their tokens with `--tokens`",
                settings.listen
            )));
        }
        return Ok(Access::default());
    };
    let access = Access::parse(&text_of(path)?).map_err(|error| in_file(path, &error))?;
    if access.is_open() {
        return Err(CommandError::Usage(format!(
            "`{}` has no token: then anybody could do everything",
            path.display()
        )));
    }
    Ok(access)
}

/// What is connected: made and checked before anything is sent.
struct LiveParts {
    users: PathBuf,
    systems: Vec<ConnectedSystem>,
}

impl LiveParts {
    fn of(
        config: &LiveConfig,
        folder: &Path,
        tables: &Tables,
        arguments: &Arguments,
    ) -> Result<Self, CommandError> {
        let file = arguments.config.as_deref().unwrap_or(folder);
        let wrong = |error: &dyn std::fmt::Display| in_file(file, error);
        let users = folder.join(&config.users);
        load_users(&users, tables.schema()).map_err(CommandError::Usage)?;
        let read_folder = folder.to_path_buf();
        let secrets = move |place: &SecretSettings| secret(place, &read_folder);
        let mut systems = Vec::new();
        for name in config.systems.keys() {
            let system = config.system(name).map_err(|error| wrong(&error))?;
            let name = system_name(tables, name).map_err(|error| wrong(&error))?;
            let place = ConnectorPlace {
                system: &name,
                folder,
                secrets: &secrets,
                has_program: &|program| has_program(program, folder),
            };
            let connector = system
                .connector
                .make(&place)
                .map_err(|error| wrong(&format!("`[systems.{name}]`: {error}")))?;
            check_states(tables, &name, connector.settable()).map_err(|error| wrong(&error))?;
            systems.push(ConnectedSystem {
                name,
                connector,
                per_second: system.limits.per_second,
            });
        }
        Ok(Self { users, systems })
    }

    async fn connect(self, core: &CoreHandle, dry_run: bool) -> Result<Arc<LiveHost>, String> {
        let load = Box::new(move |schema: &Schema| load_users(&self.users, schema));
        let host = connect(core, load, jiff::Timestamp::now, dry_run, self.systems).await?;
        Ok(host)
    }
}

fn load_users(path: &Path, schema: &Schema) -> Result<Users, String> {
    let text = plain_text(path)?;
    Users::parse(&text, schema).map_err(|error| format!("`{}`: {error}", path.display()))
}

/// Reloads the program, the users and the certificate when one of them has changed, and nobody is writing it any more. With errors,
/// the old ones stay.
fn reload_on_change(service: Service, mut paths: Vec<PathBuf>, tls: Option<ServedCertificate>) {
    let runtime = tokio::runtime::Handle::current();
    paths.retain(|path| path.as_os_str() != "-");
    paths.extend(tls.iter().flat_map(|served| served.files.paths()));
    std::thread::spawn(move || {
        let reload = || {
            // What went wrong is in the log and in `/health/ready`.
            let _ = runtime.block_on(service.reload());
            if let Some(served) = &tls {
                runtime.block_on(served.replace());
            }
        };
        let Err(error) = whenever_changed(&paths, QUIET, &reload);
        if let CommandError::Usage(why) = error {
            tracing::error!(why, "changes of the program are not noticed any more");
        }
    });
}

/// Whether a program can be found, as far as that is known without starting it.
fn has_program(program: &str, folder: &Path) -> bool {
    if program.contains('/') {
        return folder.join(program).is_file();
    }
    let Some(path) = std::env::var_os("PATH").filter(|_| cfg!(unix)) else {
        return true;
    };
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A secret from a file next to the settings, or from the environment.
fn secret(place: &SecretSettings, folder: &Path) -> Result<Secret, SecretError> {
    let (text, shown) = match place {
        SecretSettings::File(file) => {
            let path = folder.join(file);
            let text = plain_text(&path).map_err(SecretError)?;
            (text, format!("`{}`", path.display()))
        }
        SecretSettings::Env(name) => {
            let text = std::env::var(name).map_err(|_| {
                SecretError(format!("the environment variable `{name}` is not set"))
            })?;
            (text, format!("the environment variable `{name}`"))
        }
    };
    let secret = Secret::from(&*text);
    if secret.reveal().is_empty() {
        return Err(SecretError(format!("{shown} is empty")));
    }
    Ok(secret)
}

/// Makes the tables anew. The errors of the program are printed, as at the start.
fn load(path: &Path, access: &FileAccess) -> Box<presync_service::http::LoadTables> {
    let (path, access) = (path.to_path_buf(), access.clone());
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
