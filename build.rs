//! Has the linker put the functions that run at the start side by side, as `link-order.txt` lists them.
//! docs/performance.md says why. Where the linker cannot, the program is linked as it comes.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script is told its settings by the environment, and asks rustc"
)]

use std::process::Command;
use std::{env, fs, io};

const LIST: &str = "link-order.txt";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={LIST}");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    if setting("CARGO_CFG_TARGET_OS") != "linux" || setting("PROFILE") != "release" {
        return Ok(());
    }
    let script = format!("{}/link-order.ld", setting("OUT_DIR"));
    fs::write(&script, linker_script(&fs::read_to_string(LIST)?))?;
    let argument = format!("-T{script}");
    if linker_takes(&argument)? {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    Ok(())
}

fn setting(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// The functions of the list, and what calls `main`, before all others. What is seldom called is in sections named
/// `.text.unlikely.`, and so small that all of it may be next to them.
fn linker_script(list: &str) -> String {
    let functions = list.lines().filter(|line| !line.starts_with('#'));
    let sections: String =
        functions.map(|function| format!("*(.text.{function} .text.unlikely.{function})\n")).collect();
    let first = "*crt1.o(.text)\n*crtbegin*.o(.text)";
    let rest = "*(.text.unlikely.*)";
    format!("SECTIONS {{ .text.start : {{\n{first}\n{sections}{rest}\n}} }} INSERT BEFORE .text;\n")
}

/// Whether a program that does nothing is linked with the argument: mold and gold, for two, know no such script.
fn linker_takes(argument: &str) -> io::Result<bool> {
    let program = format!("{}/link-order", setting("OUT_DIR"));
    let source = format!("{program}.rs");
    fs::write(&source, "fn main() {}")?;
    let mut rustc = Command::new(setting("RUSTC"));
    rustc.args(setting("CARGO_ENCODED_RUSTFLAGS").split('\x1f').filter(|flag| !flag.is_empty()));
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    rustc.args(["--target", &setting("TARGET"), "-o", &program, &format!("-Clink-arg={argument}"), &source]);
    Ok(rustc.output()?.status.success())
}
