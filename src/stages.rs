//! What `benches/stages.rs` times: the pure stages of a request's way, each by itself, on a signed push.
//! Compiled with the feature `stages` only.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use sha2::Sha256;

use crate::facts::{Facts, Origin};
use crate::hook::{Entry, Hook};
use crate::hooks_file::{HooksFiles, Reading};
use crate::invocation;
use crate::judge::{self, Nobody, judge};
use crate::payload::{self, Payload, Reading as BodyReading, Wanted};
use crate::reference::Reference;
use crate::request::{Peer, Request};
use crate::rule::{self, Conditions, Verdict};

/// 2025-01-01T00:00:00Z.
const NOW_MS: i64 = 1_735_689_600_000;

/// A hook and a request for it.
pub struct Stages {
    hook: Arc<Hook>,
    request: Request,
}

impl Stages {
    /// Of the hook `id` in `hooks_file`, and a push with the JSON `body`, signed with `secret` as GitHub does.
    ///
    /// # Panics
    ///
    /// When the file has no such hook that works.
    #[must_use]
    pub fn new(hooks_file: &str, id: &str, body: Vec<u8>, secret: &str) -> Self {
        let (table, problems) = HooksFiles::new(vec![PathBuf::from(hooks_file)], Reading::default()).load();
        let Some(Entry::Ready(hook)) = table.get(id) else { panic!("no hook `{id}`: {problems:?}") };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        mac.update(&body);
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        let signature = HeaderValue::try_from(signature).unwrap_or_else(|error| panic!("{error}"));
        headers.insert("x-hub-signature-256", signature);
        let request = Request {
            id: "stage".to_owned(),
            peer: Peer::Unix,
            method: Method::POST,
            path: format!("/hooks/{id}"),
            query: None,
            headers,
            body: Bytes::from(body),
        };
        Self { hook: hook.clone(), request }
    }

    /// Reads of the body what the hook refers to.
    pub fn payload(&self) {
        black_box(self.parsed());
    }

    /// Reads all of the body.
    pub fn whole_payload(&self) {
        let everything = Wanted::everything();
        let reading = BodyReading { wanted: &everything, ..judge::reading(&self.hook, &[]) };
        black_box(payload::parse(&self.request, reading).is_ok());
    }

    /// Finds `names` in the payload, which is read outside of `time`.
    pub fn lookup(&self, names: &[&str], time: impl FnOnce(&dyn Fn())) {
        let references: Vec<Reference> = names.iter().map(|name| Reference::new("payload", name)).collect();
        let facts = self.facts();
        time(&|| references.iter().for_each(|reference| drop(black_box(facts.text_of(reference)))));
    }

    /// Evaluates the hook's rule; the payload is read outside of `time`.
    pub fn rule(&self, time: impl FnOnce(&dyn Fn())) {
        let facts = self.facts();
        let conditions = Conditions { soft_signature_failures: false, now_unix_s: NOW_MS / 1_000 };
        time(&|| {
            let verdict =
                self.hook.rule.as_ref().map(|rule| rule::evaluate(rule, &facts, conditions, &mut |_, _| {}));
            assert!(!matches!(verdict, Some(Verdict::Failed(_))), "{verdict:?}");
        });
    }

    /// Checks who sent the request.
    pub fn verify(&self) {
        if let Some(verify) = &self.hook.verify {
            black_box(verify.verifier.decide(&self.request, NOW_MS));
        }
    }

    /// Builds what the command is started with; the payload is read outside of `time`.
    pub fn invocation(&self, time: impl FnOnce(&dyn Fn())) {
        let facts = self.facts();
        time(&|| drop(black_box(invocation::build(&self.hook, &facts))));
    }

    /// All of it, as the server does.
    pub fn judge(&self) {
        black_box(judge(&self.hook, &self.request, None, NOW_MS, &mut Nobody));
    }

    fn parsed(&self) -> Payload<'_> {
        payload::parse(&self.request, judge::reading(&self.hook, &[])).unwrap_or_default()
    }

    fn facts(&self) -> Facts<'_> {
        Facts::new(&self.request, self.parsed(), Origin::default())
    }
}
