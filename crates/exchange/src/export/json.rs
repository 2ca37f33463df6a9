//! tables.json: the format that `decide` and `run` read.

use crate::export::format::{ExportFormat, Write};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "json",
    description: "tables.json, as described by docs/tables.schema.json",
    write: Write::Tables(|tables| Ok(tables.to_json()?)),
};
