//! The kinds of targets that a search goes through.

use crate::github::Client;

/// The precision with which the user named webhooks. It decides the message if no webhook matches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetKind {
    /// The webhook itself was named.
    Webhook,
    /// Its owner was named.
    Owner,
    /// The owner is one of many that a `*` includes.
    AllOwners,
}

impl TargetKind {
    /// The message for a named target without an active webhook.
    pub(super) fn none_active(self, inactive: usize, client: &Client) -> String {
        if self == Self::Webhook {
            return "it is not active, so GitHub delivers nothing to it. Activate it, or leave it out"
                .into();
        }
        let hint = match client.sees_only_its_own() {
            Some(true) => {
                ". An OAuth app's token sees only the webhooks that the app made: use a personal access token or an App"
            }
            None => {
                ". If this is an OAuth app's token, it sees only the webhooks that the app made: use a personal access \
                 token or an App"
            }
            Some(false) => "",
        };
        format!("GitHub shows none that is active ({inactive} inactive){hint}")
    }
}
