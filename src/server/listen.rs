//! Where connections come from: TCP, a Unix socket, or a socket that systemd opened.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net as unix;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};

use crate::request::Peer;

/// Connections that wait for a free place; the kernel takes at most `net.core.somaxconn`.
const BACKLOG: u32 = 1024;

/// Where to listen.
#[derive(Debug)]
pub(crate) enum Endpoint {
    Tcp(std::net::SocketAddr),
    /// A path, or `@name` for an abstract name.
    Unix(String),
    ActivatedTcp(std::net::TcpListener),
    ActivatedUnix(unix::UnixListener),
}

#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix { listener: UnixListener, name: String, _file: Option<SocketFile> },
}

/// The file of a Unix socket, removed when the listener goes.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // It may be gone already; nothing is lost by that.
        let _ = std::fs::remove_file(&self.0);
    }
}

pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    #[error("failed to listen on {address}: {}", explain(.source))]
    Tcp { address: std::net::SocketAddr, source: io::Error },
    #[error("failed to listen on the socket {name}: {}", explain_unix(.name, .source))]
    Unix { name: String, source: io::Error },
    #[error("failed to use the socket that was passed at the start: {0}")]
    Activated(io::Error),
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the address is in use; stop the other program or choose another port".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

fn explain_unix(name: &str, error: &io::Error) -> String {
    let is_no_socket = |metadata: std::fs::Metadata| !metadata.file_type().is_socket();
    match error.kind() {
        io::ErrorKind::AddrInUse if std::fs::symlink_metadata(name).is_ok_and(is_no_socket) => {
            "something that is no socket has this name; remove it or choose another path".to_owned()
        }
        io::ErrorKind::AddrInUse => {
            "another program listens there; stop it or choose another path".to_owned()
        }
        _ => explain(error),
    }
}

impl Listener {
    pub(crate) fn bind(endpoint: Endpoint) -> Result<Self, BindError> {
        match endpoint {
            Endpoint::Tcp(address) => {
                bind_tcp(address).map(Self::Tcp).map_err(|source| BindError::Tcp { address, source })
            }
            Endpoint::Unix(name) => bind_unix(&name).map_err(|source| BindError::Unix { name, source }),
            Endpoint::ActivatedTcp(listener) => listener
                .set_nonblocking(true)
                .and_then(|()| TcpListener::from_std(listener))
                .map(Self::Tcp)
                .map_err(BindError::Activated),
            Endpoint::ActivatedUnix(listener) => listener
                .set_nonblocking(true)
                .and_then(|()| UnixListener::from_std(listener))
                .map(|listener| Self::Unix { name: name_of(&listener), listener, _file: None })
                .map_err(BindError::Activated),
        }
    }

    /// `127.0.0.1:9000`, or the name of the Unix socket.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Tcp(listener) => {
                listener.local_addr().map(|address| address.to_string()).unwrap_or_default()
            }
            Self::Unix { name, .. } => name.clone(),
        }
    }

    pub(crate) fn is_unix(&self) -> bool {
        matches!(self, Self::Unix { .. })
    }

    pub(crate) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are small and written at once: waiting for more to send only delays them.
                let _ = stream.set_nodelay(true);
                // On a socket for both, an IPv4 peer is an IPv4 address.
                let peer = std::net::SocketAddr::new(peer.ip().to_canonical(), peer.port());
                Ok((Stream::Tcp(stream), Peer::Tcp(peer)))
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), Peer::Unix))
            }
        }
    }
}

/// The path of a socket that somebody else opened, or its abstract name.
fn name_of(listener: &UnixListener) -> String {
    let Ok(address) = listener.local_addr() else { return String::new() };
    match (address.as_pathname(), address.as_abstract_name()) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(name)) => format!("@{}", String::from_utf8_lossy(name)),
        (None, None) => "(unnamed)".to_owned(),
    }
}

fn bind_tcp(address: std::net::SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for old connections in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn bind_unix(name: &str) -> io::Result<Listener> {
    if let Some(abstract_name) = name.strip_prefix('@') {
        let address = unix::SocketAddr::from_abstract_name(abstract_name)?;
        let listener = unix::UnixListener::bind_addr(&address)?;
        listener.set_nonblocking(true)?;
        return Ok(Listener::Unix {
            listener: UnixListener::from_std(listener)?,
            name: name.to_owned(),
            _file: None,
        });
    }
    let path = Path::new(name);
    remove_stale(path)?;
    let listener = UnixListener::bind(path)?;
    let file = SocketFile(std::path::absolute(path)?);
    Ok(Listener::Unix { listener, name: name.to_owned(), _file: Some(file) })
}

/// Removes the file of a server that did not end properly: a socket that nobody listens on.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    let is_dead = matches!(
        unix::UnixStream::connect(path),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused
    );
    if metadata.file_type().is_socket() && is_dead {
        std::fs::remove_file(path)?;
    }
    Ok(())
}
