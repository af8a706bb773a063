//! Finding the file of a program on Windows, where its extension is often left out.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// The extensions of executable files, in the order in which a shell looks for them.
const ENDS: [&str; 4] = ["com", "exe", "bat", "cmd"];

/// Returns the file to start for a program: as given, or with one of the extensions; looked up in `path` unless it is a
/// path itself. None if there is no such file.
///
/// The system only tries `.exe`, but many programs, for example `npx`, are batch files.
pub(super) fn find(
    program: &OsStr,
    path: &OsStr,
    is_file: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let program = Path::new(program);
    let is_path = program.components().count() > 1;
    let folders = std::env::split_paths(if is_path { OsStr::new("") } else { path });
    let places = is_path.then(PathBuf::new).into_iter().chain(folders);
    places.filter(|_| !program.as_os_str().is_empty()).find_map(|folder| {
        let place = folder.join(program);
        let names = is_complete(program).then(|| place.clone());
        let with_end = ENDS.iter().map(|end| ended(&place, end));
        names.into_iter().chain(with_end).find(|file| is_file(file))
    })
}

/// Returns whether a name has the extension of an executable file.
fn is_complete(program: &Path) -> bool {
    let end = program.extension().and_then(OsStr::to_str);
    end.is_some_and(|end| ENDS.iter().any(|it| it.eq_ignore_ascii_case(end)))
}

fn ended(place: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(place);
    name.push(".");
    name.push(end);
    name.into()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn found(program: &str, files: &[&str]) -> Option<String> {
        let path = std::env::join_paths(["one", "two"]).unwrap();
        let is_file = |file: &Path| files.contains(&file.to_str().unwrap());
        find(OsStr::new(program), &path, is_file).map(|file| file.display().to_string())
    }

    #[test]
    fn a_program_is_the_first_file_of_its_name_that_can_be_started() {
        assert_eq!(found("npx", &["two/npx.cmd", "two/npx"]).unwrap(), "two/npx.cmd");
        assert_eq!(found("npx", &["one/npx.cmd", "two/npx.exe"]).unwrap(), "one/npx.cmd");
        assert_eq!(found("uv", &["two/uv.bat", "two/uv.exe"]).unwrap(), "two/uv.exe");
        assert_eq!(found("npx.cmd", &["one/npx.cmd", "one/npx.cmd.exe"]).unwrap(), "one/npx.cmd");
        assert_eq!(found("a.py", &["one/a.py", "two/a.py.exe"]).unwrap(), "two/a.py.exe");
        assert_eq!(found("bin/a", &["one/bin/a.exe", "bin/a.exe"]).unwrap(), "bin/a.exe");
        for nothing in ["", "npx", "bin/npx"] {
            assert_eq!(found(nothing, &["npx", "one/npx", ".exe", "one/.exe"]), None, "{nothing}");
        }
    }
}
