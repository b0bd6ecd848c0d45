//! The one type that holds a secret. It has no `Display`, and its `Debug` shows nothing.

use std::fmt;

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Box<[u8]>);

impl Secret {
    /// `None` when `bytes` is empty: an empty secret protects nothing.
    pub(crate) fn new(bytes: impl Into<Box<[u8]>>) -> Option<Self> {
        let bytes = bytes.into();
        (!bytes.is_empty()).then_some(Self(bytes))
    }

    /// As a file or a variable holds it: editors and `echo` end it with a newline that no sender knows of.
    pub(crate) fn from_text(mut bytes: Vec<u8>) -> Option<Self> {
        if bytes.ends_with(b"\n") {
            bytes.pop();
            if bytes.ends_with(b"\r") {
                bytes.pop();
            }
        }
        Self::new(bytes)
    }

    /// The bytes, for a key. They must not reach a log or an error.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new(*b"hunter2").unwrap();
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "*** Some(***)");
        assert_eq!(Secret::new(*b""), None);
    }
}
