//! When a match of each type holds.

use std::net::IpAddr;

use super::*;

const SHA1: &str = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
const SHA256: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
const SHA512: &str = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                      9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";

/// How `leaf` ends for a request with these headers.
#[track_caller]
fn check_match(leaf: Leaf, headers: &[(&str, &str)], expected: &str) {
    let request = request(headers);
    let (_, reached) = judged(&L(leaf.clone()), &facts(&request), false);
    let ends = reached.iter().all(|line| line.ends_with(&format!(": {expected}")));
    assert!(reached.len() == 1 && ends, "{leaf:?} with {headers:?}: {reached:?} instead of {expected}");
}

#[test]
fn values_and_regexes_are_compared_with_the_text_of_the_parameter() {
    let value = |source, name: &str, value: &str| Leaf::Value {
        source,
        name: name.to_owned(),
        value: value.to_owned(),
    };
    for (source, name, equal) in [
        ("payload", "ref", "refs/heads/main"),
        ("payload", "gone", "<nil>"),
        ("payload", "count", "1.10"),
        ("payload", "list.1", r#"{"b":1}"#),
        ("header", "X-EVENT", "push"),
        ("query", "token", "a+b"),
        ("url", "twice", "1"),
        ("string", "as it is", "as it is"),
        ("request", "Method", "POST"),
        ("request", "remote-addr", "192.0.2.7:51234"),
        ("raw-request-body", "", BODY),
    ] {
        let headers = [("x-event", "push"), ("X-Event", "second")];
        check_match(value(source, name, equal), &headers, "holds");
        check_match(value(source, name, &format!("{equal} ")), &headers, "not equal");
        check_match(value(source, name, ""), &headers, "not equal");
    }
    let regex = |regex| Leaf::Regex { source: "payload", name: "ref".to_owned(), regex };
    for (pattern, expected) in [
        ("heads", "holds"),
        ("^refs/heads/(main|next)$", "holds"),
        ("(?i)MAIN", "holds"),
        ("^heads", "no match"),
        ("", "holds"),
    ] {
        check_match(regex(pattern), &[], expected);
    }
}

#[test]
fn signatures_are_lower_case_hex_with_or_without_their_prefix() {
    use HmacAlgorithm::{Sha1, Sha256, Sha512};
    let wrong = "the signature does not match";
    let upper = SHA256.to_ascii_uppercase();
    let with = |prefix: &str, signature: &str| format!("{prefix}={signature}");
    let rows = [
        (Sha1, SHA1.to_owned(), "holds"),
        (Sha1, with("sha1", SHA1), "holds"),
        (Sha256, with("sha256", SHA256), "holds"),
        (Sha512, with("sha512", SHA512), "holds"),
        (Sha512, SHA512.to_owned(), "holds"),
        (Sha256, with("sha1", SHA256), wrong),
        (Sha256, with("sha256", &upper), wrong),
        (Sha256, with("sha256=sha256", SHA256), wrong),
        (Sha256, SHA1.to_owned(), wrong),
        (Sha256, String::new(), wrong),
        (Sha256, "sha256=".to_owned(), wrong),
        (Sha256, SHA256.replacen('5', "6", 1), wrong),
        // In a list only what has the prefix counts.
        (Sha256, format!("sha1={SHA1},sha256={SHA256}"), "holds"),
        (Sha256, format!("sha256=00,sha256={SHA256}"), "holds"),
        (Sha256, format!("sha256={SHA256},"), "holds"),
        (Sha256, format!("{SHA256},{SHA256}"), wrong),
        (Sha256, format!("sha256=00, sha256={SHA256}"), wrong),
    ];
    for (algorithm, signature, expected) in rows {
        for keys in [vec![KEY], vec!["former", KEY], vec![KEY, "former"]] {
            let leaf = Leaf::Hmac { name: "x-signature", algorithm, keys };
            check_match(leaf, &[("x-signature", &signature)], expected);
        }
    }
    let leaf = |keys| Leaf::Hmac { name: "x-signature", algorithm: Sha256, keys };
    check_match(leaf(vec!["jefe"]), &[("x-signature", SHA256)], wrong);
    check_match(leaf(vec![KEY]), &[], "parameter node not found");
}

#[test]
fn an_address_list_holds_the_peer_by_address_and_network() {
    #[track_caller]
    fn check(networks: &[&'static str], address: &str, expected: MatchResult) {
        let leaf = Leaf::IpWhitelist { networks: networks.to_vec() };
        let peer = address.parse::<IpAddr>().map_or(Peer::Unix, |ip| Peer::Tcp((ip, 51234).into()));
        let request = Request { peer, ..request(&[]) };
        let result = evaluate_match(&leaf.to_match(), &facts(&request), NOW_UNIX_S);
        assert_eq!(result, expected, "{address} in {networks:?}");
    }
    let absent = || MatchResult::Fails("not in the list");
    check(&["192.0.2.7/32"], "192.0.2.7", MatchResult::Holds);
    check(&["10.0.0.0/8", "192.0.2.4/30"], "192.0.2.7", MatchResult::Holds);
    check(&["0.0.0.0/0"], "192.0.2.7", MatchResult::Holds);
    check(&["2001:db8::/32"], "2001:db8::1", MatchResult::Holds);
    check(&["::/0"], "192.0.2.7", absent());
    check(&["0.0.0.0/0"], "2001:db8::1", absent());
    check(&["192.0.2.8/29"], "192.0.2.7", absent());
    check(&["2001:db8::1/128"], "2001:db8::2", absent());
    check(&[], "192.0.2.7", absent());
    let nowhere = "a peer on a Unix socket has no address for `ip-whitelist`".to_owned();
    check(&["0.0.0.0/0", "::/0"], "a Unix socket", MatchResult::Fault(Fault::Other(nowhere)));
}

#[test]
fn a_scalr_signature_covers_the_date_which_is_near_the_present() {
    let signature = "fc75d1489a7436c2ad7a1ce315500f28d5cc2191";
    let date = ("date", "Fri 08 Sep 2017 11:24:32 UTC");
    let leaf = || Leaf::Scalr { keys: vec![KEY] };
    check_match(leaf(), &[date, ("x-signature", signature)], "holds");
    check_match(leaf(), &[date, ("x-signature", SHA1)], "the signature does not match");
    check_match(leaf(), &[("x-signature", signature)], "no header Date");
    check_match(leaf(), &[date], "no header X-Signature");
    let undated = "af3e03c319a5562b332047e4745c5954fa50f4ab";
    check_match(
        leaf(),
        &[("date", "yesterday"), ("x-signature", undated)],
        "the header `Date` is not of the form `Mon 02 Jan 2006 15:04:05 MST`",
    );

    #[track_caller]
    fn check_clock(signature: &str, date: (&str, &str), away_s: i64, expected: Verdict) {
        let request = request(&[date, ("x-signature", signature)]);
        let conditions = Conditions { now_unix_s: NOW_UNIX_S + away_s, ..conditions(false) };
        let rule = L(Leaf::Scalr { keys: vec![KEY] }).to_rule();
        let verdict = evaluate(&rule, &facts(&request), conditions, &mut |_, _| {});
        assert_eq!(verdict, expected, "{away_s} s");
    }
    for away_s in [-300, 0, 300] {
        check_clock(signature, date, away_s, Verdict::Fired);
    }
    for away_s in [-301, 301] {
        check_clock(signature, date, away_s, Verdict::Failed(Fault::Outdated { away_s: 301 }));
    }
}
