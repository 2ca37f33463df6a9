//! `textDocument/semanticTokens/full`, `full/delta`, `range`.

use lsp_types as t;
use presync::Span;
use presync_ide::FileView;
use presync_ide::tokens::{ColorKind, ColoredToken, tokens};
use serde_json::{Value, json};

use crate::convert::{position, span};
use crate::documents::path_of;
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

/// The kinds of tokens by number: standard ones, so that every theme has colors for them.
const KINDS: [(ColorKind, &str); 15] = [
    (ColorKind::Keyword, "keyword"),
    (ColorKind::Operator, "operator"),
    (ColorKind::Comment, "comment"),
    (ColorKind::Text, "string"),
    (ColorKind::Number, "number"),
    (ColorKind::System, "namespace"),
    (ColorKind::State, "enumMember"),
    (ColorKind::Group, "enum"),
    (ColorKind::Fact, "variable"),
    (ColorKind::Value, "enumMember"),
    (ColorKind::Condition, "function"),
    (ColorKind::Mapping, "interface"),
    (ColorKind::Profile, "class"),
    (ColorKind::Role, "struct"),
    (ColorKind::Attribute, "property"),
];

pub fn legend() -> Value {
    let kinds = KINDS.map(|(_, name)| name);
    json!({ "tokenTypes": kinds, "tokenModifiers": ["declaration", "defaultLibrary"] })
}

/// Tokens relative to each other.
fn encoded(
    server: &Server,
    view: FileView<'_>,
    tokens: impl Iterator<Item = ColoredToken>,
) -> Vec<t::SemanticToken> {
    let encoding = server.client.encoding;
    let mut before = t::Position {
        line: 0,
        character: 0,
    };
    let mut all = Vec::new();
    for token in tokens {
        let start = position(encoding, view.source(), token.span.start);
        let end = position(encoding, view.source(), token.span.end);
        // No token spans lines.
        let length = end.character.saturating_sub(start.character);
        let kind = KINDS.iter().position(|(kind, _)| *kind == token.kind);
        let same_line = start.line == before.line;
        all.push(t::SemanticToken {
            delta_line: start.line - before.line,
            delta_start: if same_line {
                start.character - before.character
            } else {
                start.character
            },
            length,
            token_type: kind.unwrap_or_default() as u32,
            token_modifiers_bitset: u32::from(token.is_declaration)
                | u32::from(token.is_bundled) << 1,
        });
        before = start;
    }
    all
}

/// All tokens of a document, remembered under a new id.
fn remembered(server: &mut Server, uri: &t::Uri) -> Option<(String, Vec<t::SemanticToken>)> {
    let view = server.view(uri)?;
    let data = encoded(server, view, tokens(view).into_iter());
    server.next_tokens += 1;
    let id = server.next_tokens;
    let path = server.analysis.canonical(&path_of(uri));
    server.tokens.insert(path, (id, data.clone()));
    Some((id.to_string(), data))
}

pub struct AllTokens;

impl Handler for AllTokens {
    type Request = t::SemanticTokensRequest;

    fn run(
        server: &mut Server,
        params: t::SemanticTokensParams,
    ) -> Result<Option<t::SemanticTokens>, RequestRefusal> {
        let found = remembered(server, &params.text_document.uri);
        Ok(found.map(|(id, data)| t::SemanticTokens {
            result_id: Some(id),
            data,
        }))
    }
}

pub struct TokensDelta;

impl Handler for TokensDelta {
    type Request = t::SemanticTokensDeltaRequest;

    fn run(
        server: &mut Server,
        params: t::SemanticTokensDeltaParams,
    ) -> Result<Option<t::SemanticTokensDeltaResponse>, RequestRefusal> {
        let path = server
            .analysis
            .canonical(&path_of(&params.text_document.uri));
        let before = server.tokens.remove(&path);
        let before = before.filter(|(id, _)| id.to_string() == params.previous_result_id);
        let Some((id, data)) = remembered(server, &params.text_document.uri) else {
            return Ok(None);
        };
        let Some((_, before)) = before else {
            return Ok(Some(
                t::SemanticTokens {
                    result_id: Some(id),
                    data,
                }
                .into(),
            ));
        };
        Ok(Some(
            t::SemanticTokensDelta {
                result_id: Some(id),
                edits: difference(&before, &data).into_iter().collect(),
            }
            .into(),
        ))
    }
}

/// The part in the middle that differs.
fn difference(
    before: &[t::SemanticToken],
    after: &[t::SemanticToken],
) -> Option<t::SemanticTokensEdit> {
    let start = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (before, after) = (&before[start..], &after[start..]);
    let same = before.iter().rev().zip(after.iter().rev());
    let end = same.take_while(|(a, b)| a == b).count();
    let (before, after) = (&before[..before.len() - end], &after[..after.len() - end]);
    if before.is_empty() && after.is_empty() {
        return None;
    }
    let data = after.iter().flat_map(|token| {
        [
            token.delta_line,
            token.delta_start,
            token.length,
            token.token_type,
            token.token_modifiers_bitset,
        ]
    });
    // Each token is five numbers.
    Some(t::SemanticTokensEdit {
        start: start as u32 * 5,
        delete_count: before.len() as u32 * 5,
        data: Some(data.collect()),
    })
}

pub struct TokensInRange;

impl Handler for TokensInRange {
    type Request = t::SemanticTokensRangeRequest;

    fn run(
        server: &mut Server,
        params: t::SemanticTokensRangeParams,
    ) -> Result<Option<t::SemanticTokens>, RequestRefusal> {
        let Some(view) = server.view(&params.text_document.uri) else {
            return Ok(None);
        };
        let within: Span = span(server.client.encoding, view.source(), params.range);
        let all = tokens(view).into_iter();
        let here =
            all.filter(|token| token.span.start < within.end && within.start < token.span.end);
        Ok(Some(t::SemanticTokens {
            result_id: None,
            data: encoded(server, view, here),
        }))
    }
}
