//! Whom the headers of proxies name, and that nobody else can change it.

use hyper::header::HeaderValue;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn trusted() -> TrustedProxies {
    TrustedProxies::parse("10.0.0.0/8, 2001:db8:1::/48,unix").unwrap()
}

fn peer(text: &str) -> Peer {
    match text {
        "unix" => Peer::Unix,
        text => address(text).unwrap(),
    }
}

fn headers<'h>(lines: impl IntoIterator<Item = (&'static str, &'h [u8])>) -> HeaderMap {
    let header = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
    lines.into_iter().map(header).collect()
}

#[track_caller]
fn check(from: &str, lines: &[(&'static str, &str)], expected: &str) {
    let headers = headers(lines.iter().map(|(name, value)| (*name, value.as_bytes())));
    let client = trusted().client(peer(from), &headers);
    assert_eq!(client.to_string(), expected, "{from} {lines:?}");
    // A saved request names the client, and is judged once more.
    assert_eq!(trusted().client(client, &headers), client, "{from} {lines:?}");
}

const X: &str = "x-forwarded-for";
const F: &str = "forwarded";

#[test]
fn the_right_most_untrusted_address_is_the_client() {
    check("10.0.0.1:5", &[(X, "203.0.113.7")], "203.0.113.7");
    check("10.0.0.1:5", &[(X, "203.0.113.7:4711")], "203.0.113.7:4711");
    check("10.0.0.1:5", &[(X, "198.51.100.1, 203.0.113.7")], "203.0.113.7");
    check("10.0.0.1:5", &[(X, "198.51.100.1,203.0.113.7 ,\t10.0.0.2,10.1.2.3")], "203.0.113.7");
    check("10.0.0.1:5", &[(X, "2001:db8::7")], "2001:db8::7");
    check("10.0.0.1:5", &[(X, "[2001:db8::7]")], "2001:db8::7");
    check("10.0.0.1:5", &[(X, "[2001:db8::7]:4711")], "[2001:db8::7]:4711");
    check("10.0.0.1:5", &[(X, "::ffff:203.0.113.7")], "203.0.113.7");
    check("10.0.0.1:5", &[(X, "203.0.113.7, ::ffff:10.0.0.9")], "203.0.113.7");
    check("[2001:db8:1::1]:5", &[(X, "203.0.113.7, 2001:db8:1::2")], "203.0.113.7");
    check("unix", &[(X, "203.0.113.7")], "203.0.113.7");
    check("10.0.0.1:5", &[(X, "198.51.100.1"), (X, "203.0.113.7"), (X, "10.0.0.2")], "203.0.113.7");
    check("10.0.0.1:5", &[(X, "203.0.113.7,, ,")], "203.0.113.7");
    // All are trusted: the farthest.
    check("10.0.0.1:5", &[(X, "10.0.0.3, 10.0.0.2")], "10.0.0.3");
}

#[test]
fn without_trust_or_headers_it_is_the_peer() {
    check("203.0.113.9:5", &[(X, "198.51.100.1"), (F, "for=198.51.100.1")], "203.0.113.9:5");
    check("10.0.0.1:5", &[], "10.0.0.1:5");
    check("10.0.0.1:5", &[(X, ""), (F, " , ")], "10.0.0.1:5");
    check("unix", &[], "@");
    let nobody = TrustedProxies::default();
    assert_eq!(nobody.client(Peer::Unix, &headers([(X, &b"203.0.113.7"[..])])), Peer::Unix);
}

#[test]
fn behind_what_cannot_be_read_the_client_is_unknown() {
    for garbage in [
        "garbage",
        "unknown",
        "_hidden",
        "1.2.3",
        "203.0.113.7:",
        "203.0.113.7:99999",
        "\"203.0.113.7\"",
        "[203.0.113.7]",
        "fe80::1%eth0",
        "203.0.113.7 198.51.100.1",
    ] {
        check("10.0.0.1:5", &[(X, garbage)], "unknown");
        check("10.0.0.1:5", &[(X, &format!("203.0.113.7, {garbage}"))], "unknown");
        check("10.0.0.1:5", &[(X, &format!("203.0.113.7, {garbage}, 10.0.0.2"))], "unknown");
        check("10.0.0.1:5", &[(X, &format!("{garbage}, 203.0.113.7, 10.0.0.2"))], "203.0.113.7");
        check("unix", &[(X, garbage)], "unknown");
    }
    let through = |proxies| "203.0.113.7".to_owned() + &", 10.0.0.2".repeat(proxies);
    check("10.0.0.1:5", &[(X, &through(HOPS_MAX - 1))], "203.0.113.7");
    check("10.0.0.1:5", &[(X, &through(HOPS_MAX))], "unknown");
}

#[test]
fn forwarded_is_read_as_the_rfc_has_it() {
    check("10.0.0.1:5", &[(F, "for=203.0.113.7")], "203.0.113.7");
    check("10.0.0.1:5", &[(F, "For=203.0.113.7;proto=https;by=10.0.0.1")], "203.0.113.7");
    check("10.0.0.1:5", &[(F, "proto=https; for=203.0.113.7 ; by=10.0.0.1;")], "203.0.113.7");
    check("10.0.0.1:5", &[(F, "for=\"203.0.113.7:4711\"")], "203.0.113.7:4711");
    check("10.0.0.1:5", &[(F, "for=\"[2001:db8::1]:4711\"")], "[2001:db8::1]:4711");
    check("10.0.0.1:5", &[(F, "for=\"[2001:db8::1]\"")], "2001:db8::1");
    check("10.0.0.1:5", &[(F, "for=\"[2001:db8::1]:_gate\"")], "2001:db8::1");
    check("10.0.0.1:5", &[(F, "for=203.0.113.7:_gate")], "203.0.113.7");
    check("10.0.0.1:5", &[(F, r#"for="203\.0.113.7";host="a\"b;c""#)], "203.0.113.7");
    check("10.0.0.1:5", &[(F, "for=198.51.100.1, for=203.0.113.7, for=10.0.0.2")], "203.0.113.7");
    for garbage in [
        "for=unknown",
        "for=_hidden",
        "for=\"_hidden:80\"",
        "for=",
        "for",
        "by=203.0.113.7",
        "203.0.113.7",
        "for=203.0.113.7;for=203.0.113.7",
        "for=\"203.0.113.7",
        "for=203.0.113.7\"",
        "for=203.0.113.7 by=x",
        "for=203.0.113.7;x",
        "for=203.0.113.7;host=\"a",
    ] {
        check("10.0.0.1:5", &[(F, garbage)], "unknown");
        check("10.0.0.1:5", &[(F, &format!("for=203.0.113.7, {garbage}, for=10.0.0.2"))], "unknown");
    }
    // A quote that the client has left open ends at the comma.
    check("10.0.0.1:5", &[(F, "for=\"198.51.100.1, for=203.0.113.7")], "203.0.113.7");
    check("10.0.0.1:5", &[(F, "for=203.0.113.7;host=\"x, for=198.51.100.1\"")], "unknown");
}

#[test]
fn two_headers_must_agree() {
    check("10.0.0.1:5", &[(X, "203.0.113.7"), (F, "for=\"203.0.113.7:4711\"")], "203.0.113.7");
    check("10.0.0.1:5", &[(X, "203.0.113.7"), (F, "for=198.51.100.1, for=203.0.113.7")], "203.0.113.7");
    check("10.0.0.1:5", &[(X, "203.0.113.7"), (F, "for=198.51.100.1")], "unknown");
    check("10.0.0.1:5", &[(X, "203.0.113.7"), (F, "garbage")], "unknown");
    check("10.0.0.1:5", &[(X, "garbage"), (F, "garbage")], "unknown");
    check("10.0.0.1:5", &[(X, "203.0.113.7"), (F, "")], "203.0.113.7");
    assert_eq!(Peer::Unclear.ip(), None);
}

#[test]
fn a_list_of_proxies_is_read_or_refused() {
    assert_eq!(TrustedProxies::parse("").unwrap(), TrustedProxies::default());
    assert_eq!(TrustedProxies::parse(" , ").unwrap(), TrustedProxies::default());
    let read = TrustedProxies::parse("127.0.0.1,::1,unix,10.0.0.0/8").unwrap();
    assert_eq!((read.networks.len(), read.unix, read.trusts_everybody()), (3, true, false));
    assert!(TrustedProxies::parse("10.0.0.0/8,::/0").unwrap().trusts_everybody());
    for (list, says) in [("10.0.0.0/33", "`10.0.0.0/33`"), ("proxy", "`proxy`"), ("Unix", "`Unix`")] {
        let error = TrustedProxies::parse(list).unwrap_err();
        assert!(error.starts_with(says), "{error}");
    }
    assert!(TrustedProxies::parse(&"10.0.0.1,".repeat(NETWORKS_MAX)).is_ok());
    assert!(TrustedProxies::parse(&"10.0.0.1,".repeat(NETWORKS_MAX + 1)).is_err());
}

fn any_value() -> impl Strategy<Value = Vec<u8>> {
    let pieces = select(vec![
        "for=",
        "\"",
        "\\",
        ",",
        ";",
        " ",
        "10.0.0.1",
        "203.0.113.7",
        "[2001:db8::1]",
        ":",
        "4711",
        "unknown",
        "_x",
        "for=\"",
        "by=",
        "for=10.0.0.2, ",
        "\t",
        "é",
    ]);
    let written = prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat().into_bytes());
    let any = any::<Vec<u8>>();
    prop_oneof![3 => written, 1 => any]
        .prop_filter("no header value", |bytes| HeaderValue::from_bytes(bytes).is_ok())
}

fn any_headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    prop::collection::vec((select(vec![X, F]), any_value()), 0..4)
}

fn any_peer() -> impl Strategy<Value = Peer> {
    prop_oneof![
        any::<SocketAddr>().prop_map(Peer::Tcp),
        any::<IpAddr>().prop_map(|ip| Peer::Address(ip.to_canonical())),
        select(vec![Peer::Unix, Peer::Unclear, peer("10.0.0.1:5"), peer("10.0.0.1")]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn any_headers_name_a_client_and_the_same_again(peer in any_peer(), lines in any_headers()) {
        let headers = headers(lines.iter().map(|(name, value)| (*name, value.as_slice())));
        let client = trusted().client(peer, &headers);
        prop_assert_eq!(trusted().client(client, &headers), client);
        if !trusted().trusts(peer) {
            prop_assert_eq!(client, peer);
        }
    }

    /// A client at `203.0.113.7` sends what it likes, on lines of its own and on the line that the first proxy
    /// goes on with. The proxies add what they see.
    #[test]
    fn what_a_client_sends_changes_nothing(
        lines in prop::collection::vec(any_value(), 0..3),
        begun in any_value(),
        is_forwarded: bool,
        hops in 0usize..3,
    ) {
        let name = if is_forwarded { F } else { X };
        let seen = |address: &str| if is_forwarded { format!("for={address}") } else { address.to_owned() };
        let mut added = seen("203.0.113.7");
        for _ in 0..hops {
            added += &format!(", {}", seen("10.0.0.2"));
        }
        let own = [&begun[..], b", ", added.as_bytes()].concat();
        let lines = lines.iter().map(|line| (name, line.as_slice())).chain([(name, own.as_slice())]);
        prop_assert_eq!(trusted().client(peer("10.0.0.1:5"), &headers(lines)), peer("203.0.113.7"));
    }

    /// With the other header too it can at most make itself unknown.
    #[test]
    fn no_client_becomes_another(sent in any_headers(), is_forwarded: bool) {
        let (name, own) = if is_forwarded { (F, "for=203.0.113.7") } else { (X, "203.0.113.7") };
        let lines = sent.iter().map(|(name, value)| (*name, value.as_slice()));
        let client = trusted().client(peer("10.0.0.1:5"), &headers(lines.chain([(name, own.as_bytes())])));
        prop_assert!(client == Peer::Unclear || client.ip() == peer("203.0.113.7").ip(), "{}", client);
    }
}
