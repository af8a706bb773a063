//! Hosts in one canonical form.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most characters in a DNS name.
const MAX_NAME: usize = 253;

/// Normalizes a host; the error says what is wrong with it.
pub(super) fn normalize(host: &str) -> Result<String, &'static str> {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let address: Ipv6Addr =
            address.parse().map_err(|_| "its host is in brackets and no IPv6 address")?;
        return Ok(format!("[{address}]"));
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.is_empty() {
        return Err(super::NO_HOST);
    }
    if name.len() > MAX_NAME || !name.split('.').all(is_label) {
        return Err("its host is no name of DNS and no address");
    }
    // Browsers and resolvers take `0x7f.1` and `0177.0.0.1` for addresses, each in its own way.
    let last = name.rsplit('.').next().unwrap_or(name);
    if is_number(last) && host.parse::<Ipv4Addr>().is_err() {
        return Err("its host is an IPv4 address in an unusual form: write it like 127.0.0.1");
    }
    Ok(host.to_ascii_lowercase())
}

/// Returns whether a label of a name is valid; those of services on a local network may contain an underscore.
fn is_label(label: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty() && label.len() <= 63 && label.bytes().all(is_inside)
}

fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Returns whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => {
            let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}
