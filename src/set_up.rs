//! Keeps the secret that a sender brings in its handshake, once, where the hook's set-up file is.

use std::io::{self, Write};
use std::path::Path;

use crate::secret::Secret;

/// Writes `secret` to a new file that only this user can read, whole or not at all. A file that is there
/// already is an error: the handshake comes from anybody, and must not replace a secret in use.
pub(crate) fn keep(file: &Path, secret: &Secret) -> io::Result<()> {
    let file = std::path::absolute(file)?;
    let directory = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut written = tempfile::NamedTempFile::new_in(directory)?;
    written.write_all(secret.expose())?;
    written.persist_noclobber(&file)?;
    Ok(())
}
