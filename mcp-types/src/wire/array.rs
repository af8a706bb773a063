//! Arrays and maps, item by item.

use super::Failure;
use crate::json::{Elements, Entries, Reader};

/// What reads one item.
type Item<'a> = &'a mut dyn FnMut(&mut Reader<'_>) -> Result<(), Failure>;
/// What reads the value of one member.
type Entry<'a> = &'a mut dyn FnMut(&str, &mut Reader<'_>) -> Result<(), Failure>;

/// Reads an array: `read` is called before each item.
pub(crate) fn read_each(reader: &mut Reader<'_>, read: Item<'_>) -> Result<(), Failure> {
    open(reader, b'[', "an array")?;
    let (mut index, mut elements) = (0_usize, Elements::new(reader));
    while let Some(reader) = elements.element()? {
        read(reader).map_err(|failure| failure.within(format_args!("[{index}]")))?;
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

/// Takes a bracket, and goes one level deeper.
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

/// Most arrays have one item.
#[inline]
pub(crate) fn append<T>(items: &mut Vec<T>, item: T) {
    if items.capacity() == 0 {
        *items = Vec::with_capacity(1);
    }
    items.push(item);
}
