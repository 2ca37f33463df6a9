//! `textDocument/completion`, `completionItem/resolve`.

use lsp_types as t;
use presync_ide::completion::{CompletionKind, complete};
use presync_ide::hover;
use serde_json::json;

use crate::convert::{markup, offset, range};
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct CompletionHandler;

impl Handler for CompletionHandler {
    type Request = t::CompletionRequest;

    fn run(
        server: &mut Server,
        params: t::CompletionParams,
    ) -> Result<Option<t::CompletionResponse>, RequestRefusal> {
        let at = &params.text_document_position_params;
        let Some((view, offset)) = server.place(at) else {
            return Ok(None);
        };
        let completions = complete(&server.analysis, view, offset);
        let replaced = range(server.client.encoding, view.source(), completions.replace);
        let has_quote = completions.replace.text(view.text()).starts_with('"');
        let snippets = server.client.snippets;
        let items = completions
            .items
            .into_iter()
            .enumerate()
            .map(|(number, item)| {
                let is_snippet = item.is_snippet && snippets;
                // Without snippets, the keyword alone.
                let text = if item.is_snippet && !snippets {
                    item.label.clone()
                } else {
                    item.insert
                };
                t::CompletionItem {
                    // Clients compare it with what is replaced.
                    filter_text: has_quote.then(|| text.clone()),
                    label: item.label,
                    kind: Some(kind(item.kind)),
                    detail: (!item.detail.is_empty()).then_some(item.detail),
                    // In the order given, keywords last.
                    sort_text: Some(format!(
                        "{}{number:05}",
                        u8::from(item.kind == CompletionKind::Keyword)
                    )),
                    insert_text_format: Some(if is_snippet {
                        t::InsertTextFormat::Snippet
                    } else {
                        t::InsertTextFormat::PlainText
                    }),
                    text_edit: Some(
                        t::TextEdit {
                            range: replaced,
                            new_text: text,
                        }
                        .into(),
                    ),
                    data: item.meaning.map(|_| json!({ "at": at, "number": number })),
                    ..t::CompletionItem::default()
                }
            });
        Ok(Some(
            t::CompletionList {
                is_incomplete: false,
                items: items.collect(),
                ..t::CompletionList::default()
            }
            .into(),
        ))
    }
}

fn kind(kind: CompletionKind) -> t::CompletionItemKind {
    match kind {
        CompletionKind::Keyword => t::CompletionItemKind::Keyword,
        CompletionKind::Snippet => t::CompletionItemKind::Snippet,
        CompletionKind::System => t::CompletionItemKind::Module,
        CompletionKind::State | CompletionKind::Value => t::CompletionItemKind::EnumMember,
        CompletionKind::Group => t::CompletionItemKind::Enum,
        CompletionKind::Fact => t::CompletionItemKind::Variable,
        CompletionKind::Condition => t::CompletionItemKind::Function,
        CompletionKind::Mapping => t::CompletionItemKind::Interface,
        CompletionKind::Profile => t::CompletionItemKind::Class,
        CompletionKind::Role => t::CompletionItemKind::Struct,
        CompletionKind::Attribute => t::CompletionItemKind::Property,
        CompletionKind::Code => t::CompletionItemKind::Constant,
        CompletionKind::File => t::CompletionItemKind::File,
    }
}

/// Adds documentation, which is not made for a list of which one item is looked at.
pub struct ResolveCompletion;

impl Handler for ResolveCompletion {
    type Request = t::CompletionResolveRequest;

    fn run(
        server: &mut Server,
        mut item: t::CompletionItem,
    ) -> Result<t::CompletionItem, RequestRefusal> {
        let documentation = || {
            let data = item.data.as_ref()?;
            let at: t::TextDocumentPositionParams =
                serde_json::from_value(data.get("at")?.clone()).ok()?;
            let number = data.get("number")?.as_u64()? as usize;
            let view = server.view(&at.text_document.uri)?;
            let offset = offset(server.client.encoding, view.source(), at.position);
            let all = complete(&server.analysis, view, offset).items;
            let same = all.get(number).filter(|found| found.label == item.label)?;
            hover::about(view, same.meaning?)
        };
        if let Some(text) = documentation() {
            // Some clients know neither of the formats by name.
            item.documentation = Some(if server.client.markdown_documentation {
                markup(text, true).into()
            } else {
                t::Documentation::String(markup(text, false).value)
            });
        }
        item.data = None;
        Ok(item)
    }
}
