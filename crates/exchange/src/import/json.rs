//! Imports tables.json, as written by `export --to json`.

use presync_engine::Tables;

use crate::import::{ImportKind, from_tables, utf8};

pub(super) const KIND: ImportKind = ImportKind {
    extensions: &["json"],
    read: |bytes, _| from_tables(Tables::from_json(utf8(bytes)?)?),
};
