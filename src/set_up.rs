//! Keeps the secret that a sender brings in its handshake, once, where the hook's set-up file is.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::secret::Secret;

/// Writes `secret` to a new file that only this user can read. A file that is there already is an error:
/// the handshake comes from anybody, and must not replace a secret in use.
pub(crate) fn keep(file: &Path, secret: &Secret) -> io::Result<()> {
    let mut file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(secret.expose())
}
