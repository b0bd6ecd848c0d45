//! Senders that no record can describe, for whoever looks for them here.

/// Name and reason; the reason fits after "cannot be verified: ".
pub(crate) const UNFIT: &[(&str, &str)] = &[
    ("adyen", "its signature is inside the JSON, over single fields in an order of its own"),
    ("aws-sns", "its key is a certificate that must be fetched for each message"),
    ("dingtalk-events", "its event callbacks are encrypted; `dingtalk` is for robots"),
    ("lark-encrypted", "with an encrypt key the body itself is encrypted; `lark` is without one"),
    ("microsoft-graph", "it proves itself by a token per subscription and encrypted bodies"),
    ("paypal-fetched", "the certificate must be fetched; `paypal` is with a pinned one"),
    ("wecom-events", "its event callbacks are encrypted; `wecom` answers the check of the URL only"),
    ("jwks", "senders whose keys are published as a JWKS: they must be fetched and change"),
];

/// Why a sender of this name, or nearly so, is not in the table.
pub(crate) fn unfit(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let asked = |known: &str| known == name || known.split('-').any(|word| word == name && word != "events");
    UNFIT.iter().find(|(known, _)| asked(known)).map(|(_, reason)| *reason)
}
