//! The bundled vocabularies: readable `.presync` files that a program includes with `use name`.

/// A bundled vocabulary.
#[derive(Debug)]
pub struct Vocabulary {
    pub name: &'static str,
    pub text: &'static str,
}

/// Every bundled vocabulary, by name.
pub static ALL: [Vocabulary; 12] = [
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
    Vocabulary {
        name: "genesys_cloud",
        text: include_str!("genesys_cloud.presync"),
    },
    Vocabulary {
        name: "genesys_cloud_teams",
        text: include_str!("genesys_cloud_teams.presync"),
    },
    Vocabulary {
        name: "matrix",
        text: include_str!("matrix.presync"),
    },
    Vocabulary {
        name: "slack",
        text: include_str!("slack.presync"),
    },
    Vocabulary {
        name: "teams",
        text: include_str!("teams.presync"),
    },
    Vocabulary {
        name: "webex",
        text: include_str!("webex.presync"),
    },
    Vocabulary {
        name: "xmpp",
        text: include_str!("xmpp.presync"),
    },
    Vocabulary {
        name: "zoom",
        text: include_str!("zoom.presync"),
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
