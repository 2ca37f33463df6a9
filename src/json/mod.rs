//! One call and one answer in JSON, for every front end but the command line: a web page, bindings, the HTTP service.
//! In: a [`Call`], or its text. Out: an [`Answer`], or its text. Errors are answers, too: nothing here fails or panics.
//!
//! ```
//! let answer = presync::json::call(
//!     r#"{"call": "decide",
//!         "in": {"program": {"files": {"a.presync": "use cic_lync profile P { cic Available -> lync Away }"},
//!                            "root": "a.presync"}},
//!         "change": {"cic": "Available"}}"#,
//! );
//! assert!(answer.starts_with(r#"{"answer":"decide","role":"default","from":"cic","state":"Available","#));
//! ```

mod diagnostic;
mod difference;

use std::collections::BTreeMap;
use std::io;

pub use presync_engine::JsonFactValue;
use presync_engine::{DecideQuestion, QuestionError, Tables, TablesError, TooComplex};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};

pub use diagnostic::{
    JsonData, JsonDiagnostic, JsonEdit, JsonFix, JsonLabel, JsonPosition, JsonRange, JsonSituation,
    JsonState,
};
pub use difference::{JsonBehavior, JsonChange, JsonDifferences};

use crate::api;
use crate::diagnostic::{Diagnostic, Level, Severity};
use crate::lint::{Settings, UnknownLint};
use crate::program::Program;
use crate::resolve::CheckReport;
use crate::source::{FileId, SourceFile, Sources};

/// A call to the library.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "call", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Call {
    /// Checks and lints a program.
    Check {
        program: ProgramFiles,
        /// Levels by lint; other lints have their default level.
        #[serde(default)]
        levels: BTreeMap<String, Level>,
    },
    /// Formats a file.
    Format { source: String },
    /// Compiles a program to the tables of a tables.json.
    Compile { program: ProgramFiles },
    /// Decides one change for every other system.
    Decide {
        r#in: ProgramOrTables,
        /// Required if there is more than one.
        #[serde(default)]
        role: Option<String>,
        #[serde(default)]
        facts: BTreeMap<String, JsonFactValue>,
        /// The known current state of each system.
        #[serde(default)]
        states: BTreeMap<String, String>,
        /// The systems whose state did not come from us.
        #[serde(default)]
        by_hand: Vec<String>,
        /// The own state of systems, which `previous` brings back.
        #[serde(default)]
        own: BTreeMap<String, String>,
        /// One system and the entered state, as in events: `{"cic": "At Lunch"}`.
        change: BTreeMap<String, String>,
    },
    /// Proves the tests and runs the scenarios of a program.
    Test { program: ProgramFiles },
    /// Finds the situations that two programs decide differently.
    Diff {
        old: ProgramOrTables,
        new: ProgramOrTables,
    },
}

/// The files of a program by path; the bundled vocabularies are always available.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProgramFiles {
    pub files: BTreeMap<String, String>,
    /// The path of the root file.
    pub root: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProgramOrTables {
    Program(ProgramFiles),
    /// The content of a tables.json.
    Tables(serde_json::Value),
}

/// The answer of the library.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// As `check --format json` writes it.
    Check {
        diagnostics: Vec<JsonDiagnostic>,
        summary: JsonSummary,
    },
    Format {
        text: String,
    },
    Compile {
        /// The digest of the program's meaning.
        digest: String,
        tables: serde_json::Value,
    },
    /// As `decide --json` writes it.
    Decide {
        role: String,
        from: String,
        state: String,
        decisions: Vec<JsonDecision>,
    },
    Test {
        tests: Vec<JsonVerdict>,
    },
    /// As `diff --format json` writes it.
    Diff(JsonDifferences),
    /// The call failed, and why.
    Refused {
        message: String,
        /// The errors of the program, if any.
        diagnostics: Vec<JsonDiagnostic>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct JsonSummary {
    pub errors: usize,
    pub warnings: usize,
}

/// The decision for one system.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JsonDecision {
    pub to: String,
    /// `set`, `unchanged` or `unmapped`.
    pub outcome: &'static str,
    pub state: Option<String>,
    pub append: Vec<String>,
    pub profile: Option<String>,
    /// `agents.presync:14`
    pub rule: Option<String>,
}

/// The result of a test or scenario.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JsonVerdict {
    pub name: String,
    pub scenario: bool,
    /// `agents.presync:14`
    pub place: String,
    /// Empty: it passed.
    pub failures: Vec<JsonDiagnostic>,
}

/// Answers a call in JSON text.
pub fn call(text: &str) -> String {
    let answer = match serde_json::from_str(text) {
        Ok(call) => answer(&call),
        Err(error) => Answer::refused(format!("invalid call: {error}")),
    };
    serde_json::to_string(&answer).expect("an answer is always JSON")
}

/// Answers a call.
pub fn answer(call: &Call) -> Answer {
    match try_answer(call) {
        Ok(answer) => answer,
        Err(Refusal(answer)) => *answer,
    }
}

/// The JSON Schemas of [`Call`] and [`Answer`].
pub fn schemas() -> [serde_json::Value; 2] {
    let answers = SchemaSettings::draft2020_12().for_serialize();
    [
        schemars::schema_for!(Call).to_value(),
        answers
            .into_generator()
            .into_root_schema_for::<Answer>()
            .to_value(),
    ]
}

/// An answer that explains why the call failed.
struct Refusal(Box<Answer>);

impl Answer {
    fn refused(message: impl Into<String>) -> Self {
        Self::Refused {
            message: message.into(),
            diagnostics: Vec::new(),
        }
    }
}

impl Refusal {
    fn new(message: impl ToString) -> Self {
        Self(Box::new(Answer::refused(message.to_string())))
    }
}

macro_rules! refused_by {
    ($($error:ty),*) => {
        $(impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                Self::new(error)
            }
        })*
    };
}

refused_by!(
    QuestionError,
    TablesError,
    TooComplex,
    UnknownLint,
    io::Error
);

fn try_answer(call: &Call) -> Result<Answer, Refusal> {
    match call {
        Call::Check { program, levels } => check(program, levels),
        Call::Format { source } => format(source),
        Call::Compile { program } => compile(program),
        Call::Decide {
            r#in,
            role,
            facts,
            states,
            by_hand,
            own,
            change,
        } => {
            let tables = r#in.tables()?;
            let question = DecideQuestion {
                role: role.clone(),
                facts: facts.clone(),
                states: states.clone(),
                by_hand: by_hand.clone(),
                own: own.clone(),
                change: change.clone(),
            };
            let answer = question.answer(&tables)?;
            let schema = tables.schema();
            Ok(Answer::Decide {
                role: answer.role.name().to_owned(),
                from: schema.system(answer.entered.system()).name.clone(),
                state: schema.state(answer.entered).name.clone(),
                decisions: answer.decisions.iter().map(JsonDecision::new).collect(),
            })
        }
        Call::Test { program } => test(program),
        Call::Diff { old, new } => {
            let found = api::diff(&old.tables()?, &new.tables()?)?;
            Ok(Answer::Diff(JsonDifferences::new(&found)))
        }
    }
}

fn check(program: &ProgramFiles, levels: &BTreeMap<String, Level>) -> Result<Answer, Refusal> {
    let mut settings = Settings::default();
    for (lint, level) in levels {
        settings.set(lint, *level)?;
    }
    let report = program.report()?;
    let found = report.findings(&settings);
    let count = |severity| found.iter().filter(|one| one.severity == severity).count();
    Ok(Answer::Check {
        diagnostics: diagnostics(&found, report.sources()),
        summary: JsonSummary {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
        },
    })
}

fn format(source: &str) -> Result<Answer, Refusal> {
    let file = SourceFile::new("", source.as_bytes().to_vec(), false);
    if let Ok(text) = api::format(&file) {
        return Ok(Answer::Format { text });
    }
    let (_, errors) = crate::syntax::parse(FileId(0), &file);
    let mut sources = Sources::default();
    sources.add(file);
    Err(Refusal(Box::new(Answer::Refused {
        message: "the file has syntax errors".to_owned(),
        diagnostics: diagnostics(&errors, &sources),
    })))
}

fn compile(program: &ProgramFiles) -> Result<Answer, Refusal> {
    let tables = program.program()?.compile()?;
    Ok(Answer::Compile {
        digest: tables.digest()?.to_owned(),
        tables: serde_json::from_str(&tables.to_json()?).map_err(Refusal::new)?,
    })
}

fn test(program: &ProgramFiles) -> Result<Answer, Refusal> {
    let program = program.program()?;
    let tables = program.compile()?;
    let verdicts = api::prove(&program, &tables);
    let verdict = |verdict: crate::analysis::Verdict| JsonVerdict {
        place: program.sources.file_line(verdict.location),
        failures: diagnostics(&verdict.failures, &program.sources),
        name: verdict.name,
        scenario: verdict.scenario,
    };
    Ok(Answer::Test {
        tests: verdicts.into_iter().map(verdict).collect(),
    })
}

fn diagnostics(found: &[Diagnostic], sources: &Sources) -> Vec<JsonDiagnostic> {
    let one = |diagnostic| JsonDiagnostic::new(diagnostic, sources);
    found.iter().map(one).collect()
}

impl ProgramFiles {
    fn report(&self) -> io::Result<CheckReport> {
        let read = |path: &str| match self.files.get(path) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        if !self.files.contains_key(&self.root) {
            let message = format!("`{}` is not in `files`", self.root);
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        Ok(api::check(api::parse("", &self.root, &read)?))
    }

    fn program(&self) -> Result<Program, Refusal> {
        let mut report = self.report()?;
        match report.program.take() {
            Some(program) => Ok(program),
            None => Err(Refusal(Box::new(Answer::Refused {
                message: "the program has errors".to_owned(),
                diagnostics: diagnostics(&report.diagnostics, report.sources()),
            }))),
        }
    }
}

impl ProgramOrTables {
    fn tables(&self) -> Result<Tables, Refusal> {
        match self {
            Self::Program(program) => Ok(program.program()?.compile()?),
            Self::Tables(tables) => Ok(Tables::from_json(&tables.to_string())?),
        }
    }
}

impl JsonDecision {
    fn new(decided: &presync_engine::Decided<'_>) -> Self {
        let origin = decided.decision().origin.as_ref();
        Self {
            to: decided.system().to_owned(),
            outcome: decided.kind(),
            state: decided.state().map(str::to_owned),
            append: decided
                .append()
                .iter()
                .map(|text| (*text).to_owned())
                .collect(),
            profile: origin.map(|origin| origin.profile.clone()),
            rule: origin.map(|origin| origin.rule.clone()),
        }
    }
}
