//! Imports tables.json, as written by `export --to json`.

use presync_engine::Tables;

use crate::import::{ImportKind, from_tables};

pub(super) const KIND: ImportKind = ImportKind {
    extension: "json",
    read: |text| from_tables(Tables::from_json(text)?),
};
