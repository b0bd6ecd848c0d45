use proptest::prelude::*;

use super::*;
use crate::json_text;

const TYPE: &str = "multipart/form-data; boundary=b";
const BROKEN: &str = "not a form of the boundary that the content type names";
const EARLY: &str = "the form ends early";
const HEAD: &str = "a part has a broken header";

fn shown(content_type: &str, form: &str) -> Result<String, String> {
    let reading = Reading {
        content_type: None,
        wanted: &crate::payload::Wanted::everything(),
        json_parts: &["asked"],
        uploads: &[],
    };
    let payload =
        parse(content_type.as_bytes(), form.as_bytes(), reading).map_err(|error| error.to_string())?;
    let Some(fields) = payload.fields else { return Ok(String::new()) };
    let mut text = Vec::new();
    json_text::write_object(&fields, &mut text);
    Ok(String::from_utf8(text).unwrap().replace('"', "'"))
}

#[track_caller]
fn check(form: &str, expected: Result<&str, &str>) {
    let outcome = shown(TYPE, form);
    assert_eq!(outcome.as_deref().map_err(String::as_str), expected, "{form:?}");
}

/// A form of one part with these headers and this content.
#[track_caller]
fn check_part(head: &str, content: &str, expected: Result<&str, &str>) {
    check(&format!("--b\r\n{head}\r\n\r\n{content}\r\n--b--\r\n"), expected);
}

#[test]
fn fields_are_told_by_their_disposition() {
    let field = |parameters: &str, expected: &str| {
        check_part(&format!("Content-Disposition: form-data{parameters}"), "1", Ok(expected));
    };
    field("; name=\"a\"", "{'a':'1'}");
    field(";name=a", "{'a':'1'}");
    field(" ; NAME = \"a\" ; ", "{'a':'1'}");
    field("; name=\"a\\\"b\\\\c\\d\"", "{'a\\'b\\\\c\\\\d':'1'}");
    field("; name=\"é\"", "{'é':'1'}");
    field("; name=\"a%22\"", "{'a%22':'1'}");
    field("; name*=UTF-8'en'%61%C3%A9", "{'aé':'1'}");
    field("; name*=latin1''%61", "");
    field("; name*0=\"a\"; name*1*=%62; name*2=c", "{'abc':'1'}");
    field("; name=a; name=a", "{'a':'1'}");
    for none in ["", "; name=\"\"", "; name=a; name=b", "; name=\"a", "; name", "; name=", "; name=a x"] {
        field(none, "");
    }
    check_part("content-disposition: FORM-DATA; name=a", "1", Ok("{'a':'1'}"));
    check_part("Content-Disposition: form-data;\r\n\tname=a", "1", Ok("{'a':'1'}"));
    check_part("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b", "1", {
        Ok("{'a':'1'}")
    });
    check_part("Content-Disposition: attachment; name=a", "1", Ok(""));
    check_part("X-A: b", "1", Ok(""));
    check_part("Bad Name: x\r\nContent-Disposition: form-data; name=a", "1", Ok("{'a':'1'}"));
    check_part("Content-Disposition : form-data; name=a", "1", Ok(""));
    check_part("garbage", "1", Err(HEAD));
    check_part(" a: b", "1", Err(HEAD));
    check_part("é: b", "1", Err(HEAD));
    check_part(&format!("a: {}", "x".repeat(parts::HEAD_BYTES_MAX)), "1", {
        Err("the headers of a part take more than 64 KiB")
    });
}

#[test]
fn files_count_as_json_only() {
    let file = |name: &str, kind: &str, content: &str, expected: &str| {
        let head = format!("Content-Disposition: form-data; name={name}; filename=f\r\nContent-Type: {kind}");
        check_part(&head, content, Ok(expected));
    };
    file("f", "application/json", "{\"a\":1.50} rest", "{'f':{'a':1.50}}");
    file("f", "application/json", "[1]", "{'f':null}");
    file("f", "application/json", "{", "{'f':null}");
    file("f", "application/json; charset=utf-8", "{}", "");
    file("f", "text/plain", "{}", "");
    file("asked", "text/plain", "{}", "{'asked':{}}");
    let part = |parameters: &str, kind: &str, content: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=f{parameters}\r\nContent-Type: {kind}\r\n\r\n{content}\r\n"
        )
    };
    let text = part("; filename=x", "text/plain", "{\"a\":1}");
    let json = part("; filename*=utf-8''y", "application/json", "{\"a\":2}");
    let field = part("", "text/plain", "v");
    check(&format!("{text}{json}--b--"), Ok(""));
    check(&format!("{json}{text}--b--"), Ok("{'f':{'a':2}}"));
    check(&format!("{field}{json}--b--"), Ok("{'f':{'a':2}}"));
    check(&format!("{json}{field}--b--"), Ok("{'f':{'a':2}}"));
}

#[test]
fn parts_stand_between_delimiters() {
    let part = |name: &str, content: &str| {
        format!("--b\r\nContent-Disposition: form-data; name={name}\r\n\r\n{content}\r\n")
    };
    let (a, b) = (part("a", "1"), part("b", "2"));
    check(&format!("{a}{b}--b--\r\n"), Ok("{'a':'1','b':'2'}"));
    check(&format!("{a}{}--b--", part("a", "2")), Ok("{'a':'1'}"));
    check(&format!("preamble\r\n\r\n{a}--b--\r\nepilogue"), Ok("{'a':'1'}"));
    check(&format!("--b\r\n\r\nx\r\n{b}--b-- \t\r\n"), Ok("{'b':'2'}"));
    check(&a.replace("--b", "--b \t"), Err(EARLY));
    check(&format!("{}--b--", part("a", "\r\n1\r\n--bc\r\n--b-c\r\n--\r\n")), {
        Ok("{'a':'\\r\\n1\\r\\n--bc\\r\\n--b-c\\r\\n--\\r\\n'}")
    });
    check("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--\r\n", Ok("{'a':''}"));
    check(&format!("{a}--b--").replace("\r\n", "\n"), Ok("{'a':'1'}"));
    check(&format!("{a}--b\r\n"), Ok("{'a':'1'}"));
    check(&format!("{a}--b\r\nContent-Disposition: form-data; name=x\r\n"), Ok("{'a':'1'}"));
    check(&format!("{a}--b"), Err(EARLY));
    check(&a, Err(EARLY));
    check(&format!("{a}x--b--"), Err(EARLY));
    check(&format!("{a}--b x\r\n--b--"), Err(BROKEN));
    check("--b--", Ok(""));
    check("--b\r\n", Ok(""));
    for early in ["", "garbage", "garbage\r\n", "--c--"] {
        check(early, Err(EARLY));
    }
    let many = "--b\r\n\r\n\r\n".repeat(PARTS_MAX + 1) + "--b--";
    assert_eq!(shown(TYPE, &many).unwrap_err(), "more than 10000 parts");
}

#[test]
fn the_content_type_names_the_boundary() {
    let form = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\n";
    for good in [
        "multipart/form-data; boundary=b",
        "Multipart/Form-Data;\tboundary = \"b\";",
        "multipart/form-data; charset=utf-8; boundary=b; boundary=b",
        "multipart/form-data; boundary*=utf-8''%62",
    ] {
        assert_eq!(shown(good, form).as_deref(), Ok("{'a':'1'}"), "{good}");
    }
    for bad in [
        "multipart/form-data;",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=b; boundary=c",
        "multipart/form-data; boundary=\"b",
        "multipart/form-data; boundary=b, x",
        "multipart/form-data/x; boundary=b",
        "multipart/mixed; boundary=b",
        "; boundary=b",
    ] {
        assert_eq!(shown(bad, form).unwrap_err(), "the content type names no boundary", "{bad}");
    }
}

proptest! {
    #[test]
    fn no_near_form_panics(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
        let form = pieces.concat();
        let _ = shown(TYPE, &form);
        let _ = shown(&form, "--b--");
    }
}

const PIECES: &[&str] = &[
    "--b",
    "\r\n",
    "\n",
    "--",
    " ",
    "\t",
    "Content-Disposition: form-data",
    ";",
    "name=",
    "name*0=",
    "name*=",
    "\"",
    "a",
    "utf-8''",
    "%61",
    "%",
    "\\",
    ":",
    "=",
    "multipart/form-data",
    "filename=f",
    "Content-Type: application/json",
    "{}",
];
