//! Markdown: a heading and a table for each role and direction.

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::text::cells::{self, views};
use presync_engine::Tables;

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "markdown",
    description: "tables for a wiki or a pull request",
    write: Write::Tables(write),
};

fn write(tables: &Tables) -> Result<String, ExportError> {
    let mut text = String::from("# Decision tables\n");
    for view in views(tables)? {
        let (from, to) = (&view.from().name, &view.to().name);
        text.push_str(&format!(
            "\n## {}: {} → {}\n\n",
            escape(view.role),
            escape(from),
            escape(to)
        ));
        text.push_str(&format!(
            "| when | {} | {} | decided by |\n|---|---|---|---|\n",
            escape(from),
            escape(to)
        ));
        for row in view.rows {
            let cells = [
                cells::when(view.schema, view.table.columns(), &row.when),
                cells::entered(view.schema, view.table.direction(), row),
                cells::outcome(view.schema, row),
                cells::origin(row),
            ];
            text.push_str(&format!(
                "| {} |\n",
                cells.map(|cell| escape(&cell)).join(" | ")
            ));
        }
    }
    Ok(text)
}

/// Escapes Markdown and HTML syntax; a newline in a cell becomes `<br>`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\n' => escaped.push_str("<br>"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '$' | '!' => {
                escaped.push('\\');
                escaped.push(char);
            }
            char if char.is_control() || presync::is_hidden(char) => {
                escaped.extend(char.escape_unicode());
            }
            char => escaped.push(char),
        }
    }
    escaped
}
