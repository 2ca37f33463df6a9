//! tables.json: the format that `decide` and `run` read.

use crate::export::format::{Format, Write};

pub(super) const FORMAT: Format = Format {
    name: "json",
    description: "tables.json, as described by docs/tables.schema.json",
    write: Write::Tables(|tables| Ok(tables.to_json()?)),
};
