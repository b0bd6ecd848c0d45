//! Parts of multipart bodies as files and stdin.

use crate::support::{Request, Setup, WITH_OUTPUT};

/// Fields `text` and `file`, the latter twice, and its bytes are no text.
fn form() -> Request {
    let mut body = Vec::new();
    for (head, content) in [
        ("name=\"text\"", &b"a text"[..]),
        ("name=\"file\"; filename=\"../../etc/x\"\r\nContent-Type: application/gzip", b"\x1f\x8b\0\r\n-\xff"),
        ("name=\"file\"; filename=\"second\"", b"second"),
        ("name=\"json\"; filename=\"j\"\r\nContent-Type: application/json", b"{\"a\":  1}"),
    ] {
        body.extend_from_slice(format!("--xx\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--xx--\r\n");
    Request::post("/hooks/take").header("Content-Type", "multipart/form-data; boundary=xx").body(body)
}

#[test]
fn a_part_of_any_type_becomes_a_file_or_stdin() {
    let keys = format!(
        "{WITH_OUTPUT}
pass-stdin-to-command: {{source: upload, name: file}}
pass-file-to-command:
  - {{source: upload, name: file, envname: FILE}}
  - {{source: upload, name: text}}
  - {{source: upload, name: json, envname: JSON}}
  - {{source: upload, name: gone, envname: GONE, default: stands for it}}
  - {{source: upload, name: gone, envname: NOT_SET}}"
    );
    let script =
        "od -An -tx1 <\"$FILE\"; od -An -tx1; cat $HOOK_TEXT $JSON $GONE; echo \" $0 ${NOT_SET-unset}\"
        case $FILE in */etc/*) echo bad;; esac";
    let server =
        Setup::new().shell("take", script, &keys).hooks("  - {source: payload, name: json.a}\n").start();
    let bytes = " 1f 8b 00 0d 0a 2d ff\n";
    server.send(&form()).assert(200, &format!("{bytes}{bytes}a text{{\"a\":  1}}stands for it 1 unset\n"));
}

#[test]
fn a_required_upload_is_answered_400_when_it_is_missing() {
    let server = Setup::new()
        .hooks(
            "- id: take
  execute-command: 'true'
  response-message: taken
  pass-file-to-command: [{source: upload, name: file, required: true}]
",
        )
        .start();
    server.send(&form()).assert(200, "taken");
    server
        .send(&Request::json("/hooks/take", r#"{"file": "x"}"#))
        .assert(400, "The request lacks a required value.");
}
