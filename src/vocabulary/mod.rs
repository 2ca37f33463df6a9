//! The bundled vocabularies: readable `.presync` files that a program includes with `use name`.

/// A bundled vocabulary.
#[derive(Debug)]
pub struct Vocabulary {
    pub name: &'static str,
    pub text: &'static str,
}

/// Every bundled vocabulary, in display order.
pub static ALL: [Vocabulary; 4] = [
    Vocabulary {
        name: "cic",
        text: include_str!("cic.presync"),
    },
    Vocabulary {
        name: "cic_lync",
        text: include_str!("cic_lync.presync"),
    },
    Vocabulary {
        name: "cic_lync_profiles",
        text: include_str!("cic_lync_profiles.presync"),
    },
    Vocabulary {
        name: "cic_teams",
        text: include_str!("cic_teams.presync"),
    },
];

pub fn text(name: &str) -> Option<&'static str> {
    ALL.iter()
        .find(|known| known.name == name)
        .map(|known| known.text)
}

pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|known| known.name)
}
