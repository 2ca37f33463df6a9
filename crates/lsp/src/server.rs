//! The state of a session, and the way of a message: notifications change texts at once; the analysis follows when a request
//! needs it, or when no more messages wait. So a request is always answered for the newest texts, and of many changes in a
//! row only the last one is analyzed.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response, ResponseError};
use lsp_types as t;
use presync_ide::{Analysis, FileSystem, FileView};
use serde_json::{Value, json};

use crate::client::ClientAbilities;
use crate::documents::{Documents, path_of};
use crate::notifications;
use crate::requests::{self, RequestAnswer, RequestRefusal};
use crate::virtual_document::VirtualDocument;

/// Who runs the server.
pub trait Host {
    /// The files of the projects.
    fn files(&self) -> Box<dyn FileSystem>;

    /// The files of the last commit of the repository that a program is in. `None`: it is in none.
    fn committed(&self, root: &Path) -> Option<CommittedFiles>;

    /// The folder for files that stand for documents without a file. `None` if there is none.
    fn kept(&self) -> Option<PathBuf>;

    /// Writes such a file.
    ///
    /// # Errors
    /// That is impossible.
    fn keep(&self, path: &Path, text: &str) -> io::Result<()>;
}

/// The files of a commit.
pub struct CommittedFiles {
    pub files: Box<dyn FileSystem>,
    /// Where the root file of the program is.
    pub root: PathBuf,
    /// The files are there until this is dropped.
    pub keeps: Box<dyn Any>,
}

/// A language server.
pub struct Server {
    pub(crate) analysis: Analysis,
    pub(crate) client: ClientAbilities,
    pub(crate) documents: Documents,
    pub(crate) host: Box<dyn Host>,
    phase: Phase,
    out: Vec<Message>,
    next_request: i32,
    /// The files whose published diagnostics are not empty, and under which addresses.
    pub(crate) published: HashMap<PathBuf, t::Uri>,
    pub(crate) unpublished: Unpublished,
    /// The last semantic tokens of each file, with their id.
    pub(crate) tokens: HashMap<PathBuf, (u64, Vec<t::SemanticToken>)>,
    pub(crate) next_tokens: u64,
    /// The problems that were reported.
    pub(crate) reported: BTreeSet<String>,
    /// The texts about programs that the client asked for, as it got them.
    pub(crate) shown: BTreeMap<String, String>,
    /// What the host keeps, with the texts.
    pub(crate) kept: RefCell<HashMap<PathBuf, String>>,
}

/// What happened after diagnostics were sent, or after the client got a request to ask for them.
#[derive(Default)]
pub(crate) struct Unpublished {
    /// The files that the client opened, edited or closed. What it shows of them it asks for.
    pub edited: BTreeSet<PathBuf>,
    /// The files whose findings changed.
    pub changed: BTreeSet<PathBuf>,
    /// Something other than a document of the client changed.
    pub elsewhere: bool,
}

impl Unpublished {
    /// The client got the findings of a file.
    pub fn told(&mut self, path: &Path) {
        self.edited.remove(path);
        self.changed.remove(path);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Before `initialize`.
    New,
    Running,
    /// After `shutdown`.
    Ending,
    /// After `exit`, with the exit code.
    Ended(i32),
}

impl Server {
    pub fn new(host: Box<dyn Host>) -> Self {
        Self {
            analysis: Analysis::new(host.files()),
            client: ClientAbilities::default(),
            documents: Documents::default(),
            host,
            phase: Phase::New,
            out: Vec::new(),
            next_request: 0,
            published: HashMap::new(),
            unpublished: Unpublished::default(),
            shown: BTreeMap::new(),
            kept: RefCell::default(),
            tokens: HashMap::new(),
            next_tokens: 0,
            reported: BTreeSet::new(),
        }
    }

    /// The exit code, once the client wants the server to end.
    pub fn ended(&self) -> Option<i32> {
        match self.phase {
            Phase::Ended(code) => Some(code),
            Phase::New | Phase::Running | Phase::Ending => None,
        }
    }

    /// Whether the client does not report changes of files, so that somebody else must look.
    pub fn needs_watcher(&self) -> bool {
        self.phase == Phase::Running && !self.client.watches
    }

    /// The files and folders whose changes matter.
    pub fn watched(&self) -> Vec<PathBuf> {
        let mut paths: BTreeSet<PathBuf> = self.analysis.folders().iter().cloned().collect();
        for file in self.analysis.findings().keys() {
            let folder = presync_ide::folder_of(file);
            paths.extend([file.clone(), folder.to_path_buf()]);
            // Its settings are in one of the folders above.
            let above = folder
                .ancestors()
                .map(|above| above.join(presync_ide::settings::NAME));
            paths.extend(above);
        }
        paths.into_iter().collect()
    }

    /// Files may have changed that the client did not report.
    pub fn files_changed(&mut self) {
        self.changed_on_disk(None);
    }

    /// Files were created, changed or deleted, or settings changed. `None`: nobody knows which.
    pub(crate) fn changed_on_disk(&mut self, paths: Option<&[PathBuf]>) {
        self.analysis.changed_on_disk(paths);
        self.unpublished.elsewhere = true;
    }

    /// Takes a message, and returns those to send.
    pub fn handle(&mut self, message: Message) -> Vec<Message> {
        match message {
            Message::Request(request) => self.request(request),
            Message::Notification(notification) => self.notification(notification),
            // Nothing that the server asks has an answer that matters.
            Message::Response(_) => {}
        }
        std::mem::take(&mut self.out)
    }

    /// No more messages wait: returns what follows from those before.
    pub fn idle(&mut self) -> Vec<Message> {
        if self.phase == Phase::Running {
            let done = catch_unwind(AssertUnwindSafe(|| {
                self.update();
                self.publish();
            }));
            if done.is_err() {
                self.recover("checking");
            }
        }
        std::mem::take(&mut self.out)
    }

    /// Refuses a request that the client has cancelled before it was handled.
    pub fn cancelled(&mut self, id: RequestId) -> Message {
        let refusal = RequestRefusal {
            code: ErrorCode::RequestCanceled as i32,
            message: "cancelled".to_owned(),
        };
        response(id, Err(refusal))
    }

    fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        let answer = match (self.phase, method.as_str()) {
            (Phase::New, "initialize") => Ok(self.initialize(&params)),
            (Phase::New, _) => Err(RequestRefusal {
                code: ErrorCode::ServerNotInitialized as i32,
                message: "the first request must be `initialize`".to_owned(),
            }),
            (Phase::Running, "shutdown") => {
                self.phase = Phase::Ending;
                Ok(Value::Null)
            }
            (Phase::Running, method) => self.answer(method, params),
            (Phase::Ending | Phase::Ended(_), _) => Err(RequestRefusal {
                code: ErrorCode::InvalidRequest as i32,
                message: "the server is shutting down".to_owned(),
            }),
        };
        self.out.push(response(id, answer));
    }

    /// Answers a request; a panic is an error of this request only.
    fn answer(&mut self, method: &str, params: Value) -> RequestAnswer {
        let Some(handler) = requests::find(method) else {
            return Err(RequestRefusal {
                code: ErrorCode::MethodNotFound as i32,
                message: format!("the request `{method}` is unknown"),
            });
        };
        let run = AssertUnwindSafe(|| {
            self.update();
            handler(self, params)
        });
        catch_unwind(run).unwrap_or_else(|_| {
            self.recover(method);
            Err(RequestRefusal {
                code: ErrorCode::InternalError as i32,
                message: format!("`{method}` failed: this is a bug in presync, please report it"),
            })
        })
    }

    fn notification(&mut self, notification: Notification) {
        match (self.phase, notification.method.as_str()) {
            (_, "exit") => {
                let code = i32::from(self.phase != Phase::Ending);
                self.phase = Phase::Ended(code);
            }
            (Phase::Running, method) => {
                let run =
                    AssertUnwindSafe(|| notifications::run(self, method, notification.params));
                if catch_unwind(run).is_err() {
                    self.recover(&notification.method);
                }
            }
            (Phase::New | Phase::Ending | Phase::Ended(_), _) => {}
        }
    }

    /// After a panic: forgets everything that can be found out again.
    fn recover(&mut self, what: &str) {
        self.changed_on_disk(None);
        self.tell(
            t::MessageType::Error,
            &format!("presync: {what} failed. This is a bug, please report it."),
        );
    }

    fn initialize(&mut self, params: &Value) -> Value {
        let nothing = Value::Null;
        self.client = ClientAbilities::new(params.get("capabilities").unwrap_or(&nothing));
        let uri = |value: &Value| t::Uri::parse(value.as_str()?).ok();
        let folders = params.get("workspaceFolders").and_then(Value::as_array);
        let mut folders: Vec<PathBuf> = folders
            .into_iter()
            .flatten()
            .filter_map(|folder| uri(folder.get("uri")?))
            .map(|uri| path_of(&uri))
            .collect();
        if folders.is_empty() {
            let root = params.get("rootUri").and_then(uri).map(|uri| path_of(&uri));
            let path = params.get("rootPath").and_then(Value::as_str);
            folders.extend(root.or_else(|| path.map(PathBuf::from)));
        }
        self.analysis.set_folders(folders);
        self.phase = Phase::Running;
        json!({
            "capabilities": requests::capabilities(&self.client),
            "serverInfo": { "name": "presync", "version": env!("CARGO_PKG_VERSION") },
        })
    }

    /// Checks what changed.
    pub(crate) fn update(&mut self) {
        let changed = self.analysis.update();
        self.unpublished.changed.extend(changed);
    }

    /// The document at an address, in a program that has it.
    pub(crate) fn view(&self, uri: &t::Uri) -> Option<FileView<'_>> {
        if let Some(VirtualDocument::Vocabulary(name)) = self.virtual_document(uri) {
            return self.analysis.views_of_vocabulary(&name).next();
        }
        self.analysis.view(&path_of(uri))
    }

    /// The document and the offset that a request is about.
    pub(crate) fn place(&self, at: &t::TextDocumentPositionParams) -> Option<(FileView<'_>, u32)> {
        let view = self.view(&at.text_document.uri)?;
        let offset = crate::convert::offset(self.client.encoding, view.source(), at.position);
        Some((view, offset))
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        let notification = Notification::new(method.to_owned(), params);
        self.out.push(Message::Notification(notification));
    }

    /// Asks the client for something; its answer is not looked at.
    pub(crate) fn ask(&mut self, method: &str, params: Value) {
        self.next_request += 1;
        let id = RequestId::from(self.next_request);
        let request = Request::new(id, method.to_owned(), params);
        self.out.push(Message::Request(request));
    }

    /// Shows a message.
    pub(crate) fn tell(&mut self, kind: t::MessageType, message: &str) {
        self.notify(
            "window/showMessage",
            json!({ "type": kind, "message": message }),
        );
    }
}

fn response(id: RequestId, answer: RequestAnswer) -> Message {
    Message::Response(Response {
        id,
        response_result: answer.map_err(|refusal| ResponseError {
            code: refusal.code,
            message: refusal.message,
            data: None,
        }),
    })
}
