//! Elements of a DMN file.

use std::io;

use quick_xml::Writer;
use quick_xml::escape::partial_escape;
use quick_xml::events::BytesText;

pub type Xml = Writer<Vec<u8>>;

/// An element with others in it.
pub fn parent(
    xml: &mut Xml,
    name: &str,
    attributes: &[(&str, &str)],
    children: impl FnOnce(&mut Xml) -> io::Result<()>,
) -> io::Result<()> {
    let attributes: Vec<(&str, String)> = attributes
        .iter()
        .map(|(name, value)| (*name, escape_for_xml(value)))
        .collect();
    let attributes = attributes
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    xml.create_element(name)
        .with_attributes(attributes)
        .write_inner_content(children)?;
    Ok(())
}

/// An element without content.
pub fn empty(xml: &mut Xml, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
    xml.create_element(name)
        .with_attributes(attributes.iter().copied())
        .write_empty()?;
    Ok(())
}

/// An element with a text.
pub fn text(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    // Quotes need no escape within an element, and FEEL is full of them.
    let text = BytesText::from_escaped(partial_escape(escape_for_xml(text)));
    xml.create_element(name).write_text_content(text)?;
    Ok(())
}

/// Replaces characters that XML cannot represent, even escaped, by a visible escape.
fn escape_for_xml(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' | '\r' | '\t' => said.push(char),
            '\u{fffe}' | '\u{ffff}' => said.extend(char.escape_unicode()),
            char if char.is_control() => said.extend(char.escape_unicode()),
            char => said.push(char),
        }
    }
    said
}
