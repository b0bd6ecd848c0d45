//! Addresses and networks, as people write them down.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// An address means itself. IPv4 written as IPv6 is IPv4, as the peer's address is.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().ok()?,
    };
    Some(match network {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            Some(v4) => IpNet::V4(Ipv4Net::new(v4, v6.prefix_len() - 96).ok()?),
            None => network,
        },
        _ => network,
    })
}

/// `address` is canonical: IPv4 mapped into IPv6 is IPv4. A network is taken the same way.
pub(crate) fn contain(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_taken_as_written() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(network(text).map(|network| network.to_string()).as_deref(), expected, "{text}");
        }
        check("127.0.0.1", Some("127.0.0.1/32"));
        check("10.0.0.0/8", Some("10.0.0.0/8"));
        check("::1", Some("::1/128"));
        check("::ffff:127.0.0.1/128", Some("127.0.0.1/32"));
        check("2001:db8::/32", Some("2001:db8::/32"));
        check("127.0.0.1/33", None);
        check("bogus", None);
        check("1.2.3", None);
    }
}
