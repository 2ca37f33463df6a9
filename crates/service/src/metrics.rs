//! What is counted, for Prometheus.

use std::collections::BTreeMap;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use crate::core::EventAnswer;
use crate::live::SystemHealth;

/// Seconds.
const BUCKETS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// What happens while the service runs. Clones share it.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    events: IntCounterVec,
    rejections: IntCounterVec,
    decisions: IntCounterVec,
    lapsed: IntCounter,
    transactions: Histogram,
    requests: HistogramVec,
}

/// What is the case when somebody asks.
pub struct ServiceState {
    /// Requests that wait for the store.
    pub queued: usize,
    /// Whether everything is paused, and the number of systems and users that are.
    pub paused: (bool, usize, usize),
    /// Whether the last reload failed.
    pub is_outdated: bool,
    /// By name.
    pub systems: BTreeMap<String, SystemHealth>,
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("presync")
}

fn histogram(name: &str, help: &str) -> HistogramOpts {
    HistogramOpts::from(opts(name, help)).buckets(BUCKETS.to_vec())
}

/// Adds metrics to those that are written.
fn register<T: Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<T>,
) -> prometheus::Result<T> {
    let metric = metric?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

impl Metrics {
    /// # Errors
    /// A name is wrong or used twice.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counters =
            |name, help, label| register(&registry, IntCounterVec::new(opts(name, help), &[label]));
        Ok(Self {
            events: counters("events_total", "Events, by what became of them", "effect")?,
            rejections: counters("rejections_total", "Events that were rejected", "code")?,
            decisions: counters("decisions_total", "Decisions of systems", "outcome")?,
            lapsed: register(
                &registry,
                IntCounter::with_opts(opts(
                    "lapsed_total",
                    "Commands that have waited too long for their echo",
                )),
            )?,
            transactions: register(
                &registry,
                Histogram::with_opts(histogram(
                    "transaction_seconds",
                    "The time of a transaction",
                )),
            )?,
            requests: register(
                &registry,
                HistogramVec::new(
                    histogram("request_seconds", "The time of a request"),
                    &["path", "status"],
                ),
            )?,
            registry,
        })
    }

    /// Counts events that were applied together.
    pub fn count(&self, answers: &[EventAnswer], took: Duration) {
        self.transactions.observe(took.as_secs_f64());
        for answer in answers {
            match answer {
                EventAnswer::Applied {
                    effect,
                    outcomes,
                    lapsed,
                    ..
                } => {
                    self.events.with_label_values(&[effect]).inc();
                    for outcome in outcomes {
                        self.decisions.with_label_values(&[outcome]).inc();
                    }
                    self.lapsed.inc_by(*lapsed as u64);
                }
                EventAnswer::Rejected { error, .. } => {
                    self.rejections.with_label_values(&[error]).inc();
                }
            }
        }
    }

    /// Counts a request. `path`: as it is documented, without names of users.
    pub fn count_request(&self, path: &str, status: u16, took: Duration) {
        let status = status.to_string();
        let requests = self.requests.with_label_values(&[path, &status]);
        requests.observe(took.as_secs_f64());
    }

    /// What Prometheus reads (text format 0.0.4).
    ///
    /// # Errors
    /// A name is wrong.
    pub fn text(&self, state: &ServiceState) -> prometheus::Result<String> {
        let registry = Registry::new();
        let gauge = |name, help, value: usize| {
            let gauge = register(&registry, IntGauge::with_opts(opts(name, help)));
            gauge.map(|gauge| gauge.set(i64::try_from(value).unwrap_or(i64::MAX)))
        };
        gauge("queued", "Requests that wait for the store", state.queued)?;
        let (all, systems, users) = state.paused;
        gauge("paused", "Whether everything is paused", usize::from(all))?;
        gauge("paused_systems", "Systems that are paused", systems)?;
        gauge("paused_users", "Users that are paused", users)?;
        gauge(
            "outdated",
            "Whether the last reload failed, so that an older program or older users decide",
            usize::from(state.is_outdated),
        )?;
        register_systems(&registry, &state.systems)?;
        let mut families = self.registry.gather();
        families.extend(registry.gather());
        TextEncoder::new().encode_to_string(&families)
    }
}

fn register_systems(
    registry: &Registry,
    systems: &BTreeMap<String, SystemHealth>,
) -> prometheus::Result<()> {
    type CountOf = fn(&SystemHealth) -> u64;
    let counters: [(&str, &str, CountOf); 4] = [
        ("system_reports_total", "Reports of a system", |one| {
            one.reports
        }),
        (
            "system_commands_total",
            "Commands that a system has taken",
            |one| one.sent,
        ),
        (
            "system_refusals_total",
            "Commands that a system has refused",
            |one| one.refused,
        ),
        (
            "system_unknown_users_total",
            "Reports of users that are not in the table",
            |one| one.unknown_users,
        ),
    ];
    for (name, help, value) in counters {
        let counters = IntCounterVec::new(opts(name, help), &["system"]);
        let counters = register(registry, counters)?;
        for (system, health) in systems {
            counters.with_label_values(&[system]).inc_by(value(health));
        }
    }
    let help = "Whether a system is connected";
    let connected = IntGaugeVec::new(opts("system_connected", help), &["system"]);
    let connected = register(registry, connected)?;
    for (system, health) in systems {
        let gauge = connected.with_label_values(&[system]);
        gauge.set(i64::from(health.connected));
    }
    Ok(())
}
