//! JSON-RPC batches, with which servers of revision 2025-03-26 may answer.

use bytes::Bytes;
use mcp_types::RawJson;

/// Returns the members of a batch, which share its bytes; none if `bytes` is not a batch, or if the batch is empty or
/// has more than `most` members.
pub(super) fn members(bytes: &Bytes, most: usize) -> Option<Vec<Bytes>> {
    if bytes.trim_ascii_start().first() != Some(&b'[') {
        return None;
    }
    let batch = RawJson::parse(bytes.clone()).ok()?;
    let members: Vec<_> = batch.elements().take(most.saturating_add(1)).collect();
    if members.is_empty() || members.len() > most {
        return None;
    }
    Some(members.into_iter().map(|member| bytes.slice_ref(member.as_bytes())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: OLD-01
    #[test]
    fn a_batch_is_an_array_of_some_messages() {
        let read = |text: &str| members(&Bytes::copy_from_slice(text.as_bytes()), 10);
        assert_eq!(read(" [ {\"a\":1} , 2 ]").unwrap(), ["{\"a\":1}", "2"]);
        for other in ["{}", "[]", "[1", "[1] 2", "", "  ", "[1,]"] {
            assert_eq!(read(other), None, "{other}");
        }
        let of = |count| format!("[{}]", vec!["1"; count].join(","));
        assert_eq!(read(&of(10)).unwrap().len(), 10);
        assert_eq!(read(&of(11)), None);
    }
}
