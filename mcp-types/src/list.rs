//! Lists that survive a broken item.

use crate::{
    json::{Mark, Reader},
    wire::{Failure, Items, Wire, read_items},
};
use serde_core::{Serialize, Serializer, de::DeserializeOwned, ser::SerializeSeq};
use serde_json::{Error, Value};
use std::{
    ops::{Deref, DerefMut},
    slice, vec,
};

/// A list that was decoded item by item.
///
/// It is a `Vec` of the items that fit their type, and keeps those that do not apart, so that one broken tool does not
/// hide all others. Broken items are written back where they were.
///
/// ```
/// use mcp_types::tools::ListToolsResult;
///
/// let text = r#"{"tools": [{"name": "a", "inputSchema": {}}, {"name": "b", "inputSchema": 7}]}"#;
/// let result: ListToolsResult = serde_json::from_str(text)?;
/// assert_eq!(result.tools.len(), 1);
/// assert_eq!(result.tools.broken()[0].reason, "`inputSchema` is a number instead of an object");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct List<T> {
    items: Vec<T>,
    #[expect(clippy::box_collection, reason = "nearly always absent: a pointer, not three words")]
    broken: Option<Box<Vec<BrokenItem>>>,
}

/// An item of a list that does not fit its type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BrokenItem {
    /// Its index in the list, counting broken items.
    pub index: usize,
    /// The item as it came.
    pub value: Value,
    /// What is wrong with it, with the path of the member inside the item.
    pub reason: String,
}

impl<T> List<T> {
    /// Creates an empty list.
    pub const fn new() -> Self {
        Self { items: Vec::new(), broken: None }
    }

    /// Decodes each value on its own, for lists of types outside of this crate, such as those of an extension.
    ///
    /// ```
    /// use mcp_types::List;
    ///
    /// let list: List<u8> = List::decode_each(vec![7.into(), "x".into()]);
    /// assert_eq!((list[0], list.broken()[0].index), (7, 1));
    /// ```
    pub fn decode_each(values: Vec<Value>) -> Self
    where
        T: DeserializeOwned,
    {
        let mut list = Self::new();
        for (index, value) in values.into_iter().enumerate() {
            match T::deserialize(&value) {
                Ok(item) => list.items.push(item),
                Err(error) => {
                    let item = BrokenItem { index, value, reason: error.to_string() };
                    list.broken.get_or_insert_default().push(item);
                }
            }
        }
        list
    }

    /// The items that do not fit their type.
    pub fn broken(&self) -> &[BrokenItem] {
        self.broken.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Removes and returns the items that do not fit their type.
    pub fn take_broken(&mut self) -> Vec<BrokenItem> {
        self.broken.take().map(|broken| *broken).unwrap_or_default()
    }

    /// The items that fit their type.
    pub fn into_vec(self) -> Vec<T> {
        self.items
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Equal if the items are, and the broken ones with their positions.
impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items && self.broken() == other.broken()
    }
}

impl<T> Deref for List<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.items
    }
}

impl<T> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.items
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, broken: None }
    }
}

impl<T, const N: usize> From<[T; N]> for List<T> {
    fn from(items: [T; N]) -> Self {
        Vec::from(items).into()
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = vec::IntoIter<T>;

    fn into_iter(self) -> vec::IntoIter<T> {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> slice::Iter<'a, T> {
        self.items.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut List<T> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    fn into_iter(self) -> slice::IterMut<'a, T> {
        self.items.iter_mut()
    }
}

impl<T: Wire> Wire for List<T> {
    fn blank() -> Self {
        Self::new()
    }

    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        read_items(reader, self)
    }
}

impl<T: Wire> Items for List<T> {
    fn read_next(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        self.items.read_next(reader)
    }

    fn refuse(
        &mut self,
        failure: Failure,
        reader: &mut Reader<'_>,
        start: Mark,
    ) -> Result<(), Failure> {
        self.items.pop();
        Ok(set_aside(&mut self.broken, self.items.len(), failure, reader, start)?)
    }
}

/// Sets aside an item that does not fit, together with the number of items before it.
#[cold]
#[expect(clippy::box_collection, reason = "it is a field of the list")]
fn set_aside(
    broken: &mut Option<Box<Vec<BrokenItem>>>,
    fit: usize,
    failure: Failure,
    reader: &mut Reader<'_>,
    start: Mark,
) -> Result<(), Error> {
    let (value, misfit) = failure.set_aside(reader, start)?;
    let broken = broken.get_or_insert_default();
    broken.push(BrokenItem { index: fit + broken.len(), value, reason: misfit.to_string() });
    Ok(())
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.len() + self.broken().len()))?;
        let mut items = self.items.iter();
        let mut written = 0;
        for broken in self.broken() {
            for item in items.by_ref().take(broken.index.saturating_sub(written)) {
                sequence.serialize_element(item)?;
                written += 1;
            }
            sequence.serialize_element(&broken.value)?;
            written += 1;
        }
        items.try_for_each(|item| sequence.serialize_element(item))?;
        sequence.end()
    }
}
