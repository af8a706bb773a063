//! Receive buffers: one that grows large becomes an allocation of its own.

use bytes::BytesMut;

/// The length up to which a buffer grows as usual.
const SMALL: usize = 2 * 1024 * 1024;
/// The capacity that a larger buffer gets at once. Any allocator maps this much memory on its own and unmaps it
/// afterwards: it is never copied to grow, and untouched pages use no memory. An allocator may hold on to several
/// smaller blocks.
const AMPLE: usize = 64 * 1024 * 1024;

/// Reserves space for this many more bytes.
pub(crate) fn reserve(buffer: &mut BytesMut, more: usize) {
    let needed = buffer.len().saturating_add(more);
    if needed <= buffer.capacity() || !(SMALL..AMPLE).contains(&needed) {
        return buffer.reserve(more);
    }
    let mut ample = BytesMut::with_capacity(AMPLE);
    ample.extend_from_slice(buffer);
    *buffer = ample;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_buffer_is_moved_once() {
        let mut buffer = BytesMut::new();
        let mut places = Vec::new();
        let chunk = [b'x'; 64 * 1024];
        while buffer.len() < AMPLE / 4 {
            reserve(&mut buffer, chunk.len());
            buffer.extend_from_slice(&chunk);
            if buffer.len() > SMALL {
                places.push(buffer.as_ptr());
            }
        }
        places.dedup();
        assert_eq!((places.len(), buffer.capacity()), (1, AMPLE));
        assert!(buffer.iter().all(|byte| *byte == b'x'));
    }

    #[test]
    fn there_is_room_for_all_that_is_asked_for() {
        for (length, more) in
            [(0, 0), (0, 5), (7, 100), (9, SMALL), (SMALL, 1), (3, AMPLE), (5, 2 * AMPLE)]
        {
            let mut buffer = BytesMut::zeroed(length);
            reserve(&mut buffer, more);
            assert!(buffer.capacity() - buffer.len() >= more, "{length} {more}");
            assert_eq!(buffer, vec![0; length]);
        }
    }
}
