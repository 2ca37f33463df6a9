//! The service connected to systems: what their reports lead to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use presync_connect::{ConnectorHost, ReportKind, SystemCommand, SystemReport};
use presync_engine::Schema;
use presync_service::live::{LiveConfig, LiveHost, Users};
use presync_service::store::EmbeddedStore;
use presync_service::{AuditLog, Core, CoreHandle, PauseTarget, start};

use crate::{example, tables};

/// Each look is a second later.
fn clock() -> jiff::Timestamp {
    static SECONDS: AtomicI64 = AtomicI64::new(1_796_000_000);
    let second = SECONDS.fetch_add(1, Ordering::Relaxed);
    jiff::Timestamp::from_second(second).expect("it is a time")
}

const USERS: &str = "user,role,cic,lync,user_type,cic_logged_in,lync_logged_in
ann,Agents,Ann.Smith,ann@example.com,enterprise_voice,true,true
\"b, \"\"bob\"\"\",Agents,bob,bob@example.com,enterprise_voice,yes,1
carol,Agents,carol,,im,true,false
";

struct Site {
    _folder: tempfile::TempDir,
    core: CoreHandle,
    host: LiveHost,
}

async fn site() -> Site {
    let folder = tempfile::tempdir().expect("there is room");
    let store = EmbeddedStore::open(&folder.path().join("store")).expect("it can be made");
    let core = start(
        Core::new(tables(), store).expect("it can be read"),
        clock,
        AuditLog::none(),
    )
    .expect("it starts");
    let load = |schema: &Schema| Users::parse(USERS, schema).map_err(|error| error.to_string());
    let systems = ["cic", "lync"].map(|system| (system.to_owned(), None));
    let host = LiveHost::new(core.clone(), Box::new(load), clock, false, systems);
    let host = host.expect("the users are right");
    host.apply_users().await.expect("they can be kept");
    Site {
        _folder: folder,
        core,
        host,
    }
}

fn observed(user: &str, state: &str) -> SystemReport {
    SystemReport::new(user, ReportKind::Observed(Some(state.to_owned())))
}

fn changed(user: &str, state: &str) -> SystemReport {
    SystemReport::new(user, ReportKind::Changed(state.to_owned()))
}

impl Site {
    async fn record(&self, user: &str) -> serde_json::Value {
        let record = self.core.user(user.to_owned()).await;
        serde_json::to_value(record.expect("it can be read")).expect("it is JSON")
    }

    async fn report(&self, system: &str, reports: Vec<SystemReport>) {
        self.host
            .report(system, reports)
            .await
            .expect("it is taken");
        self.host.decide_waiting().await.expect("it can be stored");
    }

    /// User and state of each command to a system.
    async fn commands(&self, system: &str) -> Vec<(String, String)> {
        let commands = self
            .host
            .commands(system, HashMap::new())
            .await
            .expect("it can be read");
        let commands = commands.into_iter().map(|one| (one.user, one.state));
        commands.collect()
    }

    async fn carry_out(&self, system: &str) -> Vec<SystemCommand> {
        let commands = self
            .host
            .commands(system, HashMap::new())
            .await
            .expect("it can be read");
        for command in &commands {
            let done = self.host.done(system, command, None).await;
            done.expect("it can be kept");
        }
        commands
    }
}

/// What systems show at first moves nobody before all of a user are known, and then the newest choice counts.
#[tokio::test]
async fn a_user_is_decided_when_all_systems_are_known() {
    let site = site().await;
    site.host.connected("cic");
    site.report(
        "cic",
        vec![
            observed("ann.smith", "At Lunch"),
            observed("BOB", "Available"),
        ],
    )
    .await;
    assert!(site.commands("lync").await.is_empty());
    site.host.connected("lync");
    site.report("lync", vec![observed("bob@example.com", "Busy")])
        .await;
    assert!(site.commands("lync").await.is_empty());
    // Carol is not in this system.
    site.report("lync", vec![observed("ann@example.com", "Online")])
        .await;
    let ids = [site.commands("cic").await, site.commands("lync").await];
    // What was observed last counts as the newest choice.
    let to_cic = [("bob", "In a Meeting"), ("Ann.Smith", "Available")];
    let to_cic = to_cic.map(|(user, state)| (user.to_owned(), state.to_owned()));
    assert_eq!(ids, [to_cic.to_vec(), Vec::new()]);
    site.report("cic", vec![changed("ann.smith", "Gone Home")])
        .await;
    let to_ann = site.commands("lync").await;
    assert!(
        to_ann.iter().any(|(user, _)| user == "ann@example.com"),
        "{to_ann:?}"
    );
    assert_eq!(site.host.health()["cic"].reports, 3);
}

/// A lost system is observed again before anything is decided again.
#[tokio::test]
async fn who_is_not_in_the_table_does_no_harm() {
    let site = site().await;
    site.report(
        "cic",
        vec![
            changed("mallory", "Available"),
            changed("ann.smith", "At Lunch"),
        ],
    )
    .await;
    let health = &site.host.health()["cic"];
    assert_eq!((health.reports, health.unknown_users), (2, 1));
    // A state that the program does not have: nobody knows any more what is shown.
    site.report("cic", vec![changed("ann.smith", "Unheard Of")])
        .await;
    let record = site
        .core
        .user("ann".to_owned())
        .await
        .expect("it can be read");
    let record = serde_json::to_value(record).expect("it is JSON");
    assert!(
        record["session"]["systems"]["cic"]
            .get("reported")
            .is_none(),
        "{record}"
    );
    let name = "b, \"bob\"".to_owned();
    assert!(
        site.core
            .user(name)
            .await
            .expect("it can be read")
            .is_some()
    );
}

/// A decision compares with what a system has reported last: a command on its way would be undone, or not be noticed.
#[tokio::test]
async fn deciding_again_waits_for_a_command_on_its_way() {
    let site = site().await;
    site.report("cic", vec![observed("ann.smith", "Available")])
        .await;
    site.report("lync", vec![observed("ann@example.com", "Online")])
        .await;
    site.carry_out("lync").await;
    site.report("cic", vec![changed("ann.smith", "At Lunch")])
        .await;
    let sent = site.carry_out("lync").await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    // CIC comes back with another state before the echo is there.
    site.host.lost("cic", "cut");
    site.host.connected("cic");
    site.report("cic", vec![observed("ann.smith", "Available")])
        .await;
    assert!(site.commands("lync").await.is_empty(), "it waits");
    site.report("lync", vec![changed("ann@example.com", &sent[0].state)])
        .await;
    site.host.decide_waiting().await.expect("it can be kept");
    let sent = site.carry_out("lync").await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    // A refusal is counted.
    site.report("cic", vec![changed("ann.smith", "Gone Home")])
        .await;
    let [command] = &site
        .host
        .commands("lync", HashMap::new())
        .await
        .expect("it can be read")[..]
    else {
        panic!("one command");
    };
    let done = site.host.done("lync", command, Some("no right")).await;
    done.expect("it can be kept");
    assert_eq!(site.host.health()["lync"].refused, 1);
    assert!(site.commands("lync").await.is_empty());
}

/// Changes of what is paused are observed, nothing is sent to it, and when it goes on, what changed is made up for.
#[tokio::test]
async fn what_is_paused_is_observed() {
    let site = site().await;
    site.report(
        "cic",
        vec![
            observed("ann.smith", "Available"),
            observed("bob", "Available"),
        ],
    )
    .await;
    let lync = ["ann@example.com", "bob@example.com"].map(|user| observed(user, "Online"));
    site.report("lync", lync.to_vec()).await;
    let pause = async |target: &PauseTarget, pause| {
        let done = site.core.pause(target.clone(), pause).await;
        done.expect("it can be kept");
    };
    let ann = PauseTarget {
        user: Some("ann".to_owned()),
        ..PauseTarget::default()
    };
    let lync = PauseTarget {
        system: Some("lync".to_owned()),
        ..PauseTarget::default()
    };
    for target in [&ann, &lync, &PauseTarget::default()] {
        site.carry_out("lync").await;
        pause(target, true).await;
        site.report("cic", vec![changed("ann.smith", "At Lunch")])
            .await;
        let sent = site.commands("lync").await;
        assert!(
            sent.iter().all(|(user, _)| user != "ann@example.com"),
            "{target:?}: {sent:?}"
        );
        // Others go on, unless all is paused.
        site.report("cic", vec![changed("bob", "Gone Home")]).await;
        let to_bob = site.commands("lync").await.len();
        assert_eq!(to_bob, usize::from(*target == ann), "{target:?}");
        pause(target, false).await;
        site.host.decide_again_for(target);
        site.host.decide_waiting().await.expect("it can be kept");
        let sent = site.carry_out("lync").await;
        let to_ann = sent.iter().filter(|one| one.user == "ann@example.com");
        assert_eq!(to_ann.count(), 1, "{target:?}: {sent:?}");
        for user in ["ann.smith", "bob"] {
            site.report("cic", vec![changed(user, "Available")]).await;
        }
        for command in site.carry_out("lync").await {
            site.report("lync", vec![changed(&command.user, &command.state)])
                .await;
        }
    }
}

/// A command that was not sent is neither waited for nor sent later: what counts then is decided then.
#[tokio::test]
async fn a_command_that_was_held_is_forgotten() {
    let site = site().await;
    for (system, user, state) in [
        ("cic", "ann.smith", "Available"),
        ("lync", "ann@example.com", "Online"),
    ] {
        site.report(system, vec![observed(user, state)]).await;
    }
    site.carry_out("lync").await;
    site.report("cic", vec![changed("ann.smith", "At Lunch")])
        .await;
    assert_eq!(site.commands("lync").await.len(), 1);
    let lync = PauseTarget {
        system: Some("lync".to_owned()),
        ..PauseTarget::default()
    };
    let pause = site.core.pause(lync.clone(), true).await;
    pause.expect("it can be stored");
    site.report("cic", vec![changed("ann.smith", "In a Meeting")])
        .await;
    let record = site.record("ann").await;
    assert!(record.get("waiting").is_none(), "{record}");
    // The first one was on its way: it is nobody's choice.
    site.report("lync", vec![changed("ann@example.com", "Away")])
        .await;
    let record = site.record("ann").await;
    assert_eq!(record["session"]["by_hand_last"], "cic", "{record}");
    let unconfirmed = &record["session"]["systems"]["lync"]["unconfirmed"];
    assert!(unconfirmed.is_null(), "{record}");
    // A choice in the paused system is not followed when something else is decided again.
    site.report("lync", vec![changed("ann@example.com", "Busy")])
        .await;
    site.host.decide_again("cic", "ann.smith");
    site.host.decide_waiting().await.expect("it can be stored");
    assert!(site.commands("cic").await.is_empty());
}

/// A system that is away, or does not show a user, holds the others up for half a minute and no longer.
#[tokio::test]
async fn a_system_that_is_away_holds_nobody_up() {
    let site = site().await;
    site.report("cic", vec![observed("ann.smith", "At Lunch")])
        .await;
    assert!(site.commands("lync").await.is_empty());
    // Each look at the clock is a second.
    for _ in 0..40 {
        let decided = site.host.decide_waiting().await;
        decided.expect("it can be stored");
    }
    let sent = site.commands("lync").await;
    assert_eq!(sent, [("ann@example.com".to_owned(), "Away".to_owned())]);
}

/// A system whose clock is ahead makes no later decision stale.
#[tokio::test]
async fn a_clock_that_is_ahead_does_no_harm() {
    let site = site().await;
    let ahead = clock() + jiff::SignedDuration::from_hours(3);
    let mut report = observed("ann.smith", "At Lunch");
    report.at = Some(ahead);
    site.report("cic", vec![report]).await;
    site.report("lync", vec![observed("ann@example.com", "Online")])
        .await;
    assert_eq!(
        site.commands("cic").await,
        [("Ann.Smith".to_owned(), "Available".to_owned())]
    );
}

/// What a connector remembers of a user is there when it connects again.
#[tokio::test]
async fn memories_are_kept() {
    let site = site().await;
    let memory = ReportKind::Memory("shown last".to_owned());
    site.report("lync", vec![SystemReport::new("ann@example.com", memory)])
        .await;
    let users = site.host.users("lync").await.expect("they can be read");
    let memories = users.iter().map(|user| (&*user.id, user.memory.as_deref()));
    assert_eq!(
        memories.collect::<Vec<_>>(),
        [
            ("ann@example.com", Some("shown last")),
            ("bob@example.com", None)
        ]
    );
    assert_eq!(site.host.health()["lync"].reports, 0);
}

/// A program is only used if the connectors and the table of users fit it.
#[tokio::test]
async fn a_program_that_does_not_fit_is_refused() {
    let Site {
        host,
        core,
        _folder,
    } = site().await;
    let refused = |host: &LiveHost, name| match host.users_for(&example(name)) {
        Ok(_) => panic!("{name} fits"),
        Err(why) => why,
    };
    assert!(host.users_for(&example("contact-centre")).is_ok());
    assert_eq!(
        refused(&host, "live"),
        "`[systems.cic]`: unknown system `cic`"
    );
    assert_eq!(
        refused(&host, "one-way"),
        "line 2 of the users: unknown role `Agents`"
    );
    let load = |schema: &Schema| Users::parse(USERS, schema).map_err(|error| error.to_string());
    let settable: &[&str] = &["Available"];
    let systems = [("lync".to_owned(), Some(settable))];
    let host = LiveHost::new(core, Box::new(load), clock, false, systems).expect("they are right");
    let why = refused(&host, "contact-centre");
    assert!(
        why.starts_with("`[systems.lync]`: the program sets `"),
        "{why}"
    );
}

#[test]
fn a_wrong_table_of_users_says_where() {
    let tables = tables();
    for (text, wanted) in [
        ("", "line 1 of the users: the column `user` is missing"),
        (
            "user,rolle\n",
            "the column `rolle` is unknown: columns are `user`, `role`, systems (`cic`, `lync`), and facts",
        ),
        (
            "user,role\nann,Agentz\n",
            "line 2 of the users: unknown role `Agentz`",
        ),
        (
            "user,cic\nann,a\nbob,A\n",
            "line 3 of the users: `ann` and `bob` have the same id `A`",
        ),
        (
            "user,cic\nann,a\nann,b\n",
            "line 3 of the users: duplicate user `ann`",
        ),
        (
            "user,cic_logged_in\nann,maybe\n",
            "`cic_logged_in` is a flag: write `true` or `false`, not `maybe`",
        ),
        ("user,user_type\nann,fax\n", "line 2 of the users: "),
        ("user,cic\n,a\n", "line 2 of the users: `user` is empty"),
        ("user,cic\nann\n", "line 2 of the users: "),
    ] {
        let error = Users::parse(text, tables.schema())
            .expect_err(text)
            .to_string();
        assert!(error.contains(wanted), "{error}");
    }
    // A byte order mark, Windows line ends and spaces do not matter.
    let users = Users::parse("\u{feff}User, CIC\r\nann , a\r\n", tables.schema());
    assert!(users.expect("it is right").named("ann").is_some());
}

#[test]
fn wrong_settings_say_what_to_write() {
    let rest = "program = \"a\"\nusers = \"u\"\n";
    for (text, wanted) in [
        ("", "missing field `program`"),
        (rest, "missing field `systems`"),
        (
            &format!("{rest}[systems]\n"),
            "no system is named: write `[systems.NAME]` for each",
        ),
        (
            &format!("{rest}[systems.cic]\nconnector = \"exce\"\n"),
            "did you mean `exec`?",
        ),
        (
            &format!("{rest}[systems.cic]\nconnector = \"exec\"\ncomand = [\"a\"]\n"),
            "did you mean `command`?",
        ),
        (
            &format!("{rest}[systems.cic]\nconnector = \"exec\"\n"),
            "`[systems.cic]`: missing field `command`",
        ),
        (
            &format!(
                "{rest}[systems.cic]\nconnector = \"exec\"\ncommand = [\"a\"]\nper_second = 0\n"
            ),
            "nothing is ever sent",
        ),
        (
            &format!("{rest}[htpp]\n[systems.cic]\n"),
            "did you mean `http`?",
        ),
        (
            &format!(
                "{rest}[systems.cic]\nconnector = \"matrix\"\nserver = \"s\"\nas_token = \"secret\"\n"
            ),
            "`[systems.cic]`: ",
        ),
    ] {
        let error = LiveConfig::parse(text).expect_err(text).to_string();
        assert!(error.contains(wanted), "{text}: {error}");
        assert!(!error.contains("\"secret\""), "{error}");
    }
    let text = format!("{rest}[systems.cic]\nconnector = \"exec\"\ncommand = [\"a\"]\n");
    let config = LiveConfig::parse(&text).expect("it is right");
    assert_eq!(
        config.system("cic").expect("it is there").limits.per_second,
        10
    );
}
