//! The document in the file.

use super::super::{Key, Registration, Tokens};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All that is stored. Members added by later versions are preserved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Document {
    #[serde(default)]
    tokens: Vec<Entry>,
    /// By issuer.
    #[serde(default)]
    pub(super) registrations: BTreeMap<String, Registration>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(flatten)]
    tokens: Tokens,
}

impl Entry {
    fn is_of(&self, key: &Key) -> bool {
        self.server == key.server && self.client_id == key.client_id
    }
}

impl Document {
    pub(super) fn keys(&self) -> Vec<Key> {
        let entries = self.tokens.iter();
        entries.map(|entry| Key::new(&*entry.server, entry.client_id.as_deref())).collect()
    }

    pub(super) fn tokens(&self, key: &Key) -> Option<&Tokens> {
        self.tokens.iter().find(|entry| entry.is_of(key)).map(|entry| &entry.tokens)
    }

    /// Stores tokens; returns whether that changes anything.
    pub(super) fn set_tokens(&mut self, key: Key, tokens: Tokens) -> bool {
        if self.tokens(&key) == Some(&tokens) {
            return false;
        }
        self.tokens.retain(|entry| !entry.is_of(&key));
        let Key { server, client_id } = key;
        self.tokens.push(Entry { server, client_id, tokens });
        true
    }

    /// Removes tokens if they are still these; returns whether they were.
    pub(super) fn forget_tokens(&mut self, key: &Key, tokens: &Tokens) -> bool {
        let count = self.tokens.len();
        self.tokens.retain(|entry| !(entry.is_of(key) && entry.tokens == *tokens));
        self.tokens.len() != count
    }
}
