//! A page with the source of each file: what tests cover is green, what they miss is red, with the roles in which they miss it.

use presync::visible;

use super::{CoveredFile, CoveredPlace, Total};

const STYLE: &str = "\
:root { color-scheme: light dark; --no: #ffd9d6; --some: #fff0b3; --yes: #d4f4dd }
@media (prefers-color-scheme: dark) { :root { --no: #6e1f1a; --some: #5c4a00; --yes: #174a27 } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 }
th, td { text-align: left; padding: .2em 1em .2em 0 }
td + td, th + th { text-align: right }
pre { font: 14px/1.6 ui-monospace, monospace; overflow-x: auto; border: 1px solid #8888; padding: .5em }
.line { color: #767676; user-select: none }
mark { color: inherit; border-radius: 2px }
.no { background: var(--no); text-decoration: underline wavy }
.some { background: var(--some); text-decoration: underline dotted }
.yes { background: var(--yes) }
";

impl Total {
    /// The whole page.
    pub fn html(&self) -> String {
        let percent = self.percent();
        let mut body = format!("<h1>Coverage: {percent:.1}%</h1>\n<table>\n");
        body.push_str("<tr><th>role</th><th>rules</th><th>branches</th></tr>\n");
        let all = self
            .roles
            .iter()
            .map(|role| (role.as_str(), Some(role.as_str())));
        for (name, role) in all.chain([("all", None)]) {
            let [rules, branches] = self.shares(role);
            let name = escape(name);
            body.push_str(&format!(
                "<tr><td>{name}</td><td>{rules}</td><td>{branches}</td></tr>\n"
            ));
        }
        body.push_str("</table>\n<p><mark class=yes>covered</mark> <mark class=some>covered in some roles, or one branch of two</mark> <mark class=no>not covered</mark></p>\n");
        for (path, file) in &self.files {
            body.push_str(&format!(
                "<h2>{}</h2>\n<pre>{}</pre>\n",
                escape(path),
                self.source(file)
            ));
        }
        format!(
            "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<meta name=viewport content=\"width=device-width\">\n\
<title>Coverage {percent:.1}%</title>\n<style>{STYLE}</style>\n<body>\n{body}</body>\n</html>\n"
        )
    }

    /// The text of a file with marks. A mark inside another one is a condition around rules, or a rule in it.
    fn source(&self, file: &CoveredFile) -> String {
        // At each offset: the marks that end there, then those that begin, the longest first.
        let mut places: Vec<&CoveredPlace> = file.places.values().collect();
        places.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
        let mut text = String::new();
        let mut open: Vec<usize> = Vec::new();
        let mut places = places.into_iter().peekable();
        let mut number = 1;
        text.push_str(&line(number));
        let ends = file.text.len();
        for (at, char) in file.text.char_indices().chain([(ends, ' ')]) {
            while open.last().is_some_and(|end| *end <= at) {
                open.pop();
                text.push_str("</mark>");
            }
            while let Some(place) = places.next_if(|place| place.start == at) {
                let (class, title) = self.mark(place);
                text.push_str(&format!(
                    "<mark class={class} title=\"{}\">",
                    escape(&title)
                ));
                open.push(place.end);
            }
            match char {
                _ if at == ends => {}
                '\n' if at + 1 < ends => {
                    number += 1;
                    text.push('\n');
                    text.push_str(&line(number));
                }
                '\r' | '\n' => {}
                char => text.push_str(&escape(char.encode_utf8(&mut [0; 4]))),
            }
        }
        text
    }

    /// The class of a place, and what is missing.
    fn mark(&self, place: &CoveredPlace) -> (&'static str, String) {
        let targets = place.targets.iter();
        let missing = targets.filter_map(|(kind, target)| {
            let missing = target.missing();
            let roles = if self.roles.len() > 1 {
                format!(" in {}", missing.join(", "))
            } else {
                String::new()
            };
            (!missing.is_empty()).then(|| format!("{}{roles}", kind.missing()))
        });
        let missing: Vec<String> = missing.collect();
        let count: usize = place
            .targets
            .values()
            .map(super::CoveredTarget::count)
            .sum();
        let class = match (count, missing.is_empty()) {
            (_, true) => "yes",
            (0, false) => "no",
            _ => "some",
        };
        let title = if missing.is_empty() {
            format!("covered by {count} expectations and steps")
        } else {
            missing.join("; ")
        };
        (class, title)
    }
}

fn line(number: usize) -> String {
    format!("<span class=line>{number:>4}  </span>")
}

fn escape(text: &str) -> String {
    let text = visible(text);
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
