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

/// A project in a repository that is its own remote, with an uncommitted change.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let script = "presync init site
cd site
git init -q -b main
git add -A
git -c user.name=a -c user.email=a@b commit -q -m first
git remote add origin .
git fetch -q origin
sed -i.old 's/-> lync Away/-> lync \"Be Right Back\"/' profiles/site.presync
rm profiles/*.old";
    let (passed, output) = sh(folder.path(), script);
    assert!(passed, "{output}");
    folder
}

/// The scripts that a template runs, one per step, without the installation.
fn steps(template: &str) -> Vec<String> {
    let path = common::root().join("docs/ci").join(template);
    let text = std::fs::read_to_string(path).expect("it exists");
    let mut steps: Vec<String> = Vec::new();
    let mut block: Option<usize> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if let Some(outer) = block {
            if indent > outer {
                let step = steps.last_mut().expect("a block begins with a step");
                step.push_str(line.trim());
                step.push('\n');
                continue;
            }
            block = None;
        }
        let line = line.trim_start().trim_start_matches("- ");
        let command = line.strip_prefix("run: ").unwrap_or(line);
        if command == "|" {
            steps.push(String::new());
            block = Some(indent);
        } else if command.starts_with("presync ") {
            steps.push(command.to_owned());
        }
    }
    steps
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
        !passed && output.contains("already exists: nothing was written"),
        "{output}"
    );
}

#[test]
fn ci_templates_run_and_show_changed_decisions() {
    for (template, report, count) in [
        ("github.yml", "summary.md", 5),
        ("gitlab.yml", "presync-diff.md", 5),
    ] {
        let folder = project();
        let site = folder.path().join("site");
        let steps = steps(template);
        assert_eq!(steps.len(), count, "{template}: {steps:?}");
        for step in steps {
            let (passed, output) = sh(&site, &step);
            // The change breaks the test that came with the project.
            assert_eq!(
                passed,
                !step.starts_with("presync test"),
                "{template}: {step}\n{output}"
            );
        }
        let report = std::fs::read_to_string(site.join(report)).expect("the report was written");
        assert!(report.contains("Be Right Back"), "{template}: {report}");
    }
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
