//! The table of hosted tasks: no IO and no clock.

use futures_util::future::AbortHandle;
use mcp_types::{ErrorCode, ErrorObject, RawJson};
use std::time::{Duration, SystemTime};
use tokio::{sync::watch, time::Instant};

/// The number of tasks on a page of the list.
const PAGE: usize = 50;

/// The tasks, in the order in which they were created. There are only a few.
#[derive(Debug, Default)]
pub(super) struct Table {
    tasks: Vec<Task>,
    next: u64,
}

#[derive(Debug)]
struct Task {
    /// Starts at 0 and increases with each task.
    number: u64,
    id: String,
    entry: Entry,
}

/// Tasks, each with its id, and the cursor of the next page.
type Page<'a> = (Vec<(&'a str, &'a Entry)>, Option<String>);

/// One task.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) created: SystemTime,
    pub(super) updated: SystemTime,
    pub(super) ttl: Duration,
    expires: Option<Instant>,
    ended: watch::Sender<Option<Outcome>>,
    abort: AbortHandle,
}

/// How a task ended; a task ends only once.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Completed(RawJson),
    Failed(ErrorObject),
    Cancelled,
}

impl Outcome {
    /// Returns what the question would have been answered with.
    pub(super) fn into_result(self) -> Result<RawJson, ErrorObject> {
        match self {
            Self::Completed(result) => Ok(result),
            Self::Failed(error) => Err(error),
            Self::Cancelled => {
                Err(ErrorObject::new(ErrorCode::INTERNAL_ERROR, "the task was cancelled"))
            }
        }
    }
}

impl Entry {
    pub(super) fn new(at: SystemTime, now: Instant, ttl: Duration, abort: AbortHandle) -> Self {
        let expires = now.checked_add(ttl);
        Self { created: at, updated: at, ttl, expires, ended: watch::Sender::new(None), abort }
    }

    pub(super) fn status(&self) -> &'static str {
        match &*self.ended.borrow() {
            None => "working",
            Some(Outcome::Completed(_)) => "completed",
            Some(Outcome::Failed(_)) => "failed",
            Some(Outcome::Cancelled) => "cancelled",
        }
    }

    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.ended.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Option<Outcome>> {
        self.ended.subscribe()
    }

    fn is_over(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Records the end, unless the task has already ended.
    fn end(&mut self, outcome: Outcome, at: SystemTime) {
        if !self.is_over() {
            self.ended.send_replace(Some(outcome));
            self.updated = at;
        }
    }
}

/// Work on a forgotten task stops.
impl Drop for Entry {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

impl Table {
    /// Adds a task unless too many are running, and forgets the oldest ended ones if too many are kept.
    pub(super) fn insert(
        &mut self,
        id: String,
        entry: Entry,
        concurrent: usize,
        kept: usize,
    ) -> bool {
        let working = self.tasks.iter().filter(|task| !task.entry.is_over()).count();
        if working >= concurrent {
            return false;
        }
        while self.tasks.len() >= kept.max(1) {
            let Some(oldest) = self.tasks.iter().position(|task| task.entry.is_over()) else {
                return false;
            };
            self.tasks.remove(oldest);
        }
        self.tasks.push(Task { number: self.next, id, entry });
        self.next += 1;
        true
    }

    pub(super) fn find(&self, id: &str) -> Option<&Entry> {
        self.tasks.iter().find(|task| task.id == id).map(|task| &task.entry)
    }

    fn find_mut(&mut self, id: &str) -> Option<&mut Entry> {
        self.tasks.iter_mut().find(|task| task.id == id).map(|task| &mut task.entry)
    }

    pub(super) fn finish(
        &mut self,
        id: &str,
        outcome: Result<RawJson, ErrorObject>,
        at: SystemTime,
    ) {
        let outcome = outcome.map_or_else(Outcome::Failed, Outcome::Completed);
        if let Some(entry) = self.find_mut(id) {
            entry.end(outcome, at);
        }
    }

    pub(super) fn cancel(&mut self, id: &str, at: SystemTime) {
        if let Some(entry) = self.find_mut(id) {
            entry.end(Outcome::Cancelled, at);
            entry.abort.abort();
        }
    }

    /// Forgets expired tasks.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.tasks.retain(|task| task.entry.expires.is_none_or(|expires| expires > now));
    }

    /// Returns a page of tasks and the cursor of the next one; `None` if the cursor is not from this table.
    pub(super) fn page(&self, cursor: Option<&str>) -> Option<Page<'_>> {
        let first = match cursor {
            Some(cursor) => cursor.parse::<u64>().ok().filter(|number| *number < self.next)?,
            None => 0,
        };
        let rest = &self.tasks[self.tasks.partition_point(|task| task.number < first)..];
        let page = rest.iter().take(PAGE).map(|task| (&*task.id, &task.entry)).collect();
        Some((page, rest.get(PAGE).map(|task| task.number.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(count: usize) -> (Table, Instant) {
        let (mut table, now) = (Table::default(), Instant::now());
        for number in 0..count {
            assert!(add(&mut table, &number.to_string(), now, 1000));
        }
        (table, now)
    }

    fn add(table: &mut Table, id: &str, now: Instant, limit: usize) -> bool {
        let (abort, _) = AbortHandle::new_pair();
        let ttl = Duration::from_secs(60);
        let entry = Entry::new(SystemTime::UNIX_EPOCH, now, ttl, abort);
        table.insert(id.to_owned(), entry, limit, limit)
    }

    fn later(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    // spec: TASK25-16
    #[test]
    fn a_task_that_is_at_its_end_stays_there() {
        let (mut table, _) = table(3);
        assert_eq!(table.find("0").unwrap().status(), "working");
        table.finish("0", Ok(RawJson::EMPTY_OBJECT), later(1));
        table.cancel("0", later(2));
        let failure = ErrorObject::new(ErrorCode::INTERNAL_ERROR, "no");
        table.finish("1", Err(failure), later(3));
        table.finish("1", Ok(RawJson::EMPTY_OBJECT), later(4));
        table.cancel("2", later(5));
        table.finish("2", Ok(RawJson::EMPTY_OBJECT), later(6));
        let ends = ["0", "1", "2"].map(|id| {
            let entry = table.find(id).unwrap();
            (entry.status(), entry.updated)
        });
        let expected = [("completed", later(1)), ("failed", later(3)), ("cancelled", later(5))];
        assert_eq!(ends, expected);
    }

    // spec: TASK25-17
    #[test]
    fn what_is_old_or_too_much_is_forgotten_and_what_is_worked_on_is_not() {
        let (mut table, now) = table(2);
        assert!(!add(&mut table, "x", now, 2), "both are worked on");
        table.finish("1", Ok(RawJson::EMPTY_OBJECT), later(1));
        assert!(add(&mut table, "x", now, 2));
        assert!(table.find("0").is_some() && table.find("1").is_none());
        let abort = table.find("0").unwrap().abort.clone();
        table.sweep(now + Duration::from_secs(59));
        assert!(table.find("0").is_some());
        table.sweep(now + Duration::from_secs(60));
        assert!(table.find("0").is_none() && table.find("x").is_none());
        assert!(abort.is_aborted());
    }

    // spec: TASK25-16
    #[test]
    fn all_that_can_be_found_is_on_one_of_the_pages() {
        let (table, _) = table(120);
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let (page, next) = table.page(cursor.as_deref()).unwrap();
            seen.extend(page.iter().map(|(id, _)| (*id).to_owned()));
            let Some(next) = next else { break };
            cursor = Some(next);
        }
        assert_eq!(seen, (0..120).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(table.page(Some("120")).is_none() && table.page(Some("x")).is_none());
    }
}
