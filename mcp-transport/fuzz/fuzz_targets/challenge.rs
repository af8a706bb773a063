//! Whatever a server asks for, it is read to its end, within limits, and what was read can be written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_transport::http::oauth::Challenge;

const NAMES: [&str; 4] = ["resource_metadata", "scope", "error", "realm"];

fuzz_target!(|value: String| {
    let challenges = Challenge::parse(&value);
    assert!(challenges.len() <= 16);
    for challenge in &challenges {
        let params: Vec<_> = NAMES
            .iter()
            .filter_map(|name| Some((name, challenge.param(name)?)))
            .map(|(name, value)| {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                format!("{name}=\"{value}\"")
            })
            .collect();
        let written = format!("{} {}", challenge.scheme(), params.join(", "));
        let read = Challenge::parse(&written);
        assert_eq!(read.len(), 1, "{written}");
        assert!(read[0].is(challenge.scheme()));
        for name in NAMES {
            assert_eq!(read[0].param(name), challenge.param(name), "{written}");
        }
    }
});
