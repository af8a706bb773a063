//! Timing the compiler: cargo runs this program in its place, and it records how long each crate took.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The path of the file for the records; if it is set, this program acts as the compiler.
const NOTES: &str = "XTASK_COMPILER_NOTES";

/// The time it took to compile a crate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Took {
    pub(super) wall: Duration,
    /// CPU time, including that of the system; zero where the system does not report it.
    pub(super) cpu: Duration,
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wall, cpu } = self;
        write!(f, "{:>6.1} s, {:>6.1} s of CPU", wall.as_secs_f64(), cpu.as_secs_f64())
    }
}

/// Runs the compiler if cargo has started this program as one.
pub(crate) fn run_as_compiler() -> Option<ExitCode> {
    let notes = std::env::var_os(NOTES)?;
    let mut arguments = std::env::args_os().skip(1);
    let compiler = arguments.next()?;
    match compile(&compiler, &arguments.collect::<Vec<_>>(), Path::new(&notes)) {
        Ok(true) => Some(ExitCode::SUCCESS),
        Ok(false) => Some(ExitCode::FAILURE),
        Err(error) => {
            eprintln!("error: {error:#}");
            Some(ExitCode::FAILURE)
        }
    }
}

fn compile(compiler: &OsStr, arguments: &[OsString], notes: &Path) -> Result<bool> {
    let start = Instant::now();
    let status = Command::new(compiler).args(arguments).status();
    let status = status.with_context(|| format!("cannot run {}", compiler.display()))?;
    let mut names = arguments.iter().skip_while(|argument| *argument != "--crate-name").skip(1);
    if let Some(name) = names.next() {
        let (wall, cpu) = (start.elapsed().as_millis(), cpu_of_children().as_millis());
        let mut notes = OpenOptions::new().append(true).create(true).open(notes)?;
        // A single write, so that lines of concurrent compilers are not mixed.
        notes.write_all(format!("{} {wall} {cpu}\n", name.display()).as_bytes())?;
    }
    Ok(status.success())
}

/// Runs a cargo command, and records how long each crate takes.
pub(super) fn clock<F>(cargo: &mut Command, run: F) -> Result<BTreeMap<String, Took>>
where
    F: FnOnce(&mut Command) -> Result<()>,
{
    let notes = std::env::temp_dir().join(format!("compiler-notes-{}", std::process::id()));
    cargo.env("RUSTC_WRAPPER", std::env::current_exe()?).env(NOTES, &notes);
    let ran = run(cargo);
    let text = fs::read_to_string(&notes).unwrap_or_default();
    // There is no file if nothing was compiled.
    let _ = fs::remove_file(&notes);
    ran.map(|()| read(&text))
}

/// Parses the records: the name of a crate, and milliseconds of wall and CPU time. A program may have the same name as
/// a library, which is compiled before it.
fn read(notes: &str) -> BTreeMap<String, Took> {
    let line = |line: &str| {
        let mut parts = line.split(' ');
        let name = parts.next()?.replace('_', "-");
        let mut millis = || parts.next()?.parse().ok().map(Duration::from_millis);
        Some((name, Took { wall: millis()?, cpu: millis()? }))
    };
    // In reverse, so that the first record of a name is kept.
    notes.lines().rev().filter_map(line).collect()
}

/// Returns the CPU time of the child processes that were waited for.
fn cpu_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    ticks_of_children(&stat).map(|ticks| Duration::from_millis(ticks * 10)).unwrap_or_default()
}

/// Parses the fields `cutime` and `cstime` of `proc(5)`, in hundredths of a second. Anything may come before the last
/// `)`.
fn ticks_of_children(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(13);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_children_is_read_whatever_the_program_is_called() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 90 80 0 0 1 2 300 45 20 0 1 0 99 4096 10 0";
        assert_eq!(ticks_of_children(stat), Some(345));
        assert_eq!(ticks_of_children("7 (a) S 1"), None);
    }

    #[test]
    fn notes_are_read_by_crate_and_a_library_comes_before_a_program() {
        let took =
            |wall, cpu| Took { wall: Duration::from_millis(wall), cpu: Duration::from_millis(cpu) };
        let notes = read("mcp_types 1500 2000\n___ 1\nrmcp 9 8\nrmcp 7 6\n");
        let expected =
            [("mcp-types".to_owned(), took(1500, 2000)), ("rmcp".to_owned(), took(9, 8))];
        assert_eq!(notes, BTreeMap::from(expected));
    }
}
