//! Counts the tests: adds up what the test binaries print at their end, and other results.

use std::fmt;

/// The number of tests.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Left out, or not expected to pass yet.
    skipped: usize,
    /// Tests that count as passed in their binary, but skipped their work for lack of a peer.
    without_peers: usize,
}

/// The output of such a test; see `tests/src/peers.rs`.
const WITHOUT_PEERS: &str = "skipped without peers: ";

impl Count {
    /// Adds skipped tests.
    pub(crate) fn skip(&mut self, number: usize) {
        self.skipped += number;
    }

    /// Adds the counts from a line that has some.
    pub(crate) fn read(&mut self, line: &str) {
        if line.contains(WITHOUT_PEERS) {
            self.without_peers += 1;
        }
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
        for part in counts.split("; ") {
            let mut words = part.split(' ');
            let number = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.skipped += number,
                _ => {}
            }
        }
    }
}

/// The line in the format that readers of test runners expect.
impl fmt::Display for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = self.passed.saturating_sub(self.without_peers);
        let skipped = self.skipped + self.without_peers;
        write!(formatter, "{passed} passed, {} failed, {skipped} skipped", self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(output: &str) -> Count {
        let mut count = Count::default();
        output.lines().for_each(|line| count.read(line));
        count
    }

    #[test]
    fn the_results_of_all_binaries_are_added_up() {
        let output = "\
running 3 tests
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1.20s
";
        assert_eq!(count(output).to_string(), "7 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn a_test_skipped_for_want_of_a_peer_is_not_a_pass() {
        let output = "\
test peers::one ... skipped without peers: peers::one
ok
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        assert_eq!(count(output).to_string(), "1 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(count("7 passed\ntest a ... ok\ntest result: ok\n"), Count::default());
    }
}
