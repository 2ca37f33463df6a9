//! Every connector is held to the same: each test runs with each kind of system that a test can play.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests read files"
)]

mod graph;
mod host;
mod icws;
mod matrix;
mod scripted;
mod systems;
mod webhook;

use std::time::Duration;

use presync_connect::{DriverSettings, drive};

use crate::host::TestHost;
use crate::systems::{PlayedSystem, systems};

/// Quick enough for tests.
fn settings() -> DriverSettings {
    DriverSettings {
        per_second: 1_000,
        retry: (Duration::from_millis(20), Duration::from_millis(100)),
        patience: Duration::from_secs(5),
    }
}

/// Runs a test with every kind of system, connected to a host that knows `ann` and `bob`.
async fn with_each(test: impl AsyncFn(&TestHost, &dyn PlayedSystem)) {
    for (name, system) in systems().await {
        let host = TestHost::new();
        let mut connector = system.connector();
        let driven = drive("pbx", &mut *connector, &host, settings());
        let tested = async {
            let is_ready = |host: &host::Told| host.is_connected && host.observed.len() == 2;
            host.until("both are observed", is_ready).await;
            test(&host, &*system).await;
        };
        // Shown if it fails.
        println!("{name}");
        tokio::select! {
            never = driven => never,
            () = tested => {}
        }
    }
}

#[tokio::test]
async fn first_contact_is_observed() {
    with_each(async |host, system| {
        let [first, second] = system.states();
        assert_eq!(host.of("ann").observed, [first], "{}", system.name());
        // What comes later is a change.
        system.choose("ann", second).await;
        host.until("a change", |host| !host.changed.is_empty())
            .await;
        assert_eq!(host.of("ann").changed, [second]);
        assert_eq!(host.of("ann").observed, [first]);
    })
    .await;
}

#[tokio::test]
async fn a_command_is_carried_out_once_and_echoed() {
    with_each(async |host, system| {
        let [_, second] = system.states();
        let number = host.command("ann", second);
        host.until("the echo", |host| !host.changed.is_empty())
            .await;
        host.until("it is done", |host| host.done.contains(&(number, None)))
            .await;
        assert_eq!(system.shown("ann"), second);
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(system.times_set("ann"), 1, "{}", system.name());
    })
    .await;
}

#[tokio::test]
async fn only_the_newest_command_is_sent() {
    with_each(async |host, system| {
        let [first, second] = system.states();
        system.busy(true);
        let old = host.command("ann", second);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let new = host.command("ann", first);
        system.busy(false);
        host.until("it is done", |host| host.done.contains(&(new, None)))
            .await;
        assert!(
            !host.seen(|host| host.done.contains(&(old, None))),
            "{}",
            system.name()
        );
        assert_eq!(system.shown("ann"), first);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_told_once() {
    with_each(async |host, system| {
        let [_, second] = system.states();
        system.refuse(true);
        let number = host.command("ann", second);
        let refused = |host: &host::Told| {
            host.done
                .iter()
                .any(|(one, why)| *one == number && why.is_some())
        };
        host.until("it is refused", refused).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(system.times_set("ann"), 1, "{}", system.name());
    })
    .await;
}

#[tokio::test]
async fn a_busy_system_is_asked_again_later() {
    with_each(async |host, system| {
        let [_, second] = system.states();
        system.busy(true);
        let number = host.command("ann", second);
        while system.times_set("ann") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert!(host.seen(|host| host.done.is_empty()));
        let asked = system.times_set("ann");
        assert!(
            (1..=20).contains(&asked),
            "{}: asked {asked} times",
            system.name()
        );
        system.busy(false);
        host.until("it is done", |host| host.done.contains(&(number, None)))
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_lost_echo_leads_to_another_decision() {
    with_each(async |host, system| {
        if !system.can_be_read() {
            return;
        }
        let [first, second] = system.states();
        system.lose(true);
        host.command("ann", second);
        host.unconfirmed("ann", second);
        host.until("it was read", |host| host.again > 0).await;
        // What was read, before the decision.
        assert_eq!(
            host.of("ann").observed.last().map(String::as_str),
            Some(first)
        );
    })
    .await;
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    with_each(async |host, system| {
        if !system.can_be_cut() {
            return;
        }
        let [first, second] = system.states();
        system.cut().await;
        host.until("it is lost", |host| host.lost > 0).await;
        // Meanwhile.
        system.choose("ann", second).await;
        system.mend();
        host.until("it is observed again", |host| host.observed.len() >= 4)
            .await;
        // Whatever else comes repeats it.
        let repeated = host.of("ann").changed;
        assert!(
            repeated.iter().all(|state| state == second),
            "{}: {repeated:?}",
            system.name()
        );
        assert_eq!(
            host.of("ann").observed.last().map(String::as_str),
            Some(second)
        );
        // Commands go on.
        let number = host.command("ann", first);
        host.until("it is done", |host| host.done.contains(&(number, None)))
            .await;
        assert_eq!(system.shown("ann"), first);
    })
    .await;
}

#[tokio::test]
async fn reports_wait_for_a_host_that_cannot_take_them() {
    with_each(async |host, system| {
        let [_, second] = system.states();
        host.fail(1);
        system.choose("ann", second).await;
        host.until("a change", |host| !host.changed.is_empty())
            .await;
        assert_eq!(host.of("ann").changed, [second], "{}", system.name());
    })
    .await;
}

/// The host decides what a state means that is not in the vocabulary: it has to hear of it, and what follows is a change.
#[tokio::test]
async fn a_state_outside_of_the_vocabulary_is_reported() {
    with_each(async |host, system| {
        let [_, second] = system.states();
        system.choose("ann", "Elsewhere").await;
        host.until("the strange state", |host| {
            host.changed.iter().any(|(_, state)| state == "Elsewhere")
        })
        .await;
        system.choose("ann", second).await;
        host.until("a known state", |host| {
            host.changed
                .last()
                .is_some_and(|(_, state)| state == second)
        })
        .await;
        assert_eq!(
            host.of("ann").changed,
            ["Elsewhere", second],
            "{}",
            system.name()
        );
        assert!(host.seen(|host| host.lost == 0), "{}", system.name());
    })
    .await;
}

#[tokio::test]
async fn a_user_that_nobody_knows_does_no_harm() {
    with_each(async |host, system| {
        let [_, second] = system.states();
        system.choose("carol", second).await;
        let number = host.command("carol", second);
        host.until("it is refused", |host| {
            host.done
                .iter()
                .any(|(one, why)| *one == number && why.is_some())
        })
        .await;
        let number = host.command("bob", second);
        host.until("it is done", |host| host.done.contains(&(number, None)))
            .await;
    })
    .await;
}
