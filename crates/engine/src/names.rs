//! Unknown names, and the known names that were probably meant.

use std::fmt;

/// The kind of thing that a name was looked up as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameKind {
    System,
    /// A state of the system with this name.
    State(String),
    Fact,
    /// A value of the fact with this name.
    Value(String),
    Role,
}

/// The error for an unknown name. Suggests a similar known name, if any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct UnknownName {
    kind: NameKind,
    name: String,
    near: Option<String>,
    known: Vec<String>,
}

impl UnknownName {
    pub(crate) fn new<'a>(
        kind: NameKind,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<String> = known.map(str::to_owned).collect();
        let near = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
        Self {
            kind,
            name: name.to_owned(),
            near,
            known,
        }
    }

    pub fn kind(&self) -> &NameKind {
        &self.kind
    }

    /// The name that was looked up.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The known name that was probably meant, if one is similar.
    pub fn near(&self) -> Option<&str> {
        self.near.as_deref()
    }

    /// All known names of this kind.
    pub fn known(&self) -> &[String] {
        &self.known
    }
}

impl fmt::Display for NameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "system",
            Self::State(_) => "state",
            Self::Fact => "flag or choice",
            Self::Value(_) => "value",
            Self::Role => "role",
        })
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            NameKind::State(system) => write!(f, "{system} has no state `{}`", self.name)?,
            NameKind::Value(fact) => write!(f, "`{fact}` has no value `{}`", self.name)?,
            kind => write!(f, "unknown {kind} `{}`", self.name)?,
        }
        match &self.near {
            Some(near) => write!(f, ": did you mean `{near}`?"),
            None => Ok(()),
        }
    }
}

/// Returns the name in `known` that a misspelled `name` most likely means.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let length = wanted.chars().count();
    known
        .into_iter()
        // Skip computing the distance of names that differ too much in length.
        .filter(|candidate| {
            let other = candidate.chars().count();
            length.abs_diff(other) <= length.max(other).div_ceil(3)
        })
        .map(|candidate| {
            (
                strsim::osa_distance(&wanted, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            let longest = length.max(candidate.chars().count());
            *distance <= longest.div_ceil(3).max(1) && *distance < longest
        })
        .min_by_key(|(distance, candidate)| (*distance, candidate.len()))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::{NameKind, UnknownName, nearest};

    #[test]
    fn an_unknown_name_says_what_is_near_and_known() {
        let unknown = UnknownName::new(NameKind::Role, "Agnets", ["Agents", "Night"].into_iter());
        assert_eq!(unknown.name(), "Agnets");
        assert_eq!(unknown.near(), Some("Agents"));
        assert_eq!(unknown.known(), ["Agents", "Night"]);
        let unknown = UnknownName::new(NameKind::Role, "xyz", ["Agents"].into_iter());
        assert_eq!(unknown.near(), None);
    }

    #[test]
    fn nearest_wants_a_resemblance() {
        assert_eq!(
            nearest("At Lumch", ["At Lunch", "Gone Home"]),
            Some("At Lunch")
        );
        assert_eq!(nearest("busy", ["Busy", "Away"]), Some("Busy"));
        assert_eq!(nearest("xyz", ["At Lunch", "Away"]), None);
        assert_eq!(nearest("a", ["b"]), None, "no letter in common");
    }
}
