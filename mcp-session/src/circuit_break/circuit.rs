//! The state machine of one circuit: no clock of its own.

use super::CircuitOptions;
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// The number of buckets in the window; the oldest is dropped as a whole.
const PARTS: u32 = 10;

/// The longest time a circuit stays open, so that its end can be represented.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Recent outcomes, and whether further calls are admitted.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    state: State,
    /// Incremented with each change of state: outcomes of calls admitted earlier are ignored.
    generation: u64,
}

#[derive(Debug)]
enum State {
    Closed(VecDeque<Part>),
    Open { until: Instant },
    HalfOpen { is_probing: bool },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed(VecDeque::new())
    }
}

#[derive(Debug)]
struct Part {
    since: Instant,
    ended: u32,
    failed: u32,
}

/// Records in which generation a call was admitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(u64);

impl Circuit {
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed(_))
    }

    /// Admits a call, or returns how long to wait.
    pub(super) fn enter(
        &mut self,
        options: &CircuitOptions,
        now: Instant,
    ) -> Result<Ticket, Duration> {
        match &mut self.state {
            State::Closed(_) => {}
            State::Open { until } if now < *until => return Err(*until - now),
            State::Open { .. } => self.become_state(State::HalfOpen { is_probing: true }),
            State::HalfOpen { is_probing: true } => return Err(options.open_for),
            State::HalfOpen { is_probing } => *is_probing = true,
        }
        Ok(Ticket(self.generation))
    }

    /// Records the outcome of a call; `None` does not count.
    pub(super) fn leave(
        &mut self,
        options: &CircuitOptions,
        ticket: Ticket,
        outcome: Option<bool>,
        now: Instant,
    ) {
        if ticket.0 != self.generation {
            return;
        }
        let open = State::Open { until: now + options.open_for.min(LONGEST) };
        match (&mut self.state, outcome) {
            (State::Closed(parts), Some(is_success)) => {
                note(parts, options, is_success, now);
                if is_too_bad(parts, options) {
                    self.become_state(open);
                }
            }
            (State::HalfOpen { .. }, Some(true)) => self.become_state(State::default()),
            (State::HalfOpen { .. }, Some(false)) => self.become_state(open),
            (State::HalfOpen { is_probing }, None) => *is_probing = false,
            (State::Closed(_), None) | (State::Open { .. }, _) => {}
        }
    }

    fn become_state(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}

fn note(parts: &mut VecDeque<Part>, options: &CircuitOptions, is_success: bool, now: Instant) {
    while parts.front().is_some_and(|part| now - part.since >= options.window) {
        parts.pop_front();
    }
    let failed = u32::from(!is_success);
    match parts.back_mut() {
        Some(part) if now - part.since < options.window / PARTS => {
            part.ended = part.ended.saturating_add(1);
            part.failed = part.failed.saturating_add(failed);
        }
        _ => parts.push_back(Part { since: now, ended: 1, failed }),
    }
}

fn is_too_bad(parts: &VecDeque<Part>, options: &CircuitOptions) -> bool {
    let ended: u64 = parts.iter().map(|part| u64::from(part.ended)).sum();
    let failed: u64 = parts.iter().map(|part| u64::from(part.failed)).sum();
    // A success cannot open the circuit.
    failed > 0
        && ended >= u64::from(options.min_calls)
        && failed as f64 >= options.failure_ratio * ended as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(circuit: &mut Circuit, outcome: Option<bool>, now: Instant) -> bool {
        let options = CircuitOptions::default();
        match circuit.enter(&options, now) {
            Ok(ticket) => {
                circuit.leave(&options, ticket, outcome, now);
                true
            }
            Err(_) => false,
        }
    }

    #[test]
    fn it_opens_when_half_of_ten_calls_failed_within_the_window() {
        let start = Instant::now();
        let mut circuit = Circuit::default();
        for number in 0..9 {
            assert!(run(&mut circuit, Some(number % 2 == 0), start));
        }
        assert!(circuit.is_closed(), "nine are too few");
        assert!(run(&mut circuit, None, start), "what says nothing does not count");
        assert!(circuit.is_closed());
        assert!(run(&mut circuit, Some(false), start));
        assert!(!circuit.is_closed());
        assert!(!run(&mut circuit, Some(true), start + Duration::from_secs(14)));
    }

    #[test]
    fn failures_of_long_ago_are_forgotten() {
        let start = Instant::now();
        let mut circuit = Circuit::default();
        for second in 0..200 {
            // One failure every four seconds: eight within the window.
            assert!(run(&mut circuit, Some(false), start + Duration::from_secs(second * 4)));
        }
        assert!(circuit.is_closed());
    }

    #[test]
    fn one_call_finds_out_and_its_end_decides() {
        let start = Instant::now();
        let options = CircuitOptions::default();
        for (outcome, closes, opens) in
            [(Some(true), true, false), (Some(false), false, true), (None, false, false)]
        {
            let mut circuit = Circuit::default();
            let early = circuit.enter(&options, start).unwrap();
            for _ in 0..10 {
                run(&mut circuit, Some(false), start);
            }
            let later = start + options.open_for;
            let probe = circuit.enter(&options, later).unwrap();
            assert_eq!(circuit.enter(&options, later).unwrap_err(), options.open_for);
            circuit.leave(&options, early, Some(true), later);
            assert!(!circuit.is_closed(), "it was sent before the circuit opened");
            circuit.leave(&options, probe, outcome, later);
            assert_eq!(circuit.is_closed(), closes);
            assert_eq!(circuit.enter(&options, later).is_err(), opens, "{outcome:?}");
        }
    }
}
