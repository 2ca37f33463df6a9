//! The CI templates: their lines, run in order in repositories made on the spot, with the variables that the services set.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_yaml_ng::Value;

use crate::common::{self, git};

const GOOD: &str = include_str!("../fixtures/programs/template.presync");

/// A clone whose branch is a pull request to `main`.
struct Repository(tempfile::TempDir);

impl Repository {
    /// `base` and `change`: the files below `profiles/` on both sides.
    fn new(base: &[(&str, &str)], change: &[(&str, &str)]) -> Self {
        let repository = Self(tempfile::tempdir().expect("a temporary folder can be created"));
        let origin = repository.0.path().join("origin");
        std::fs::create_dir(&origin).expect("it can be created");
        let write = |at: &Path, files: &[(&str, &str)]| {
            std::fs::create_dir_all(at.join("profiles")).expect("it can be created");
            std::fs::write(at.join("presync.toml"), "paths = [\"profiles\"]\n")
                .expect("it is writable");
            for (name, text) in files {
                std::fs::write(at.join("profiles").join(name), text).expect("it is writable");
            }
        };
        git(&origin, &["init", "-q", "-b", "main"]);
        std::fs::write(origin.join("README.md"), "a site\n").expect("it is writable");
        if !base.is_empty() {
            write(&origin, base);
        }
        git(&origin, &["add", "."]);
        git(&origin, &["commit", "-q", "--allow-empty", "-m", "base"]);
        let work = repository.work();
        let paths = [&origin, &work].map(|path| path.display().to_string());
        git(repository.0.path(), &["clone", "-q", &paths[0], &paths[1]]);
        git(&work, &["checkout", "-q", "-b", "change"]);
        write(&work, change);
        git(&work, &["add", "."]);
        git(&work, &["commit", "-q", "--allow-empty", "-m", "change"]);
        repository
    }

    fn work(&self) -> PathBuf {
        self.0.path().join("work")
    }

    /// Runs a script as a step of a job; whether it succeeds.
    fn runs(&self, script: &str) -> bool {
        // What installs the tool is done: it is built.
        if script.starts_with("cargo install") {
            return true;
        }
        let tool = Path::new(env!("CARGO_BIN_EXE_presync"));
        let folder = tool.parent().expect("it is in a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", script])
            .current_dir(self.work())
            .env("PATH", format!("{}:{path}", folder.display()))
            .env("GITHUB_BASE_REF", "main")
            .env("GITHUB_STEP_SUMMARY", self.0.path().join("summary.md"))
            .env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
            .output()
            .expect("bash runs");
        // Shown if the test fails.
        println!(
            "{script}\n{}{}",
            common::text(&output.stdout),
            common::text(&output.stderr)
        );
        output.status.success()
    }

    fn read(&self, name: &str) -> String {
        let path = [self.work().join(name), self.0.path().join(name)];
        let found = path
            .iter()
            .find_map(|path| std::fs::read_to_string(path).ok());
        found.unwrap_or_else(|| panic!("{name} was not written"))
    }
}

fn template(name: &str) -> Value {
    let path = common::root().join("docs/ci").join(name);
    let text = std::fs::read_to_string(path).expect("it is committed");
    serde_yaml_ng::from_str(&text).expect("it is YAML")
}

/// Runs the steps of the workflow; whether the job succeeds.
fn github(repository: &Repository) -> bool {
    let workflow = template("github.yml");
    let steps = workflow["jobs"]["presync"]["steps"]
        .as_sequence()
        .expect("it has steps");
    let mut succeeds = true;
    for step in steps {
        let always = step["if"]
            .as_str()
            .is_some_and(|when| when.starts_with("always()"));
        if let Some(script) = step["run"].as_str().filter(|_| succeeds || always) {
            succeeds &= repository.runs(script);
        }
    }
    let sarif: serde_json::Value =
        serde_json::from_str(&repository.read("presync.sarif")).expect("it is JSON");
    assert!(sarif["runs"].is_array());
    succeeds
}

/// Runs the script of the job; whether it succeeds.
fn gitlab(repository: &Repository) -> bool {
    let template = template("gitlab.yml");
    let job = &template["presync"];
    let lines =
        ["before_script", "script"].map(|part| job[part].as_sequence().expect("it is a list"));
    let lines = lines
        .into_iter()
        .flatten()
        .map(|line| line.as_str().expect("it is a script"));
    // GitLab runs the lines in one shell that stops at the first that fails.
    let script: Vec<&str> = lines
        .filter(|line| !line.starts_with("cargo install"))
        .collect();
    let succeeds = repository.runs(&script.join("\n"));
    let issues: serde_json::Value =
        serde_json::from_str(&repository.read("gl-code-quality-report.json")).expect("it is JSON");
    assert!(issues.is_array());
    for report in ["presync-check.xml", "presync-test.xml"] {
        assert!(repository.read(report).contains("<testsuites"), "{report}");
    }
    succeeds
}

#[test]
fn the_templates_write_every_report() {
    let changed = GOOD.replace("lync Available", "lync Away");
    let wrong = GOOD.replace("-> lync Available", "-> lync Awayy");
    let ugly = GOOD.replace("    cic Available", "  cic   Available");
    let failing = GOOD.replace("=> lync Available", "=> lync Busy");
    let good = [("a.presync", GOOD), ("b.presync", GOOD)];
    let with = |a| [("a.presync", a), ("b.presync", GOOD)];
    type Files<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Files<'_>, Files<'_>, bool, Option<&str>); 7] = [
        (
            "the first pull request",
            &[],
            &good,
            true,
            Some("exists only in NEW"),
        ),
        ("no change", &good, &good, true, Some("No decision changes")),
        (
            "two programs, one changes",
            &good,
            &with(&changed),
            true,
            Some("| cic Available now sets lync to Away, was Available | 1 of 17 situations |"),
        ),
        ("an error in the change", &good, &with(&wrong), false, None),
        (
            "an error in the base",
            &with(&wrong),
            &with(&changed),
            true,
            None,
        ),
        (
            "a first step that fails",
            &good,
            &with(&ugly),
            false,
            Some("No decision changes"),
        ),
        (
            "a test that fails",
            &good,
            &with(&failing),
            false,
            Some("No decision changes"),
        ),
    ];
    for (name, base, change, wanted, diff) in cases {
        let repository = Repository::new(base, change);
        assert_eq!(github(&repository), wanted, "{name}, GitHub");
        shows_diff(&repository.read("summary.md"), diff, name);
        assert_eq!(gitlab(&repository), wanted, "{name}, GitLab");
        shows_diff(&repository.read("presync-diff.md"), diff, name);
    }
}

/// A comparison that failed does not say that nothing changes.
fn shows_diff(shown: &str, wanted: Option<&str>, name: &str) {
    match wanted {
        Some(wanted) => assert!(shown.contains(wanted), "{name}: {shown}"),
        None => assert!(!shown.contains("No decision changes"), "{name}: {shown}"),
    }
}

#[test]
fn the_hooks_run_what_they_say() {
    let path = common::root().join(".pre-commit-hooks.yaml");
    let text = std::fs::read_to_string(path).expect("it is committed");
    let hooks: Value = serde_yaml_ng::from_str(&text).expect("it is YAML");
    let good = [("a.presync", GOOD)];
    let repository = Repository::new(&[], &good);
    let ugly = GOOD.replace("    cic Available", "  cic   Available");
    let wrong = GOOD.replace("-> lync Available", "-> lync Awayy");
    for hook in hooks.as_sequence().expect("it is a list") {
        let entry = hook["entry"].as_str().expect("it has an entry");
        let named = if hook["pass_filenames"].as_bool() == Some(false) {
            ""
        } else {
            " profiles/a.presync"
        };
        let script = format!("{entry}{named}");
        assert!(repository.runs(&script), "{script}");
        let bad = if entry.contains("fmt") { &ugly } else { &wrong };
        let file = repository.work().join("profiles/a.presync");
        std::fs::write(&file, bad).expect("it is writable");
        let changes = repository.runs(&script);
        let after = std::fs::read_to_string(&file).expect("it exists");
        // pre-commit fails a hook that changes files.
        assert!(!changes || after == GOOD, "{script}");
        std::fs::write(&file, GOOD).expect("it is writable");
    }
}
