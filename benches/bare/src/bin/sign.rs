//! Prints the signature of a file, as GitHub's `X-Hub-Signature-256` has it.

use bare::{Failure, signature};

fn main() -> Result<(), Failure> {
    let path = std::env::args().nth(1).ok_or("usage: sign FILE")?;
    println!("sha256={}", signature(&std::fs::read(path)?)?);
    Ok(())
}
