//! Checks, lints, compiles and formats arbitrary bytes as a program. Formatting keeps the meaning and is idempotent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use presync::SourceFile;

fuzz_target!(|bytes: &[u8]| {
    let parsed = read(bytes);
    let report = presync::check(parsed);
    let file = SourceFile::new("main.presync", bytes.to_vec(), false);
    let formatted = presync::format(&file);
    if let Ok(text) = &formatted {
        let file = SourceFile::new("main.presync", text.clone().into_bytes(), false);
        assert_eq!(
            presync::format(&file).ok().as_ref(),
            Some(text),
            "it settles"
        );
    }
    let Some(program) = report.program else {
        return;
    };
    let _ = program.lint(&presync::Settings::default());
    let text = formatted.expect("what has no errors can be laid out");
    let Ok(tables) = program.compile() else {
        return;
    };
    let program = presync::check(read(text.as_bytes())).into_program();
    let program = program.expect("what is laid out has no errors either");
    let others = program.compile().expect("it is as large as before");
    assert_eq!(others.digest().expect("it is small"), tables.digest().expect("it is small"), "it means the same");
});

fn read(bytes: &[u8]) -> presync::Parsed {
    let read = |path: &str| match path {
        "main.presync" => Ok(bytes.to_vec()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    presync::parse("", "main.presync", &read).expect("the root is there")
}
