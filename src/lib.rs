//! Presync: status synchronization profiles as code.
//!
//! A contact centre's people show one status in CIC and another in Lync, Skype for Business or Teams. A *profile* says
//! how a change in one becomes a change in the other, under which conditions. Text is parsed ([`load`], [`syntax`]), checked
//! ([`resolve`]) into a [`program`](mod@program) over an exact [`space`] of situations, and compiled ([`mod@compile`]) into
//! [`table`]s, which `presync-engine` executes.
//!
//! ```
//! let source = r#"
//!     use cic_lync
//!     profile "Voice" when enterprise_voice {
//!         when both_logged_in: cic "At Lunch" -> lync Away
//!     }
//! "#;
//! let read = |_: &str| Ok(source.as_bytes().to_vec());
//! let parsed = presync::parse("voice.presync", &read)?;
//! let program = presync::check(parsed)?;
//! let tables = presync::compile(&program)?;
//!
//! let (cic, lync) = (tables.system("cic").unwrap(), tables.system("lync").unwrap());
//! let mut facts: Vec<u32> = tables.facts.iter().map(|fact| fact.initial()).collect();
//! for flag in ["cic_logged_in", "lync_logged_in"] {
//!     facts[tables.fact(flag).unwrap()] = 1;
//! }
//! let user_type = tables.fact("user_type").unwrap();
//! facts[user_type] = tables.value(user_type, "enterprise_voice").unwrap();
//!
//! let lunch = tables.state(cic, "At Lunch").unwrap();
//! let decision = tables.table(0, cic, lync).decide(&facts, &[0, 0], lunch);
//! assert_eq!(decision.profile.as_deref(), Some("Voice"));
//! assert_eq!(decision.rule.as_deref(), Some("voice.presync:4"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod analysis;
pub mod codes;
pub mod compile;
pub mod diagnostic;
pub mod diagram;
pub mod format;
pub mod lint;
pub mod load;
pub mod program;
pub mod quote;
pub mod resolve;
pub mod source;
pub mod space;
pub mod syntax;
pub mod vocabulary;

pub use presync_engine::table;

/// Reads and parses a program: the file at `path` and all that it uses. Syntax errors are in the result.
///
/// # Errors
/// The root file cannot be read.
pub fn parse(path: &str, read: &load::Reader<'_>) -> std::io::Result<load::Parsed> {
    load::parse("", path, read)
}

/// Checks a parsed program.
///
/// # Errors
/// Everything that is wrong with it, syntax errors included.
pub fn check(parsed: load::Parsed) -> Result<program::Program, Box<Errors>> {
    let (program, diagnostics) = resolve::check(parsed);
    if diagnostics.is_empty() {
        Ok(program)
    } else {
        Err(Box::new(Errors {
            program,
            diagnostics,
        }))
    }
}

/// Compiles a checked program into its tables.
///
/// # Errors
/// The conditions are too entangled for the limits of [`space`].
pub fn compile(program: &program::Program) -> Result<table::Tables, compile::CompileError> {
    compile::compile(program)
}

/// What is wrong with a program.
#[derive(Debug)]
pub struct Errors {
    /// What could be resolved; its sources are what the diagnostics point into.
    pub program: program::Program,
    /// Sorted by place, never empty.
    pub diagnostics: Vec<diagnostic::Diagnostic>,
}

impl std::fmt::Display for Errors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, diagnostic) in self.diagnostics.iter().enumerate() {
            let place = diagnostic.location().map(|location| {
                let place = self
                    .program
                    .sources
                    .file(location.file)
                    .line_column(location.span.start);
                format!(
                    "{}:{}:{}: ",
                    self.program.sources.shown_path(location.file),
                    place.line,
                    place.column
                )
            });
            let newline = if at == 0 { "" } else { "\n" };
            write!(
                f,
                "{newline}{}{}: {}",
                place.unwrap_or_default(),
                diagnostic.code,
                diagnostic.message
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}
