//! One pass, the whole way on one page: find the webhooks, read the checkpoint, serve each webhook
//! (scan, plan, redeliver: see [`crate::serve`]), move the checkpoint. What happens on the way goes into
//! the report.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{join, join_all};
use tokio::time::Instant;

use crate::actions::Console;
use crate::checkpoint::{self, Checkpoint, OVERLAP};
use crate::github::{self, Client, Found, Pace};
use crate::history::Window;
use crate::inputs::Inputs;
use crate::receiver::Group;
use crate::redelivery::Redeliverer;
use crate::report::{Report, counted, rfc3339};
use crate::serve::Serving;
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

struct Pass<'a> {
    inputs: &'a Inputs,
    client: &'a Client,
    console: &'a Console,
    deadline: Instant,
    report: Report,
}

impl Pass<'_> {
    async fn way(&mut self) -> anyhow::Result<()> {
        let one_off = self.inputs.one_off.is_some();
        let read_only = self.inputs.dry_run || one_off;
        let place = self.inputs.checkpoint.as_ref();
        let checkpoint = Checkpoint::read(self.client, place, read_only);
        let (found, checkpoint) = join(find(self.inputs, self.client), checkpoint).await;
        let (webhooks, all_found) = self.take_in_found(found);
        let mut checkpoint = match checkpoint {
            // A one-off does not start at the checkpoint, so a broken one is no obstacle.
            Err(error) if one_off => {
                self.report
                    .warnings
                    .push(format!("Not needed here, but broken: {error}"));
                Checkpoint::none(self.client)
            }
            checkpoint => checkpoint?,
        };
        if webhooks.is_empty() {
            return Ok(());
        }

        let began = self.client.now();
        let window = self.open_window(&checkpoint, began);
        let start = rfc3339(window.start);
        self.console
            .group(&format!("Failed deliveries since {start}"));
        let targets = targets(self.inputs);
        let mut state = checkpoint.state(&targets)?.cloned();
        if one_off {
            // It looks at its own window with its own eyes; but what earlier passes asked for counts.
            state = state.map(State::only_asked);
        }
        let state = state.as_ref();
        let redeliverer = Redeliverer {
            client: self.client,
            console: self.console,
            pace: Pace::new(self.inputs.pace),
            deadline: self.deadline,
            confirm_timeout: self.inputs.confirm_timeout,
            retention_start: window.retention_start,
            // What was asked for longer ago than this will hardly show any more.
            unseen: AtomicUsize::new(
                state.map_or(0, |state| state.asked_since(began - TimeDelta::hours(1))),
            ),
        };
        let groups = groups(&webhooks);
        let done = webhooks.into_iter().enumerate().map(|(member, webhook)| {
            let memory = state.and_then(|state| state.memory(&webhook.key()));
            let serving = Serving {
                began,
                window: remembered_window(window, memory.filter(|_| !one_off)),
                memory,
                policy: &self.inputs.policy,
                dry_run: self.inputs.dry_run,
                checkpoint: &checkpoint,
                redeliverer: &redeliverer,
                group: &groups[&webhook.receiver],
                member,
            };
            serving.serve(webhook)
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
            let mut next = State::new(value, targets, began);
            for (webhook, memory) in memories {
                next.remember(webhook, memory);
            }
            if let Some(state) = state.filter(|_| !all_found) {
                next.keep(state);
            }
            next
        })
        .await
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
        if self.inputs.one_off.is_none()
            && let Some(gap) = checkpoint.gap(window)
        {
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

    /// Stores where the next pass starts.
    async fn move_checkpoint(
        &mut self,
        checkpoint: &Checkpoint<'_>,
        began: DateTime<Utc>,
        window: Window,
        all_found: bool,
        state: impl FnOnce(&str) -> State,
    ) -> anyhow::Result<()> {
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
