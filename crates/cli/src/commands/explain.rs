//! `presync explain`: the meaning of a code, with a bad and a good example.

use clap::Args;

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::terminal::Terminal;
use presync::nearest;
use presync::visible;
use presync::{Code, UnknownLint, codes};

/// Explain an error or lint with examples, or list them all.
#[derive(Args)]
pub struct Arguments {
    /// A code as shown with a finding, such as `conflict` or `dead-rule`.
    code: Option<String>,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let Some(code) = &arguments.code else {
        let mut list = String::from("Errors:\n");
        for code in codes().filter(|code| code.default.is_none()) {
            list.push_str(&format!("  {:22}{}\n", code.name, code.summary));
        }
        list.push_str("\nLints, with their default level:\n");
        for (code, level) in codes().filter_map(|code| Some((code, code.default?))) {
            list.push_str(&format!(
                "  {:22}{:7}{}\n",
                code.name,
                level.as_str(),
                code.summary
            ));
        }
        terminal.stdout(&list)?;
        return Ok(CommandAnswer::Yes);
    };
    let Some(explanation) = presync::code(code) else {
        if let Err(renamed @ UnknownLint::Renamed { .. }) = presync::lint_named(code) {
            return Err(CommandError::Usage(renamed.to_string()));
        }
        let near = nearest(code, codes().map(|explanation| explanation.name));
        let near = near.map_or(String::new(), |near| format!(": did you mean `{near}`?"));
        return Err(CommandError::Usage(format!("unknown code `{code}`{near}")));
    };
    terminal.stdout(text(explanation))?;
    Ok(CommandAnswer::Yes)
}

fn text(explanation: &Code) -> String {
    let indented = |source: &str| {
        source
            .lines()
            .map(|line| format!("    {}\n", visible(line)))
            .collect::<String>()
    };
    let mut text = format!("{}: {}\n\n", explanation.name, explanation.summary);
    text.push_str(&wrap(explanation.explanation));
    text.push_str("\n\n");
    if !explanation.bad.is_empty() {
        text.push_str(&format!(
            "bad:\n\n{}\ngood:\n\n{}\n",
            indented(explanation.bad),
            indented(explanation.good)
        ));
    }
    let paragraphs = explanation.configuration();
    let paragraphs: Vec<String> = paragraphs
        .lines()
        .map(|line| {
            if line.starts_with(' ') {
                line.to_owned()
            } else {
                wrap(line)
            }
        })
        .collect();
    text.push_str(&format!("{}\n", paragraphs.join("\n")));
    text
}

/// Wraps at spaces only: a name with hyphens stays whole.
fn wrap(text: &str) -> String {
    let options = textwrap::Options::new(88)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}
