//! What a server said before it died, as a cause.

use crate::excerpt::excerpt;
use std::{error, fmt, sync::Arc};

/// The lines that usually say why a program died, in any language: a message, and what its runtime adds.
const LINES: usize = 12;
/// The longest part of a line that is shown.
const LINE: usize = 512;

/// The last lines that a process wrote to standard error, and what else is known about its end.
pub(super) struct LastWords {
    lines: Vec<String>,
    source: Option<Arc<dyn error::Error + Send + Sync>>,
}

impl LastWords {
    pub(super) fn new(tail: &str, source: Option<Arc<dyn error::Error + Send + Sync>>) -> Self {
        let lines = tail.lines().map(str::trim_end).filter(|line| !line.is_empty());
        let lines: Vec<_> = lines.map(|line| excerpt(line.as_bytes(), LINE)).collect();
        let skipped = lines.len().saturating_sub(LINES);
        Self { lines: lines.into_iter().skip(skipped).collect(), source }
    }
}

impl fmt::Display for LastWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.lines {
            [line] => write!(f, "it wrote to standard error: {line}"),
            lines => write!(f, "it wrote to standard error:\n{}", lines.join("\n")),
        }
    }
}

impl fmt::Debug for LastWords {
    // The error that contains this shows the lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastWords").field("source", &self.source).finish_non_exhaustive()
    }
}

impl error::Error for LastWords {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_told_and_no_more() {
        let one = LastWords::new("\u{1b}[31mno license\r\n\n", None);
        assert_eq!(one.to_string(), "it wrote to standard error: [31mno license");
        let many: Vec<_> = (0..40).map(|line| line.to_string()).collect();
        let many = LastWords::new(&many.join("\n"), None).to_string();
        assert!(many.contains("error:\n28\n29\n") && many.ends_with("\n39"), "{many}");
        let long = LastWords::new(&"x".repeat(10_000), None).to_string();
        assert!(long.len() < 600, "{}", long.len());
    }
}
