//! The purposes of requests, and their share of GitHub's limits.

/// Requests of an hourly limit that no read may use: they are kept for the checkpoint.
const KEPT_FOR_CHECKPOINT: u64 = 50;

/// The purpose of a request, on which its share of the limits and its retries depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKind {
    /// Reads new data: lists, the newest page of a log, and attempts since the last pass.
    Read,
    /// Reads further back in a log.
    OldRead,
    /// Changes a variable or makes a token. Doing so twice does no harm.
    Change,
    /// Makes GitHub deliver.
    Redelivery,
    /// The last write of a pass: the checkpoint. Neither a limit nor the end of the pass holds it back.
    LastWrite,
}

impl RequestKind {
    /// The points that GitHub counts for it
    /// (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#calculating-points-for-the-secondary-rate-limit>).
    pub(crate) fn points(self) -> u32 {
        match self {
            Self::Read | Self::OldRead => 1,
            Self::Change | Self::Redelivery | Self::LastWrite => 5,
        }
    }

    /// The part of an hourly limit that is left to others who use the same credential. New attempts are read even
    /// if little is left: that takes few requests, and a failure that no pass reads is lost in the end.
    pub(crate) fn left_to_others(self, limit: u64) -> u64 {
        let tenth = limit.div_ceil(10);
        match self {
            Self::Redelivery | Self::OldRead => tenth,
            Self::Read => tenth.min(KEPT_FOR_CHECKPOINT),
            Self::Change | Self::LastWrite => 0,
        }
    }
}
