//! Arrays and maps, item by item.

use super::{Failure, Wire};
use crate::json::{Elements, Entries, Mark, Reader};

/// A list being read. A single function reads all lists, so it is compiled once.
pub(crate) trait Items {
    /// Reads the next item.
    fn read_next(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure>;

    /// Skips the last item, which does not fit.
    ///
    /// # Errors
    ///
    /// The list is invalid without it.
    fn refuse(
        &mut self,
        failure: Failure,
        reader: &mut Reader<'_>,
        start: Mark,
    ) -> Result<(), Failure>;
}

impl<T: Wire> Items for Vec<T> {
    fn read_next(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        // Most arrays have one item.
        if self.capacity() == 0 {
            *self = Self::with_capacity(1);
        }
        self.push_mut(T::blank()).fill(reader)
    }

    fn refuse(&mut self, failure: Failure, _: &mut Reader<'_>, _: Mark) -> Result<(), Failure> {
        Err(failure)
    }
}

/// Reads the value of one member.
type Entry<'a> = &'a mut dyn FnMut(&str, &mut Reader<'_>) -> Result<(), Failure>;

/// Reads an array.
pub(crate) fn read_items(reader: &mut Reader<'_>, items: &mut dyn Items) -> Result<(), Failure> {
    open(reader, b'[', "an array")?;
    let (mut index, mut elements) = (0_usize, Elements::new(reader));
    while let Some(reader) = elements.element()? {
        let start = reader.mark();
        if let Err(failure) = items.read_next(reader) {
            let refused = items.refuse(failure, reader, start);
            refused.map_err(|failure| failure.within(format_args!("[{index}]")))?;
        }
        index += 1;
    }
    Ok(reader.ascend(b']')?)
}

/// Reads an object: `read` is called before the value of each member.
pub(super) fn read_entries(reader: &mut Reader<'_>, read: Entry<'_>) -> Result<(), Failure> {
    open(reader, b'{', "an object")?;
    let mut entries = Entries::new(reader);
    while let Some(key) = entries.key()? {
        let value = read(&key, entries.value()?);
        value.map_err(|failure| failure.within(format_args!(".{key}")))?;
    }
    Ok(reader.ascend(b'}')?)
}

/// Takes a bracket, and enters a level.
#[inline]
pub(super) fn open(
    reader: &mut Reader<'_>,
    bracket: u8,
    expected: &'static str,
) -> Result<(), Failure> {
    match reader.next()? {
        byte if byte == bracket => reader.take(bracket)?,
        byte => return Err(Failure::unexpected(byte, expected)),
    }
    Ok(reader.descend()?)
}
