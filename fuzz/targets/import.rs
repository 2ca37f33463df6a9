//! Arbitrary text as a table of each kind: rejected, or imported as source that can be formatted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use presync::SourceFile;

fuzz_target!(|text: &str| {
    for kind in presync_exchange::import::KINDS {
        if let Ok(imported) = (kind.read)(text.as_bytes(), &presync_exchange::import::ImportOptions::default()) {
            let file = SourceFile::new(
                "imported.presync",
                imported.source.clone().into_bytes(),
                false,
            );
            assert!(
                presync::format(&file).is_ok(),
                "{}",
                imported.source
            );
        }
    }
});
