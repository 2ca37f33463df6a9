//! A new project passes the checks of its CI file, and the CI templates run as written.

use crate::common;

use std::path::Path;
use std::process::Command;

use common::text;

fn sh(folder: &Path, script: &str) -> (bool, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_presync"))
        .parent()
        .expect("the binary is in a folder");
    let path = format!(
        "{}:{}",
        binary.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = Command::new("sh")
        .args(["-ec", script])
        .current_dir(folder)
        .env("PATH", path)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GITHUB_BASE_REF", "main")
        .env("RUNNER_TEMP", folder.join(".."))
        .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
        .env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
        .output()
        .expect("sh runs");
    (
        output.status.success(),
        format!("{}{}", text(&output.stdout), text(&output.stderr)),
    )
}

#[test]
fn a_new_project_is_clean_and_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let (passed, output) = sh(
        folder.path(),
        "presync init\npresync fmt --check\npresync check --deny-warnings\npresync test\npresync show profiles",
    );
    assert!(passed, "{output}");
    assert!(
        output.contains("checked 1 program: no findings") && output.contains("2 passed, 0 failed"),
        "{output}"
    );
    let (passed, output) = sh(folder.path(), "presync init");
    assert!(
        passed && output.matches("which already exists").count() == 4,
        "{output}"
    );
}

#[test]
fn completions_and_manual_pages_exist_for_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = common::presync(&common::root(), &["completions", shell], b"");
        assert!(text(&output.stdout).contains("add-allow"), "{shell}");
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let output = common::presync(folder.path(), &["man", "-o", "pages"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let help = text(&common::presync(&common::root(), &["--help"], b"").stdout);
    let commands = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let commands = commands.filter(|line| !line.starts_with("   "));
    let names: Vec<&str> = commands
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() > 12, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        assert!(
            folder
                .path()
                .join(format!("pages/presync-{name}.1"))
                .exists(),
            "{name}"
        );
    }
}
