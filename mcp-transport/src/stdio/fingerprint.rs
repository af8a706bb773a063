//! A fingerprint of a command, to remember that a user has agreed to it.

use super::Command;
use sha2::{Digest, Sha256};
use std::{ffi::OsStr, fmt};

/// A hash of a command, to recognize it again.
///
/// A program that asks its user before it starts a server should remember this rather than a name, behind which a
/// config may later put another command. It covers the program, the arguments in order, the directory, and the names
/// and values of the environment variables that are set, but not inherited ones. It is the same on every run and in
/// every version of this crate, and does not reveal its input.
///
/// ```
/// use mcp_transport::stdio::Command;
///
/// let agreed = Command::new("server").env("A", "1").env("B", "2").fingerprint();
/// assert_eq!(Command::new("server").env("B", "2").env("A", "1").fingerprint(), agreed);
/// assert_ne!(Command::new("server").arg("--evil").fingerprint(), agreed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl fmt::Display for Fingerprint {
    /// Shows it as 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Command {
    /// The fingerprint of this command.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Fields(Sha256::new_with_prefix(b"mcp stdio 1"));
        hash.one(&self.program);
        hash.count(self.args.len());
        self.args.iter().for_each(|argument| hash.one(argument));
        hash.count(self.current_dir.iter().len());
        self.current_dir.iter().for_each(|directory| hash.one(directory.as_os_str()));
        let fields = self.environment.fields();
        hash.count(fields.len());
        fields.into_iter().for_each(|field| hash.one(field));
        Fingerprint(hash.0.finalize().into())
    }
}

/// Hashes fields with their lengths, so that different lists of fields never look the same.
struct Fields(Sha256);

impl Fields {
    fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_le_bytes());
    }

    fn one(&mut self, text: &OsStr) {
        self.count(text.len());
        self.0.update(text.as_encoded_bytes());
    }
}
