//! The scenarios compared with other clients.

/// One scenario: a name, the arguments of the drivers, and the drivers that take part.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) arguments: &'static [&'static str],
    pub(super) drivers: &'static [&'static str],
}

const ALL: &[&str] = &["ours", "rmcp", "raw"];
/// The minimal client only supports small calls.
const SMALL: &[&str] = &["ours", "rmcp", "raw", "minimal"];
const MINIMAL: &[&str] = &["minimal"];
/// rmcp 3.11 fails at its limit for a line.
const WITHOUT_RMCP: &[&str] = &["ours", "raw"];
const OURS: &[&str] = &["ours"];

const fn of(
    name: &'static str,
    arguments: &'static [&'static str],
    drivers: &'static [&'static str],
) -> Scenario {
    Scenario { name, arguments, drivers }
}

pub(super) const SCENARIOS: &[Scenario] = &[
    of("seq-stdio", &["--over", "stdio", "--modern"], SMALL),
    of("seq-stdio-legacy", &["--over", "stdio"], SMALL),
    of("seq-stdio-threads", &["--over", "stdio", "--modern", "--threads"], SMALL),
    of("seq-stdio-main", &["--over", "stdio", "--modern", "--threads", "--main-thread"], SMALL),
    of("seq-http", &["--over", "http", "--modern"], SMALL),
    of("seq-sse", &["--over", "sse", "--modern"], SMALL),
    of("seq-memory", &["--over", "memory", "--modern"], SMALL),
    of("seq-process", &["--over", "process", "--modern"], OURS),
    of("conc-64-stdio", &["--over", "stdio", "--modern", "--in-flight", "64"], SMALL),
    of("conc-64-stdio-legacy", &["--over", "stdio", "--in-flight", "64"], SMALL),
    of(
        "conc-64-stdio-threads",
        &["--over", "stdio", "--modern", "--in-flight", "64", "--threads"],
        SMALL,
    ),
    of("conc-64-http", &["--over", "http", "--modern", "--in-flight", "64"], SMALL),
    of("conc-64-memory", &["--over", "memory", "--modern", "--in-flight", "64"], SMALL),
    of("conc-64-process", &["--over", "process", "--modern", "--in-flight", "64"], OURS),
    of("conc-1024-stdio", &["--over", "stdio", "--modern", "--in-flight", "1024"], SMALL),
    of("conc-1024-http", &["--over", "http", "--modern", "--in-flight", "1024"], SMALL),
    of("conc-65536-stdio", &["--over", "stdio", "--modern", "--in-flight", "65536"], SMALL),
    // The cost of tasks that do not call.
    of("tasks-64", &["--work", "wait", "--in-flight", "64"], MINIMAL),
    of("tasks-65536", &["--work", "wait", "--in-flight", "65536"], MINIMAL),
    of("progress-stdio", &["--over", "stdio", "--modern", "--work", "progress"], ALL),
    of("progress-http", &["--over", "http", "--modern", "--work", "progress"], ALL),
    of("structured-stdio", &["--over", "stdio", "--modern", "--work", "structured"], ALL),
    of("structured-http", &["--over", "http", "--modern", "--work", "structured"], ALL),
    of("arguments-stdio", &["--over", "stdio", "--modern", "--work", "arguments"], ALL),
    of("arguments-http", &["--over", "http", "--modern", "--work", "arguments"], ALL),
    of("send-1-stdio", &["--over", "stdio", "--modern", "--work", "send-1"], ALL),
    of("send-16-stdio", &["--over", "stdio", "--modern", "--work", "send-16"], ALL),
    of("send-16-http", &["--over", "http", "--modern", "--work", "send-16"], ALL),
    of("text-1-stdio", &["--over", "stdio", "--modern", "--work", "text-1"], ALL),
    of("text-1-http", &["--over", "http", "--modern", "--work", "text-1"], ALL),
    of("text-16-stdio", &["--over", "stdio", "--modern", "--work", "text-16"], WITHOUT_RMCP),
    of("text-16-http", &["--over", "http", "--modern", "--work", "text-16"], WITHOUT_RMCP),
    of("blob-16-stdio", &["--over", "stdio", "--modern", "--work", "blob-16"], WITHOUT_RMCP),
    of("blob-16-http", &["--over", "http", "--modern", "--work", "blob-16"], WITHOUT_RMCP),
    of("list-stdio", &["--over", "stdio", "--modern", "--work", "list"], ALL),
    of("list-http", &["--over", "http", "--modern", "--work", "list"], ALL),
    of("connect-stdio", &["--over", "stdio", "--modern", "--work", "connect"], ALL),
    of("connect-http", &["--over", "http", "--modern", "--work", "connect"], ALL),
    of(
        "idle-200-stdio",
        &["--over", "stdio", "--modern", "--work", "idle", "--in-flight", "200"],
        ALL,
    ),
    of(
        "idle-200-http",
        &["--over", "http", "--modern", "--work", "idle", "--in-flight", "200"],
        ALL,
    ),
];
