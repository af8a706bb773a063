//! The neutral server in the same process, behind a pipe in memory.

use crate::answer;
use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// How much a pipe holds: as much as one of the system.
const PIPE: usize = 64 * 1024;

/// Starts a server, and gives the client's end of the pipe.
pub fn start(is_modern: bool) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(PIPE);
    // It ends when the other end of the pipe is dropped.
    drop(tokio::spawn(serve(theirs, is_modern)));
    ours
}

/// Answers what one read brought with one write.
async fn serve(mut pipe: DuplexStream, is_modern: bool) -> Result<()> {
    let (mut buffer, mut out) = (Vec::with_capacity(PIPE), Vec::new());
    while pipe.read_buf(&mut buffer).await? > 0 {
        let mut read = 0;
        while let Some(end) = memchr::memchr(b'\n', &buffer[read..]) {
            answer::lines(&buffer[read..read + end], is_modern, &mut out);
            read += end + 1;
        }
        buffer.drain(..read);
        pipe.write_all(&out).await?;
        out.clear();
    }
    Ok(())
}
