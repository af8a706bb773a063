//! Values that travel with a message and never go over the wire.

use std::{any::Any, fmt, sync::Arc};

/// A map of values that travel with a message but are not part of it: at most one of each type.
///
/// Like the `Extensions` of the crate `http`, but clones share the values, and the first value needs no map.
///
/// ```
/// use mcp_transport::Extensions;
///
/// let mut extensions = Extensions::new();
/// extensions.insert("a user".to_owned());
/// assert_eq!(extensions.get::<String>().map(String::as_str), Some("a user"));
/// assert_eq!(extensions.get::<u64>(), None);
/// ```
#[derive(Clone, Default)]
pub struct Extensions {
    first: Option<First>,
    /// Never holds the type of the first value.
    rest: http::Extensions,
}

/// A shared value.
#[derive(Clone)]
enum First {
    Counted(Arc<dyn Value>),
    /// A static one, which needs no reference count.
    Static(&'static dyn Value),
}

impl First {
    fn value(&self) -> &dyn Value {
        match self {
            Self::Counted(value) => &**value,
            Self::Static(value) => *value,
        }
    }
}

/// A value of any type that can be cloned.
trait Value: Any + Send + Sync {
    fn put_into(&self, extensions: &mut http::Extensions);
}

impl<T: Clone + Send + Sync + 'static> Value for T {
    fn put_into(&self, extensions: &mut http::Extensions) {
        extensions.insert(self.clone());
    }
}

impl Extensions {
    /// Creates an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of this type.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        let first = self.first.as_ref().map(First::value);
        let first = first.and_then(|value| (value as &dyn Any).downcast_ref());
        first.or_else(|| self.rest.get())
    }

    /// Adds a value; an earlier one of its type is replaced.
    pub fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) {
        if self.is_for_first::<T>() {
            self.first = Some(First::Counted(Arc::new(value)));
        } else {
            self.rest.insert(value);
        }
    }

    /// Adds a value that is already shared.
    pub fn insert_shared<T: Clone + Send + Sync + 'static>(&mut self, value: Arc<T>) {
        if self.is_for_first::<T>() {
            self.first = Some(First::Counted(value));
        } else {
            self.rest.insert(T::clone(&value));
        }
    }

    /// Adds a static value, which needs no memory and no reference count.
    pub fn insert_static<T: Clone + Send + Sync + 'static>(&mut self, value: &'static T) {
        if self.is_for_first::<T>() {
            self.first = Some(First::Static(value));
        } else {
            self.rest.insert(value.clone());
        }
    }

    /// The value of this type for changes; inserts the default if there is none.
    pub fn get_or_insert_default<T: Clone + Default + Send + Sync + 'static>(&mut self) -> &mut T {
        // It may be shared, so a copy is modified.
        if self.is_for_first::<T>()
            && let Some(first) = self.first.take()
        {
            first.value().put_into(&mut self.rest);
        }
        self.rest.get_or_insert_default()
    }

    /// Removes all values.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether a value of this type goes to the first place.
    fn is_for_first<T: Clone + Send + Sync + 'static>(&self) -> bool {
        match self.first.as_ref().map(First::value) {
            Some(value) => (value as &dyn Any).is::<T>(),
            None => self.rest.get::<T>().is_none(),
        }
    }
}

/// Takes over the extensions of an HTTP request.
impl From<http::Extensions> for Extensions {
    fn from(rest: http::Extensions) -> Self {
        Self { first: None, rest }
    }
}

/// Hands the extensions over to an HTTP request.
impl From<Extensions> for http::Extensions {
    fn from(Extensions { first, mut rest }: Extensions) -> Self {
        if let Some(first) = first {
            first.value().put_into(&mut rest);
        }
        rest
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extensions({} values)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_value_of_each_type() {
        let mut extensions = Extensions::new();
        extensions.insert(1_u8);
        extensions.insert("a");
        extensions.insert(2_u8);
        extensions.insert_shared(Arc::new("b"));
        assert_eq!((extensions.len(), extensions.get::<u8>()), (2, Some(&2)));
        assert_eq!(extensions.get::<&str>(), Some(&"b"));
        extensions.insert_static(&3_u8);
        extensions.insert_static(&"c");
        assert_eq!((extensions.len(), extensions.get::<u8>()), (2, Some(&3)));
        assert_eq!(extensions.get::<&str>(), Some(&"c"));
        assert_eq!(extensions.get::<u16>(), None);
    }

    #[test]
    fn a_shared_value_that_is_changed_stays_as_it_was_for_others() {
        let mut extensions = Extensions::new();
        for is_static in [false, true] {
            if is_static {
                extensions.insert_static(&1_u8)
            } else {
                extensions.insert(1_u8)
            }
            let other = extensions.clone();
            *extensions.get_or_insert_default::<u8>() += 1;
            *extensions.get_or_insert_default::<u16>() += 3;
            assert_eq!((extensions.get(), extensions.get()), (Some(&2_u8), Some(&3_u16)));
            assert_eq!((extensions.len(), other.get()), (2, Some(&1_u8)));
            extensions.clear();
        }
    }

    #[test]
    fn those_of_a_request_come_back_as_they_were() {
        let mut request = http::Extensions::new();
        request.insert(1_u8);
        let mut extensions = Extensions::from(request);
        extensions.insert(2_u8);
        extensions.insert("a");
        let request = http::Extensions::from(extensions);
        assert_eq!((request.len(), request.get()), (2, Some(&2_u8)));
        assert_eq!(request.get(), Some(&"a"));
    }
}
