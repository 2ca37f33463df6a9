//! The bundled vocabularies: readable `.presync` files that a program takes in with `use name`.

/// Name and text of every bundled vocabulary, in the order they are listed.
pub const ALL: [(&str, &str); 4] = [
    ("cic", include_str!("cic.presync")),
    ("cic_lync", include_str!("cic_lync.presync")),
    (
        "cic_lync_profiles",
        include_str!("cic_lync_profiles.presync"),
    ),
    ("cic_teams", include_str!("cic_teams.presync")),
];

pub fn text(name: &str) -> Option<&'static str> {
    ALL.iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}

pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}
