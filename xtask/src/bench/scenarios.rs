//! What is measured beside other clients.

/// One scenario: a name, the arguments of the drivers, and who takes part.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) arguments: &'static [&'static str],
    pub(super) drivers: &'static [&'static str],
}

const ALL: &[&str] = &["ours", "rmcp", "raw"];
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
    of("seq-stdio", &["--over", "stdio", "--modern"], ALL),
    of("seq-stdio-legacy", &["--over", "stdio"], ALL),
    of("seq-stdio-threads", &["--over", "stdio", "--modern", "--threads"], ALL),
    of("seq-http", &["--over", "http", "--modern"], ALL),
    of("seq-sse", &["--over", "sse", "--modern"], ALL),
    of("seq-memory", &["--over", "memory", "--modern"], ALL),
    of("seq-process", &["--over", "process", "--modern"], OURS),
    of("conc-64-stdio", &["--over", "stdio", "--modern", "--in-flight", "64"], ALL),
    of(
        "conc-64-stdio-threads",
        &["--over", "stdio", "--modern", "--in-flight", "64", "--threads"],
        ALL,
    ),
    of("conc-64-http", &["--over", "http", "--modern", "--in-flight", "64"], ALL),
    of("conc-64-memory", &["--over", "memory", "--modern", "--in-flight", "64"], ALL),
    of("conc-64-process", &["--over", "process", "--modern", "--in-flight", "64"], OURS),
    of("conc-1024-stdio", &["--over", "stdio", "--modern", "--in-flight", "1024"], ALL),
    of("conc-1024-http", &["--over", "http", "--modern", "--in-flight", "1024"], ALL),
    of("conc-65536-stdio", &["--over", "stdio", "--modern", "--in-flight", "65536"], ALL),
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
