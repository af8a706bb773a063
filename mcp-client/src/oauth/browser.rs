//! Opening a page in the user's browser.

use mcp_transport::Url;
use std::{env, fmt, io, process::Stdio, time::Duration};
use tokio::{process::Command, time::timeout};

/// The programs that open a page, with the arguments before its URL. None of them is a shell.
const PROGRAMS: &[&[&str]] = if cfg!(target_os = "macos") {
    &[&["open"]]
} else if cfg!(windows) {
    &[&["rundll32.exe", "url.dll,FileProtocolHandler"]]
} else {
    &[&["xdg-open"], &["gio", "open"], &["wslview"], &["x-www-browser"]]
};

/// How long a program is watched: one that cannot open the page fails soon.
const WATCH: Duration = Duration::from_secs(2);

/// Characters that may occur in a URL and that shells interpret; `&` is needed.
const SUSPICIOUS: [char; 6] = ['$', '\'', '(', ')', ';', '`'];

/// Opens a page in the user's browser: the program in the variable `BROWSER`, or the default of the platform.
///
/// The URL is passed as one argument, without a shell. Only `https` pages, and `http` pages on this machine, are
/// opened. A URL with a character that is special to shells is refused anyway.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let page = "https://auth.example.com/authorize?client_id=me".parse()?;
/// mcp_client::oauth::open_browser(&page).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The URL must not be opened, or no program opens it. Show it, so that the user can open it.
///
/// # Cancel safety
///
/// A browser that has been started stays open.
pub async fn open_browser(page: &Url) -> Result<(), OpenBrowserError> {
    if let Err(reason) = check(page) {
        tracing::warn!(origin = page.origin(), reason, "page is not opened");
        return Err(OpenBrowserError(Reason::Refused(reason)));
    }
    let wanted = env::var("BROWSER").ok().filter(|_| !cfg!(windows));
    open_with(programs(wanted.as_deref().unwrap_or_default()), page.as_str()).await
}

/// Checks that a page may be opened.
fn check(page: &Url) -> Result<(), &'static str> {
    if page.scheme() != "https" && !(page.scheme() == "http" && page.is_loopback()) {
        return Err("only pages of https are opened, and of http on this machine");
    }
    if !page.username().is_empty() || page.password().is_some() {
        return Err("its URL has a user in it");
    }
    if page.as_str().contains(SUSPICIOUS) || !page.as_str().chars().all(|c| c.is_ascii_graphic()) {
        return Err("its URL has a character that a shell would obey");
    }
    Ok(())
}

/// Returns the commands to try: the user's, and then the platform's.
fn programs(wanted: &str) -> Vec<Vec<String>> {
    let words = |text: &str| text.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let wanted = wanted.split(':').map(words).filter(|words| !words.is_empty());
    let known = PROGRAMS.iter().map(|words| words.iter().map(|&word| word.to_owned()).collect());
    wanted.chain(known).collect()
}

async fn open_with(programs: Vec<Vec<String>>, page: &str) -> Result<(), OpenBrowserError> {
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for words in programs {
        match open(&words, page).await {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => failure = error,
        }
    }
    Err(OpenBrowserError(Reason::Failed(failure)))
}

/// Starts a program with the URL in place of `%s`, or at the end.
async fn open(words: &[String], page: &str) -> io::Result<()> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let has_place = arguments.iter().any(|word| word == "%s");
    let mut child = Command::new(program)
        .args(arguments.iter().map(|word| if word == "%s" { page } else { word }))
        .args((!has_place).then_some(page))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    match timeout(WATCH, child.wait()).await {
        Ok(Ok(status)) if !status.success() => {
            Err(io::Error::other(format!("{program} failed ({status})")))
        }
        Ok(Err(error)) => Err(error),
        // A browser may keep running.
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

/// A page could not be opened.
#[derive(Debug)]
pub struct OpenBrowserError(Reason);

#[derive(Debug)]
enum Reason {
    Refused(&'static str),
    Failed(io::Error),
}

impl OpenBrowserError {
    /// Whether the page must not be opened by any program.
    pub fn is_refused(&self) -> bool {
        matches!(self.0, Reason::Refused(_))
    }
}

impl fmt::Display for OpenBrowserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::Refused(reason) => write!(f, "page is not opened: {reason}"),
            Reason::Failed(_) => f.write_str(
                "no browser could be started: name one in the variable BROWSER, or open the page by hand",
            ),
        }
    }
}

impl std::error::Error for OpenBrowserError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Reason::Refused(_) => None,
            Reason::Failed(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: SBP-07 SBP-08 SBP-10
    #[tokio::test]
    async fn s01_only_pages_are_opened() {
        for page in
            ["https://as.example/authorize?a=b&c=%24", "http://localhost:1/", "http://[::1]:1/"]
        {
            assert_eq!(check(&page.parse().unwrap()), Ok(()), "{page}");
        }
        for page in [
            "http://as.example/",
            "file://host/etc/passwd",
            "javascript://host/%0aalert(1)",
            "ms-calculator://host/",
            "https://me:pw@as.example/",
            "https://as.example/$(touch x)",
            "https://as.example/a;b",
            "https://as.example/'",
            "http://localhost.example/",
        ] {
            let Ok(page) = page.parse() else { continue };
            assert!(open_browser(&page).await.unwrap_err().is_refused(), "{page}");
        }
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "https://a/`id`",
            "https://a/|b",
        ] {
            assert!(text.parse::<Url>().is_err(), "{text}: it is no URL of a page at all");
        }
    }

    // spec: SBP-09
    #[test]
    fn s01_no_shell_is_among_the_programs() {
        let shells = ["sh", "bash", "cmd", "cmd.exe", "powershell", "powershell.exe", "pwsh"];
        for words in programs("") {
            assert!(words.iter().all(|word| !shells.contains(&&**word)), "{words:?}");
        }
        let wanted = programs("firefox --new-tab %s:lynx::");
        assert_eq!(wanted[0], ["firefox", "--new-tab", "%s"]);
        assert_eq!(wanted[1], ["lynx"]);
        assert_eq!(wanted.len(), 2 + PROGRAMS.len());
    }

    // spec: SBP-09
    #[cfg(unix)]
    #[tokio::test]
    async fn s01_the_page_is_one_argument_whatever_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out").display().to_string();
        let page = "https://as.example/a?b=c&d=$(id)";
        // A program that records its arguments, in place of a browser.
        let noting = ["sh", "-c", "printf '%s\\n' \"$#\" \"$@\" > \"$0\""].map(str::to_owned);
        for end in [&[&*out][..], &[&*out, "--page", "%s", "--last"]] {
            let end = end.iter().map(|&word| word.to_owned());
            let words = noting.iter().cloned().chain(end).collect();
            let missing = vec!["no-such-browser-here".to_owned()];
            let failing = vec!["false".to_owned()];
            open_with(vec![missing, failing, words], page).await.unwrap();
        }
        let noted = std::fs::read_to_string(&out).unwrap();
        assert_eq!(noted, format!("3\n--page\n{page}\n--last\n"));
        let failing = vec![vec!["false".to_owned()]];
        assert!(!open_with(failing, page).await.unwrap_err().is_refused());
        assert!(open_with(Vec::new(), page).await.is_err());
    }
}
