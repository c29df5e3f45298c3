//! One pass, the whole way on one page: find the webhooks, scan their logs, plan, redeliver, move
//! the checkpoint. What happens on the way goes into the report.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;

use anyhow::Context;
use chrono::{DateTime, Utc};
use futures_util::future::{join, join_all};
use tokio::time::Instant;

use crate::actions::Console;
use crate::checkpoint::{self, Checkpoint, OVERLAP};
use crate::evidence::Evidence;
use crate::github::{self, Client, Found, Pace};
use crate::history::{Failure, Window};
use crate::inputs::Inputs;
use crate::plan::{counts, plan};
use crate::receiver::{Group, May};
use crate::redelivery::{Finding, Redeliverer, Turn};
use crate::report::{Delivery, Outcome, Report, WebhookReport, counted, rfc3339};
use crate::scan::{Scan, scan};
use crate::state::{Memory, State};
use crate::webhook::Webhook;

/// Runs one pass and tells what happened. It never fails: what does is in the report.
pub async fn run(inputs: &Inputs, client: &Client, console: &Console) -> Report {
    let mut pass = Pass {
        inputs,
        client,
        console,
        deadline: Instant::now() + inputs.time_limit,
        report: Report {
            web: inputs.api.web(),
            dry_run: inputs.dry_run,
            ..Report::default()
        },
    };
    if let Err(error) = pass.way().await {
        pass.report.errors.push(format!("{error:#}"));
    }
    pass.report.requests = client.requests();
    pass.report
}

/// What came of one webhook.
struct Served {
    report: WebhookReport,
    /// How many deliveries were due.
    due: usize,
    /// Deliveries that an earlier pass lost.
    given_up_earlier: usize,
    /// What the next pass is to know.
    memory: Option<Memory>,
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Served {
    fn add(&mut self, failure: Failure, outcome: Outcome, reason: String) {
        self.report.deliveries.push(Delivery {
            failure,
            outcome,
            reason: Some(reason),
            due_at: None,
            asked: None,
        });
    }
}

struct Pass<'a> {
    inputs: &'a Inputs,
    client: &'a Client,
    console: &'a Console,
    deadline: Instant,
    report: Report,
}

/// What a webhook has in common with others.
#[derive(Clone, Copy)]
struct Shared<'a> {
    began: DateTime<Utc>,
    window: Window,
    memory: Option<&'a Memory>,
    checkpoint: &'a Checkpoint<'a>,
    redeliverer: &'a Redeliverer<'a>,
    group: &'a Group,
}

impl Pass<'_> {
    async fn way(&mut self) -> anyhow::Result<()> {
        // A one-off neither needs the checkpoint nor moves it, so a broken one is no obstacle.
        let place = self.inputs.checkpoint.as_ref();
        let place = place.filter(|_| self.inputs.one_off.is_none());
        let checkpoint = Checkpoint::read(self.client, place);
        let (found, checkpoint) = join(find(self.inputs, self.client), checkpoint).await;
        let (webhooks, all_found) = self.take_in_found(found);
        let mut checkpoint = checkpoint?;
        if webhooks.is_empty() {
            return Ok(());
        }

        let began = self.client.now();
        let window = self.open_window(&checkpoint, began);
        let start = rfc3339(window.start);
        self.console
            .group(&format!("Failed deliveries since {start}"));
        let redeliverer = Redeliverer {
            client: self.client,
            console: self.console,
            pace: Pace::new(self.inputs.pace),
            deadline: self.deadline,
            confirm_timeout: self.inputs.confirm_timeout,
            retention_start: window.retention_start,
            unseen: AtomicUsize::new(0),
        };
        let targets = targets(self.inputs);
        let state = checkpoint.state(&targets)?;
        let groups = groups(&webhooks);
        let done = webhooks.into_iter().enumerate().map(|(member, webhook)| {
            let memory = state.and_then(|state| state.memory(&webhook.key()));
            let all = Shared {
                began,
                window: remembered_window(window, memory),
                memory,
                checkpoint: &checkpoint,
                redeliverer: &redeliverer,
                group: &groups[&webhook.receiver],
            };
            self.serve(webhook, member, all)
        });
        let done = join_all(done).await;
        self.console.end_group();

        let mut memories = Vec::new();
        for served in done {
            let memory = served
                .memory
                .map(|memory| (served.report.webhook.key(), memory));
            memories.extend(memory);
            self.report.webhooks.push(served.report);
            self.report.due += served.due;
            self.report.given_up_earlier += served.given_up_earlier;
            self.report.errors.extend(served.errors);
            self.report.warnings.extend(served.warnings);
        }
        if Instant::now() >= self.deadline {
            let warning = "`time-limit` was reached: run again soon, or give a pass more time";
            self.report.warnings.push(warning.into());
        }
        let expiring = self.report.expiring();
        if expiring > 0 {
            self.report.warnings.push(format!(
                "{} open, of which GitHub redelivers none in 12 hours any more",
                counted(expiring, "delivery")
            ));
        }
        if let Some(refusal) = checkpoint.refusal() {
            return Err(refusal).context("nothing was redelivered");
        }
        self.move_checkpoint(&checkpoint, began, window, all_found, |value| {
            let mut state = State::new(value, targets, began);
            for (webhook, memory) in memories {
                state.remember(webhook, memory);
            }
            state
        })
        .await
    }

    /// One webhook's own way: scan, plan, redeliver. It waits for those of the same receiver, and for
    /// no others. `member` is its number.
    async fn serve(&self, webhook: Webhook, member: usize, all: Shared<'_>) -> Served {
        let Shared {
            window,
            checkpoint,
            memory,
            ..
        } = all;
        let remembered = memory.map(Memory::open).unwrap_or_default();
        let mut scan = scan(self.client, webhook, window, remembered).await;
        self.console.line(&told(&scan));
        let (earlier, failures): (Vec<_>, Vec<_>) = std::mem::take(&mut scan.failures)
            .into_iter()
            .partition(|failure| memory.is_some_and(|memory| memory.is_settled(&failure.guid)));
        let mut served = Served {
            report: WebhookReport {
                webhook: scan.webhook,
                pages: scan.pages,
                scanned: scan.scanned,
                complete: scan.broken.is_none(),
                down: false,
                deliveries: Vec::new(),
            },
            due: 0,
            given_up_earlier: 0,
            memory: None,
            errors: scan.broken.iter().map(ToString::to_string).collect(),
            warnings: Vec::new(),
        };
        if let Some(reason) = &scan.unreadable.reason {
            served.warnings.push(format!(
                "{}: {} of its log could not be read and were left out ({reason})",
                served.report.webhook,
                counted(scan.unreadable.rows, "row"),
            ));
        }
        let plan = plan(
            failures,
            |failure| memory.and_then(|memory| memory.asked(&failure.guid)),
            &scan.evidence,
            &self.inputs.policy,
            self.client.now(),
            window.retention_start,
        );
        served.due = plan.due.len();
        served.given_up_earlier = earlier.len();
        served.report.deliveries.extend(plan.rest);
        let held_back = if self.inputs.dry_run {
            Some("dry run")
        } else if plan.due.is_empty() || checkpoint.is_writable(window).await {
            None
        } else {
            Some("the checkpoint can't be written")
        };
        if let Some(reason) = held_back {
            all.group.arrive(member, 0).await;
            for failure in plan.due {
                served.add(failure, Outcome::Deferred, reason.into());
            }
            return served;
        }
        let may = all.group.arrive(member, plan.due.len()).await;
        let mut turn = Turn::new(
            all.redeliverer,
            &served.report.webhook,
            plan.due,
            &scan.evidence,
        );
        match may {
            May::Wait => turn.defer("the receiver is down"),
            May::Go => turn.go(|_| {}).await,
            May::Lead => {
                let group = all.group;
                turn.go(|finding| match finding {
                    Finding::Down => group.found_down(),
                    Finding::Up | Finding::Nothing => group.found_up(),
                })
                .await;
            }
            May::Probe => {
                match turn.probe().await {
                    Finding::Up => all.group.found_up(),
                    Finding::Down | Finding::Nothing => all.group.found_down(),
                }
                if all.group.released().await {
                    turn.go(|_| {}).await;
                } else {
                    turn.defer("the receiver is down");
                }
            }
        }
        let done = turn.end();
        served.report.down = done.down;
        served.report.deliveries.extend(done.deliveries);
        served.errors.extend(done.errors);
        served.warnings.extend(done.warnings);
        served.memory = Some(if served.report.complete {
            remember(
                &served.report.deliveries,
                &earlier,
                &scan.evidence,
                all.began,
            )
        } else {
            // What was known stays known, and what was asked for is added.
            let mut memory = memory
                .cloned()
                .unwrap_or_else(|| Memory::new(window.start + OVERLAP));
            for delivery in &served.report.deliveries {
                if let Some(asked) = delivery.asked {
                    memory.add_asked(&delivery.failure.guid, asked);
                }
            }
            memory
        });
        served
    }

    /// Sorts out what was found. Tells whether every owner's webhooks are known.
    fn take_in_found(&mut self, found: Vec<anyhow::Result<Found>>) -> (Vec<Webhook>, bool) {
        let mut webhooks: Vec<Webhook> = Vec::new();
        let mut inactive = 0;
        let before = self.report.errors.len();
        for found in found {
            match found {
                Ok(found) => {
                    inactive += found.inactive;
                    for webhook in found.active {
                        // A list that changes while it is read may show one twice.
                        if !webhooks.contains(&webhook) {
                            webhooks.push(webhook);
                        }
                    }
                    self.report
                        .errors
                        .extend(found.unreadable.reason.map(|reason| {
                            let webhooks = counted(found.unreadable.rows, "webhook");
                            format!("{webhooks} of GitHub's list could not be read ({reason})")
                        }));
                }
                Err(error) => self.report.errors.push(format!("{error:#}")),
            }
        }
        let all_found = self.report.errors.len() == before;
        if !webhooks.is_empty() {
            self.report.scope = scope(self.inputs, webhooks.len(), inactive);
            self.console.line(&self.report.scope);
        }
        if self.inputs.api.is_unprotected() {
            let warning = "`api-url` is http: the token can be read on its way. Write https";
            self.report.warnings.push(warning.into());
        }
        (webhooks, all_found)
    }

    fn open_window(&mut self, checkpoint: &Checkpoint<'_>, began: DateTime<Utc>) -> Window {
        let retention = self.inputs.api.retention();
        let window = checkpoint.window(self.inputs.one_off, began, retention);
        self.report.began = Some(began);
        self.report.window = Some(window);
        if let Some(since) = self.inputs.one_off.and_then(|one_off| one_off.since)
            && since.before(began) < window.start
        {
            self.report.warnings.push(format!(
                "`since` is older than the {} days that GitHub redelivers: read back to {} only",
                retention.num_days(),
                rfc3339(window.start)
            ));
        }
        if let Some(place) = checkpoint.missing()
            && self.inputs.dry_run
        {
            self.report.warnings.push(format!(
                "There is no variable `{}` in `{}` yet. A dry run can't tell whether the token may \
                 create it",
                place.variable, place.repository
            ));
        }
        if let Some(gap) = checkpoint.gap(window) {
            self.report.gap = Some(gap);
            self.report.warnings.push(format!(
                "The last checkpoint is older than GitHub redelivers: what failed between {} and {} \
                 can't be recovered. Run more often",
                rfc3339(gap.from),
                rfc3339(gap.to)
            ));
        }
        window
    }

    /// Stores where the next pass starts. A dry run writes nothing.
    async fn move_checkpoint(
        &mut self,
        checkpoint: &Checkpoint<'_>,
        began: DateTime<Utc>,
        window: Window,
        all_found: bool,
        state: impl FnOnce(&str) -> State,
    ) -> anyhow::Result<()> {
        if self.inputs.dry_run {
            return Ok(());
        }
        let open = self
            .report
            .deliveries()
            .filter(|delivery| delivery.outcome.is_open())
            .map(|delivery| delivery.failure.first.time());
        let all_read = self.report.webhooks.iter().all(|each| each.complete);
        let unread = (!all_found || !all_read).then_some(None);
        let old_start = checkpoint.old_start(window);
        let next = checkpoint::next(began, open.chain(unread), old_start);
        let moved = checkpoint.save(next, state).await?;
        if moved {
            self.console
                .line(&format!("Checkpoint moved to {}.", rfc3339(next)));
            self.report.checkpoint = Some(next);
        }
        Ok(())
    }
}

/// What the next pass is to know of a webhook whose log was read to `began`.
fn remember(
    deliveries: &[Delivery],
    earlier: &[Failure],
    evidence: &Evidence,
    began: DateTime<Utc>,
) -> Memory {
    // The next pass reads from here on; what is older it takes from memory.
    let next_start = began - OVERLAP;
    let mut memory = Memory::new(began);
    for delivery in deliveries {
        let failure = &delivery.failure;
        if delivery.outcome.is_open() {
            let older = failure.redeliveries().filter(|seen| seen.at < next_start);
            let made = failure.made_before + older.count();
            memory.add_open(failure, made, counts(failure, evidence, next_start));
        }
        if let Some(asked) = delivery.asked {
            memory.add_asked(&failure.guid, asked);
        }
    }
    let lost = deliveries
        .iter()
        .filter(|delivery| delivery.outcome.is_lost());
    for failure in lost.map(|delivery| &delivery.failure).chain(earlier) {
        if failure.newest.at >= next_start {
            memory.add_settled(&failure.guid);
        }
    }
    memory
}

/// Where a webhook's log was read up to is where it is read from.
fn remembered_window(window: Window, memory: Option<&Memory>) -> Window {
    let read = memory.and_then(Memory::read_until);
    let start = read.map_or(window.start, |read| read - OVERLAP);
    Window {
        start: start.max(window.retention_start),
        ..window
    }
}

/// What a pass is over, as it is remembered.
fn targets(inputs: &Inputs) -> Vec<String> {
    let organizations = inputs
        .organizations
        .iter()
        .map(|login| login.to_lowercase());
    let mut targets: Vec<String> = organizations
        .flat_map(|login| match inputs.hook_ids.as_slice() {
            [] => vec![login],
            ids => ids.iter().map(|id| format!("{login}/{id}")).collect(),
        })
        .collect();
    targets.sort();
    targets
}

/// The webhooks by receiver.
fn groups(webhooks: &[Webhook]) -> HashMap<String, Group> {
    let mut members: HashMap<&str, usize> = HashMap::new();
    for webhook in webhooks {
        *members.entry(&webhook.receiver).or_default() += 1;
    }
    let group = |(receiver, members): (&str, usize)| (receiver.to_owned(), Group::new(members));
    members.into_iter().map(group).collect()
}

/// The webhooks that the inputs name, owner by owner.
async fn find(inputs: &Inputs, client: &Client) -> Vec<anyhow::Result<Found>> {
    if inputs.hook_ids.is_empty() {
        let lists = inputs.organizations.iter().map(|login| async move {
            let found = github::organization_webhooks(client, login).await?;
            anyhow::ensure!(
                !found.active.is_empty(),
                "the webhooks of `{login}`: GitHub shows none that is active ({} inactive). An \
                 OAuth app's token sees only those that the app made, so check whose token it is",
                found.inactive,
            );
            Ok(found)
        });
        return join_all(lists).await;
    }
    let owners = inputs.organizations.iter();
    let named = owners.flat_map(|login| {
        inputs.hook_ids.iter().map(move |id| async move {
            let found = github::webhook(client, login, *id).await?;
            anyhow::ensure!(
                !found.active.is_empty(),
                "webhook {id} of `{login}` is not active, so GitHub delivers nothing to it: \
                 activate it, or leave it out"
            );
            Ok(found)
        })
    });
    join_all(named).await
}

fn scope(inputs: &Inputs, webhooks: usize, inactive: usize) -> String {
    let mut scope = format!(
        "{} of {}, {} events, {} failures, {}",
        counted(webhooks, "webhook"),
        inputs.organizations.join(", "),
        some_or_all(inputs.policy.filter.events.is_empty()),
        some_or_all(inputs.policy.filter.statuses.is_empty()),
        if inputs.dry_run { "dry run" } else { "live" },
    );
    if inactive > 0 {
        scope.push_str(&format!(" ({inactive} inactive left out)"));
    }
    scope
}

fn some_or_all(all: bool) -> &'static str {
    if all { "all" } else { "some" }
}

/// What the log says of a scan.
fn told(scan: &Scan) -> String {
    let mut told = format!(
        "{} ({}): {} of {} read, {} failed",
        scan.webhook,
        scan.webhook.receiver,
        counted(scan.scanned, "attempt"),
        counted(scan.pages, "page"),
        counted(scan.failures.len(), "delivery"),
    );
    if let Some(error) = &scan.broken {
        told.push_str(&format!("; then reading broke off: {error}"));
    }
    told
}
