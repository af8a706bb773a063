//! The open brackets: one bit for each object or array around a value.

/// The open containers, of any depth. The first 63 need no allocation.
pub(super) struct Nesting {
    /// The innermost containers, the last one in the lowest bit; set for an object. Above them is one bit that is
    /// always set.
    bits: u64,
    outer: Vec<u64>,
}

/// No containers.
const NONE: u64 = 1;

/// Fewer than 63 containers that are known to be open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open(u64);

impl Open {
    pub(crate) const NOTHING: Self = Self(NONE);

    pub(crate) const fn object(self) -> Self {
        Self(self.0 << 1 | 1)
    }

    pub(crate) const fn array(self) -> Self {
        Self(self.0 << 1)
    }
}

impl Nesting {
    #[inline]
    pub(super) fn within(open: Open) -> Self {
        Self { bits: open.0, outer: Vec::new() }
    }

    #[inline]
    pub(super) fn open(&mut self, is_object: bool) {
        if self.bits.leading_zeros() == 0 {
            self.outer.push(self.bits);
            self.bits = NONE;
        }
        self.bits = self.bits << 1 | u64::from(is_object);
    }

    /// Closes the innermost container.
    #[inline]
    pub(super) fn close(&mut self) {
        self.bits >>= 1;
        if self.bits == NONE
            && let Some(bits) = self.outer.pop()
        {
            self.bits = bits;
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.bits == NONE
    }

    /// Returns whether the innermost container is an object.
    #[inline]
    pub(super) fn is_in_object(&self) -> bool {
        self.bits & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_opened_last_is_closed_first_at_any_depth() {
        let is_object = |index: usize| index.is_multiple_of(3) || index % 64 == 1;
        let mut nesting = Nesting::within(Open::NOTHING);
        for index in 0..300 {
            nesting.open(is_object(index));
        }
        for index in (0..300).rev() {
            assert!(!nesting.is_empty());
            assert_eq!(nesting.is_in_object(), is_object(index), "{index}");
            nesting.close();
        }
        assert!(nesting.is_empty());
        nesting = Nesting::within(Open::NOTHING.object().array());
        assert!(!nesting.is_in_object());
        nesting.close();
        assert!(nesting.is_in_object());
        nesting.close();
        assert!(nesting.is_empty());
    }
}
