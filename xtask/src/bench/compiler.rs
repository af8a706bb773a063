//! The compiler under a clock: cargo runs this program in its place, and it notes what each crate took.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Names the file of the notes; where it is set, this program is the compiler.
const NOTES: &str = "XTASK_COMPILER_NOTES";

/// What compiling took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Took {
    pub(super) wall: Duration,
    /// Time of processors, of the system's as well; zero where the system does not tell.
    pub(super) cpu: Duration,
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wall, cpu } = self;
        write!(f, "{:>6.1} s, {:>6.1} s of CPU", wall.as_secs_f64(), cpu.as_secs_f64())
    }
}

/// Runs the compiler if cargo runs this program as one.
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
        // One write, so that the lines of compilers at the same time stay whole.
        notes.write_all(format!("{} {wall} {cpu}\n", name.display()).as_bytes())?;
    }
    Ok(status.success())
}

/// Has a cargo command note what each crate takes, and runs it.
pub(super) fn clock<F>(cargo: &mut Command, run: F) -> Result<BTreeMap<String, Took>>
where
    F: FnOnce(&mut Command) -> Result<()>,
{
    let notes = std::env::temp_dir().join(format!("compiler-notes-{}", std::process::id()));
    cargo.env("RUSTC_WRAPPER", std::env::current_exe()?).env(NOTES, &notes);
    let ran = run(cargo);
    let text = fs::read_to_string(&notes).unwrap_or_default();
    // There are no notes if nothing was compiled.
    let _ = fs::remove_file(&notes);
    ran.map(|()| read(&text))
}

/// Reads the notes: the name of a crate, and milliseconds of time and of processors. A program may have the name of a library,
/// which was compiled before it.
fn read(notes: &str) -> BTreeMap<String, Took> {
    let line = |line: &str| {
        let mut parts = line.split(' ');
        let name = parts.next()?.replace('_', "-");
        let mut millis = || parts.next()?.parse().ok().map(Duration::from_millis);
        Some((name, Took { wall: millis()?, cpu: millis()? }))
    };
    // The first of a name is the one that stays.
    notes.lines().rev().filter_map(line).collect()
}

/// What the processes took that this one waited for.
fn cpu_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    ticks_of_children(&stat).map(|ticks| Duration::from_millis(ticks * 10)).unwrap_or_default()
}

/// The fields `cutime` and `cstime` of `proc(5)`: hundredths of a second. Those before the last `)` may be anything.
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
