//! Who sent a request that came through proxies, as far as those that are trusted tell.
//!
//! Each proxy adds whom it got the request from at the right end of `X-Forwarded-For` or `Forwarded`. So the
//! list is read from there, and only for as long as it is a trusted proxy that speaks: what is further to
//! the left anybody may have written.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use hyper::HeaderMap;
use hyper::header::{FORWARDED, HeaderName};
use ipnet::IpNet;

use crate::network::{contain, network};
use crate::request::Peer;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The word that stands for peers on a Unix socket.
const UNIX: &str = "unix";
/// Networks that can be trusted; each is compared with each hop.
const NETWORKS_MAX: usize = 100;
/// Proxies in a row. Nobody has so many, and a list has as many entries as its sender likes.
const HOPS_MAX: usize = 32;

/// The proxies whose word on the client counts; by default none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TrustedProxies {
    networks: Vec<IpNet>,
    unix: bool,
}

impl TrustedProxies {
    /// Reads `10.0.0.0/8,192.0.2.7,unix`.
    pub(crate) fn parse(list: &str) -> Result<Self, String> {
        let mut trusted = Self::default();
        for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            match network(item) {
                _ if item == UNIX => trusted.unix = true,
                Some(network) => trusted.networks.push(network),
                None => {
                    return Err(format!(
                        "`{item}` is no address and no network: write `10.0.0.0/8`, `192.0.2.7` or `{UNIX}`"
                    ));
                }
            }
        }
        match trusted.networks.len() {
            0..=NETWORKS_MAX => Ok(trusted),
            more => Err(format!("{more} networks are more than {NETWORKS_MAX}")),
        }
    }

    /// Whether any client could say that it is any other.
    pub(crate) fn trusts_everybody(&self) -> bool {
        self.networks.iter().any(|network| network.prefix_len() == 0)
    }

    /// The right-most of those who passed the request on that is not trusted: `peer` itself, or one whom the
    /// headers name.
    pub(crate) fn client(&self, peer: Peer, headers: &HeaderMap) -> Peer {
        if !self.trusts(peer) {
            return peer;
        }
        let by_x_forwarded_for =
            self.walk(entries(headers, &X_FORWARDED_FOR), |entry| address(str::from_utf8(entry).ok()?));
        let by_forwarded = self.walk(entries(headers, &FORWARDED), node_for);
        match (by_x_forwarded_for, by_forwarded) {
            (None, None) => peer,
            (Some(client), None) | (None, Some(client)) => client,
            // Two that are unclear are equal too.
            (Some(client), Some(other)) if client.ip() == other.ip() => client,
            // A proxy writes one and lets the other through as the client sent it. Which it is, is not known here.
            (Some(_), Some(_)) => Peer::Unclear,
        }
    }

    fn trusts(&self, peer: Peer) -> bool {
        match peer {
            Peer::Unix => self.unix,
            Peer::Tcp(_) | Peer::Address(_) => peer.ip().is_some_and(|ip| contain(&self.networks, ip)),
            Peer::Unclear => false,
        }
    }

    /// Follows `entries` to the first that is not trusted. Where one cannot be read, or there are too many, nobody
    /// knows who the client is: it is not the proxy, which a rule may well let in. `None` when there are no entries.
    fn walk<'h>(
        &self,
        entries: impl Iterator<Item = &'h [u8]>,
        read: impl Fn(&'h [u8]) -> Option<Peer>,
    ) -> Option<Peer> {
        let mut last = None;
        for (hop, entry) in entries.enumerate() {
            match read(entry).filter(|_| hop < HOPS_MAX) {
                Some(before) if self.trusts(before) => last = Some(before),
                Some(client) => return Some(client),
                None => return Some(Peer::Unclear),
            }
        }
        last
    }
}

/// The entries of all headers of this name, which are one list, from the right. A comma ends one wherever it
/// stands, also between quotes: what a client has begun and not ended must not swallow what a proxy added.
fn entries<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    let values = headers.get_all(name).iter().rev();
    let entries = values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    entries.map(<[u8]>::trim_ascii).filter(|entry| !entry.is_empty())
}

/// `192.0.2.7`, `192.0.2.7:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<Peer> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(Peer::Address(ip.to_canonical()));
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(Peer::Tcp(SocketAddr::new(address.ip().to_canonical(), address.port())));
    }
    let ip = text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?;
    Some(Peer::Address(IpAddr::V6(ip).to_canonical()))
}

/// Whom an element of `Forwarded` (RFC 7239) was sent for. `unknown` and names that hide an address are none.
fn node_for(element: &[u8]) -> Option<Peer> {
    let mut rest = str::from_utf8(element).ok()?;
    let mut node = None;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after)?;
        if name.eq_ignore_ascii_case("for") && node.replace(value).is_some() {
            return None;
        }
        rest = match after.trim_start() {
            "" => "",
            after => after.strip_prefix(';')?.trim_start(),
        };
    }
    let node = node?;
    match node.rsplit_once(':') {
        // A port may be hidden behind a name.
        Some((ip, port)) if port.starts_with('_') => address(ip),
        _ => address(&node),
    }
}

/// The value at the beginning of `text`, bare or in quotes, and what follows it.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ' ', '\t']).unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return (!value.contains(['"', '\\'])).then_some((Cow::Borrowed(value), after));
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some((Cow::Owned(value), characters.as_str())),
            '\\' => value.push(characters.next()?),
            character => value.push(character),
        }
    }
}

#[cfg(test)]
mod tests;
