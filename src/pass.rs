//! One pass, the whole way on one page: find the webhooks, scan their logs, plan, redeliver, move
//! the checkpoint. What happens on the way goes into the report.

use anyhow::Context;
use chrono::{DateTime, Utc};
use futures_util::future::{join, join_all};

use crate::actions::Console;
use crate::checkpoint::{self, Checkpoint};
use crate::github::{self, Client, Found};
use crate::history::{Failure, Window};
use crate::inputs::Inputs;
use crate::plan::plan;
use crate::redelivery::redeliver;
use crate::report::{Delivery, Outcome, Report, WebhookReport, counted, rfc3339};
use crate::scan::{Scan, scan};
use crate::webhook::Webhook;

/// Runs one pass and tells what happened. It never fails: what does is in the report.
pub async fn run(inputs: &Inputs, client: &Client, console: &Console) -> Report {
    let mut pass = Pass {
        inputs,
        client,
        console,
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
    report: Report,
}

/// What is due at each webhook, in the order of the report's webhooks.
type Due = Vec<Vec<Failure>>;

impl Pass<'_> {
    async fn way(&mut self) -> anyhow::Result<()> {
        let checkpoint = Checkpoint::read(self.client, self.inputs.checkpoint.as_ref());
        let (webhooks, checkpoint) = join(find(self.inputs, self.client), checkpoint).await;
        let (webhooks, all_found) = self.take_in_found(webhooks);
        let mut checkpoint = checkpoint?;
        if webhooks.is_empty() {
            return Ok(());
        }

        let began = self.client.now();
        let window = self.open_window(&checkpoint, began);
        let scans = self.scan(webhooks, window).await;
        let due = scans
            .into_iter()
            .map(|scan| self.take_in_scan(scan, window))
            .collect();
        self.redeliver(due, &mut checkpoint, window).await?;
        self.move_checkpoint(&mut checkpoint, began, window, all_found)
            .await
    }

    /// Sorts out what was found. Tells whether every owner's webhooks are known.
    fn take_in_found(&mut self, found: Vec<anyhow::Result<Found>>) -> (Vec<Webhook>, bool) {
        let mut webhooks = Vec::new();
        let mut inactive = 0;
        let mut all_found = true;
        for found in found {
            match found {
                Ok(found) => {
                    inactive += found.inactive;
                    webhooks.extend(found.active);
                }
                Err(error) => {
                    all_found = false;
                    self.report.errors.push(format!("{error:#}"));
                }
            }
        }
        self.report.scope = scope(self.inputs, webhooks.len(), inactive);
        self.console.line(&self.report.scope);
        if self.inputs.api.is_unprotected() {
            let warning = "`api-url` is http: the token can be read on its way. Write https";
            self.report.warnings.push(warning.into());
        }
        (webhooks, all_found)
    }

    fn open_window(&mut self, checkpoint: &Checkpoint<'_>, began: DateTime<Utc>) -> Window {
        let retention = self.inputs.api.retention();
        let window = checkpoint.window(self.inputs.since, began, retention);
        self.report.began = Some(began);
        self.report.window_start = Some(window.start);
        if let Some(since) = self.inputs.since
            && since.before(began) < window.start
        {
            self.report.warnings.push(format!(
                "`since` is older than the {} days that GitHub redelivers: read back to {} only",
                retention.num_days(),
                rfc3339(window.start)
            ));
        }
        if self.inputs.since.is_none()
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

    /// Reads every webhook's log, side by side.
    async fn scan(&self, webhooks: Vec<Webhook>, window: Window) -> Vec<Scan> {
        let start = rfc3339(window.start);
        self.console.group(&format!("Scan back to {start}"));
        let scans = webhooks.into_iter().map(|webhook| async {
            let scan = scan(self.client, webhook, window).await;
            self.console.line(&told(&scan));
            scan
        });
        let scans = join_all(scans).await;
        self.console.end_group();
        scans
    }

    /// Plans what to do about a scan's failures; all but what is due is settled by that.
    fn take_in_scan(&mut self, scan: Scan, window: Window) -> Vec<Failure> {
        let plan = plan(scan.failures, window.retention_start);
        if let Some(reason) = &scan.unreadable.reason {
            let rows = counted(scan.unreadable.rows, "row");
            self.report.warnings.push(format!(
                "{}: {rows} of its log could not be read and were left out ({reason})",
                scan.webhook
            ));
        }
        let complete = scan.broken.is_none();
        self.report
            .errors
            .extend(scan.broken.map(|error| error.to_string()));
        let settled = plan.rest.into_iter();
        self.report.webhooks.push(WebhookReport {
            webhook: scan.webhook,
            pages: scan.pages,
            scanned: scan.scanned,
            complete,
            deliveries: settled
                .map(|(failure, outcome, reason)| Delivery {
                    failure,
                    outcome,
                    reason: Some(reason),
                })
                .collect(),
        });
        plan.due
    }

    /// Asks for what is due: webhooks side by side, the deliveries of each one after the other.
    async fn redeliver(
        &mut self,
        due: Due,
        checkpoint: &mut Checkpoint<'_>,
        window: Window,
    ) -> anyhow::Result<()> {
        let total: usize = due.iter().map(Vec::len).sum();
        if total == 0 {
            return Ok(());
        }
        if self.inputs.dry_run {
            self.defer(due, "dry run");
            return Ok(());
        }
        if self.inputs.since.is_none()
            && let Err(error) = checkpoint.prove_writable(window).await
        {
            self.defer(due, "the checkpoint can't be written");
            return Err(error).context("nothing was redelivered");
        }
        let title = format!("Redeliver {}", counted(total, "failed delivery"));
        self.console.group(&title);
        let webhooks = self.report.webhooks.iter().zip(due);
        let done = webhooks.map(|(each, due)| {
            let retention_start = window.retention_start;
            redeliver(
                self.client,
                &each.webhook,
                due,
                retention_start,
                self.console,
            )
        });
        let done = join_all(done).await;
        self.console.end_group();
        for (webhook, done) in self.report.webhooks.iter_mut().zip(done) {
            webhook.deliveries.extend(done.deliveries);
            self.report.errors.extend(done.errors);
            self.report.warnings.extend(done.warnings);
        }
        Ok(())
    }

    fn defer(&mut self, due: Due, reason: &str) {
        for (webhook, due) in self.report.webhooks.iter_mut().zip(due) {
            let deferred = due.into_iter().map(|failure| Delivery {
                failure,
                outcome: Outcome::Deferred,
                reason: Some(reason.into()),
            });
            webhook.deliveries.extend(deferred);
        }
    }

    /// Stores where the next pass starts. A dry run and a one-off write nothing.
    async fn move_checkpoint(
        &mut self,
        checkpoint: &mut Checkpoint<'_>,
        began: DateTime<Utc>,
        window: Window,
        all_found: bool,
    ) -> anyhow::Result<()> {
        if self.inputs.dry_run || self.inputs.since.is_some() {
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
        let moved = checkpoint.save(next).await?;
        self.report.checkpoint = moved.then_some(next);
        Ok(())
    }
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
        "{} of {}, all events, all failures, {}",
        counted(webhooks, "webhook"),
        inputs.organizations.join(", "),
        if inputs.dry_run { "dry run" } else { "live" },
    );
    if inactive > 0 {
        scope.push_str(&format!(" ({inactive} inactive left out)"));
    }
    scope
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
