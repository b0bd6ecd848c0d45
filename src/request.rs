//! One request as it came from the wire, before anything interprets it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use hyper::{HeaderMap, Method};

#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Names this request in every log line.
    pub(crate) id: String,
    pub(crate) peer: Peer,
    pub(crate) method: Method,
    /// As sent, still percent-encoded, without the query.
    pub(crate) path: String,
    /// What follows the `?`, still percent-encoded.
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    /// As received: signatures are computed over these bytes and no others.
    pub(crate) body: Bytes,
}

/// Who sends: the other end of the connection, or whom trusted proxies name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Tcp(SocketAddr),
    /// As a proxy says it, without a port.
    Address(IpAddr),
    Unix,
    /// Somebody behind a proxy whose headers contradict each other, or do not say who it is.
    Unclear,
}

impl Peer {
    /// The address without its port.
    pub(crate) fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Address(ip) => Some(ip),
            Self::Unix | Self::Unclear => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Address(ip) => ip.fmt(f),
            Self::Unix => f.write_str("@"),
            Self::Unclear => f.write_str("unknown"),
        }
    }
}
