//! The pictures of README and docs are those that the tool draws. `PRESYNC_BLESS=1` draws them again: look at them before you
//! commit them.

use presync::Outcome;
use presync_exchange::graph::{Edge, EdgeKind, graphs};

use crate::common;
use crate::common::generate::{self, Random};
use crate::common::random_situation;

const DRAWN: &[(&str, &[&str])] = &[
    (
        "contact-centre.svg",
        &[
            "show",
            "examples/contact-centre",
            "--role",
            "Agents",
            "--to",
            "svg",
        ],
    ),
    (
        "large-site.svg",
        &["show", "examples/large-site", "--to", "svg"],
    ),
    (
        "morning.svg",
        &[
            "show",
            "examples/large-site",
            "--scenario",
            "a morning in the queue",
            "--to",
            "svg",
        ],
    ),
    (
        "deciding.svg",
        &["show", "-", "--scenario", "lunch", "--to", "svg"],
    ),
];

#[test]
fn committed_pictures_are_those_that_the_tool_draws() {
    let root = common::root();
    let page = std::fs::read_to_string(root.join("docs/deciding.md")).expect("the page exists");
    let (_, program) = page
        .split_once("```presync agents.presync\n")
        .expect("it has a program");
    let (program, _) = program.split_once("```").expect("the program ends");
    for (name, arguments) in DRAWN {
        let output = common::presync(&root, arguments, program.as_bytes());
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            common::text(&output.stderr)
        );
        let path = root.join("docs/pictures").join(name);
        if std::env::var_os("PRESYNC_BLESS").is_some() {
            std::fs::write(&path, &output.stdout).expect("the file is writable");
        }
        let committed = std::fs::read(&path).expect("the picture is committed");
        assert!(committed == output.stdout, "{name} has changed");
    }
}

/// What is drawn of a scenario, and what is refused.
#[test]
fn scenarios_are_drawn() {
    let root = common::root();
    let show = |arguments: &[&str]| {
        let words = [&["show", "examples/contact-centre"], arguments].concat();
        common::presync(&root, &words, b"")
    };
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots/pictures");
    settings.bind(|| {
        for (name, scenario) in [
            ("morning", "a morning"),
            ("lost", "a lost echo, and a late one"),
        ] {
            let output = show(&["--scenario", scenario, "--to", "mermaid"]);
            insta::assert_snapshot!(format!("scenario_{name}"), common::text(&output.stdout));
        }
    });
    for (arguments, wanted) in [
        (
            ["--scenario", "a mourning", "--to", "svg"],
            "did you mean \"a morning\"?",
        ),
        (
            ["--scenario", "x", "--to", "svg"],
            "unknown scenario `x`; the program has \"a morning\", ",
        ),
        (
            ["--scenario", "a morning", "--to", "dot"],
            "use `--to svg` or `--to mermaid`",
        ),
    ] {
        let output = show(&arguments);
        assert_eq!(output.status.code(), Some(2));
        let error = common::text(&output.stderr);
        assert!(error.contains(wanted), "{error}");
    }
    let output = common::presync(
        &root,
        &[
            "show",
            "examples/contact-centre/tables.json",
            "--scenario",
            "a morning",
            "--to",
            "svg",
        ],
        b"",
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(common::text(&output.stderr).contains("name the program instead"));
}

/// An arrow is where a state can be set, and a solid one says that nothing else happens, but for what the notes say.
#[test]
fn arrows_agree_with_the_tables() {
    let mut random = Random(1);
    let (mut solid, mut dashed) = (0, 0);
    for seed in 0..300 {
        let Ok(program) = common::check(&generate::program(seed, 10 + seed % 40)) else {
            continue;
        };
        let tables = program.compile().expect("the program is small");
        let schema = tables.schema();
        let graphs = graphs(&tables, Some(&program), &|_, _| true).expect("the tables are small");
        for role in tables.roles() {
            for table in role.tables().expect("the tables are small") {
                let direction = table.direction();
                let ends = [direction.from(), direction.to()];
                let is_here = |left, right| ends.contains(&left) && ends.contains(&right);
                let graph = graphs.iter().find(|graph| {
                    (graph.roles.is_empty() || graph.roles.contains(&role.name()))
                        && is_here(graph.left, graph.right)
                });
                let edges = graph.map_or(&[][..], |graph| &graph.edges);
                let name = |system| &schema.system(system).name;
                let note = format!("{} → {} ", name(direction.from()), name(direction.to()));
                let has_note =
                    graph.is_some_and(|graph| graph.notes.iter().any(|of| of.starts_with(&note)));
                for _ in 0..40 {
                    let situation = random_situation(&mut random, &tables, direction.from());
                    for entered in schema.states(direction.from()) {
                        let decided = table
                            .decide(&situation, entered)
                            .expect("every fact is set");
                        let ends = |edge: &Edge| {
                            let there = graph.is_some_and(|graph| graph.left == direction.from());
                            if there {
                                (edge.left, edge.right, edge.there.clone())
                            } else {
                                (edge.right, edge.left, edge.back.clone())
                            }
                        };
                        let ways: Vec<_> = edges
                            .iter()
                            .map(ends)
                            .filter(|(from, _, kind)| *from == entered && *kind != EdgeKind::Never)
                            .collect();
                        let always = ways.iter().find(|(_, _, kind)| *kind == EdgeKind::Always);
                        solid += usize::from(always.is_some());
                        dashed += usize::from(always.is_none() && !ways.is_empty());
                        match decided.outcome {
                            Outcome::Set(state) => {
                                let way = ways.iter().find(|(_, to, _)| *to == state);
                                assert!(
                                    way.is_some(),
                                    "seed {seed}: no arrow {entered:?} {state:?}"
                                );
                                assert!(
                                    always.is_none_or(|(_, to, _)| *to == state),
                                    "seed {seed}: {always:?} {state:?}"
                                );
                            }
                            Outcome::Unchanged | Outcome::Previous => {
                                assert!(
                                    always.is_none() || has_note,
                                    "seed {seed}: {always:?} {decided:?}"
                                );
                            }
                            Outcome::Unmapped => {}
                        }
                    }
                }
            }
        }
    }
    assert!(solid > 1000 && dashed > 1000, "{solid} {dashed}");
}
