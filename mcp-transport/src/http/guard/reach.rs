//! From where an IP address is reachable.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who can reach an address, from few to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::http) enum Reach {
    /// This machine.
    Loopback,
    /// A private network.
    Private,
    /// Nobody who should be reached: link-local, multicast and reserved addresses.
    Special,
    /// Everybody.
    Public,
}

impl Reach {
    /// Returns the reach of an address, including one that is embedded in another.
    pub(in crate::http) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [a, b, c, _] = address.octets();
        if address.is_loopback() {
            return Self::Loopback;
        }
        // The second is the range of carrier-grade NAT.
        if address.is_private() || (a == 100 && b & 0xC0 == 64) {
            return Self::Private;
        }
        let is_special = a == 0
            || a >= 224
            || address.is_link_local()
            || address.is_documentation()
            || (a == 192 && b == 0 && c == 0)
            || (a == 198 && b & 0xFE == 18);
        if is_special { Self::Special } else { Self::Public }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let segments = address.segments();
        let embedded = |high: u16, low: u16| {
            let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
            Self::of_v4(Ipv4Addr::new(a, b, c, d))
        };
        match segments {
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Loopback,
            // IPv4-compatible addresses, and those of NAT64.
            [0, 0, 0, 0, 0, 0, high, low] if high != 0 => embedded(high, low),
            [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => embedded(high, low),
            [0x2002, high, low, ..] => embedded(high, low),
            [first, ..] if first & 0xFE00 == 0xFC00 || first & 0xFFC0 == 0xFEC0 => Self::Private,
            // Teredo and documentation addresses, which are in the global range.
            [0x2001, 0 | 0xDB8, ..] => Self::Special,
            [first, ..] if first & 0xE000 == 0x2000 => Self::Public,
            _ => Self::Special,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reach;

    // spec: SBP-03
    #[test]
    fn s12_an_address_is_known_in_every_form_of_it() {
        use Reach::{Loopback, Private, Public, Special};
        for (addresses, reach) in [
            (&["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::7f00:1"][..], Loopback),
            (&["64:ff9b::7f00:1", "2002:7f00:1::"], Loopback),
            (&["10.0.0.1", "172.16.0.1", "172.31.9.9", "192.168.1.1", "100.64.0.1"], Private),
            (&["100.127.0.1", "fc00::1", "fdff::1", "fec0::1", "::ffff:10.0.0.1"], Private),
            (&["64:ff9b::a00:1", "2002:c0a8:101::1", "::c0a8:101"], Private),
            (&["169.254.169.254", "169.254.0.1", "fe80::1", "febf::1", "0.0.0.0", "::"], Special),
            (&["0.1.2.3", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"], Special),
            (&["192.0.0.8", "192.0.2.1", "198.18.0.1", "198.19.0.1", "198.51.100.1"], Special),
            (
                &[
                    "ff02::1",
                    "2001:db8::1",
                    "2001::1",
                    "64:ff9b:1::a00:1",
                    "::ffff:169.254.169.254",
                ],
                Special,
            ),
            (&["64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "100::1"], Special),
            (&["1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1"], Public),
            (&["198.17.0.1", "192.0.1.1", "2606:4700::1111", "64:ff9b::101:101"], Public),
        ] {
            for address in addresses {
                assert_eq!(Reach::of(address.parse().unwrap()), reach, "{address}");
            }
        }
    }
}
