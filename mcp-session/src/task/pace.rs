//! The polling interval of a task.

use crate::member::optional;
use mcp_types::RawJson;
use std::time::Duration;
use tokio::time::Instant;

/// The pause before the second poll of a task if the server suggests none; it doubles with each further poll.
const FLOOR: Duration = Duration::from_millis(50);
/// The longest such pause.
const CEILING: Duration = Duration::from_secs(1);
/// The shortest pause that a server may suggest; anything less is too eager.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest pause accepted; more cannot be intended.
const LONGEST: Duration = Duration::from_secs(60);

/// When to poll a task next: at the pace that the server suggests, or often at first and then ever less.
// spec: TASKX-05 TASK25-06
#[derive(Debug)]
pub(super) struct Pace {
    suggested: Option<Duration>,
    ramp: Duration,
    /// When the server last sent something about the task.
    heard: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { suggested: None, ramp: FLOOR, heard: None }
    }
}

impl Pace {
    /// Adopts the server's suggestion; one that makes no sense is ignored.
    pub(super) fn suggest(&mut self, millis: Option<&RawJson>) {
        self.suggested = millis.and_then(interval);
    }

    /// Records that the server has sent something about the task.
    pub(super) fn heard(&mut self) {
        self.heard = Some(Instant::now());
    }

    /// Returns when to poll next: at once, if nothing was heard from the server yet.
    pub(super) fn next(&mut self) -> Instant {
        let Some(heard) = self.heard else { return Instant::now() };
        heard
            + self.suggested.unwrap_or_else(|| {
                let pause = self.ramp;
                self.ramp = (2 * pause).min(CEILING);
                pause
            })
    }
}

/// Returns the server's suggestion in a message about a task, under its name in either protocol.
pub(super) fn suggested(said: &RawJson) -> Result<Option<RawJson>, serde_json::Error> {
    match optional(said, "pollInterval")? {
        None => optional(said, "pollIntervalMs"),
        suggested => Ok(suggested),
    }
}

/// Returns the suggested pause: a number of milliseconds, or `None` if it cannot be followed.
pub(super) fn interval(millis: &RawJson) -> Option<Duration> {
    let millis = millis.as_str().parse().ok().filter(|millis: &f64| *millis > 0.0)?;
    let pause = Duration::try_from_secs_f64(millis / 1e3).unwrap_or(LONGEST);
    Some(pause.clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::{Pace, interval};
    use mcp_types::RawJson;
    use std::time::Duration;
    use tokio::time::{Instant, advance};

    fn raw(text: &'static str) -> RawJson {
        RawJson::parse(text).unwrap()
    }

    // spec: TASKX-05
    // seed: 59
    #[tokio::test(start_paused = true)]
    async fn without_a_suggestion_the_pauses_double_from_a_floor_to_a_ceiling() {
        let mut pace = Pace::default();
        assert_eq!(pace.next(), Instant::now(), "a task found again is asked for at once");
        pace.heard();
        let pauses: Vec<_> =
            (0..7).map(|_| pace.next().duration_since(Instant::now()).as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1_000, 1_000]);
        pace.suggest(Some(&raw("5000")));
        assert_eq!(pace.next().duration_since(Instant::now()).as_millis(), 5_000);
        advance(Duration::from_secs(9)).await;
        assert!(pace.next() < Instant::now(), "the pause is over already");
        pace.suggest(Some(&raw("-1")));
        pace.heard();
        assert_eq!(pace.next().duration_since(Instant::now()).as_millis(), 1_000);
    }

    // seed: 59
    #[test]
    fn a_suggestion_is_kept_within_reason_and_one_that_makes_no_sense_is_none() {
        for (millis, expected) in
            [("1", 100), ("250.5", 250), ("9000", 9_000), ("1e300", 60_000), ("1e999", 60_000)]
        {
            assert_eq!(interval(&raw(millis)).unwrap().as_millis(), expected, "{millis}");
        }
        for hostile in ["0", "-5", "\"1\"", "[1]", "null"] {
            assert_eq!(interval(&raw(hostile)), None, "{hostile}");
        }
    }
}
