//! The closed vocabularies of a sender's record. Each word is written one way only.

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            pub(crate) fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }

            /// Every word, for the error about a wrong one.
            #[allow(dead_code, reason = "which of the words are allowed can hang on others")]
            pub(crate) fn allowed() -> String {
                Self::ALL.iter().map(|word| format!("`{}`", word.as_str())).collect::<Vec<_>>().join(", ")
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    Algorithm {
        HmacSha256 = "hmac-sha256",
        HmacSha1 = "hmac-sha1",
        HmacSha512 = "hmac-sha512",
        /// Without a key: the message holds the secret.
        HashSha1 = "hash-sha1",
        HashSha256 = "hash-sha256",
        Ed25519 = "ed25519",
        /// P-256, the signature in DER.
        EcdsaSha256 = "ecdsa-sha256",
        /// PKCS#1 v1.5.
        RsaSha1 = "rsa-sha1",
        RsaSha256 = "rsa-sha256",
        /// The secret itself is sent.
        Token = "token",
        Basic = "basic",
        JwsHs256 = "jws-hs256",
        /// Nothing is checked.
        None = "none",
    }
}

/// What the verifier does with a signature, whatever the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Hmac,
    Hash,
    PublicKey,
    Token,
    Basic,
    Jws,
    Open,
}

impl Algorithm {
    pub(crate) const fn scheme(self) -> Scheme {
        match self {
            Self::HmacSha1 | Self::HmacSha256 | Self::HmacSha512 => Scheme::Hmac,
            Self::HashSha1 | Self::HashSha256 => Scheme::Hash,
            Self::Ed25519 | Self::EcdsaSha256 | Self::RsaSha1 | Self::RsaSha256 => Scheme::PublicKey,
            Self::Token => Scheme::Token,
            Self::Basic => Scheme::Basic,
            Self::JwsHs256 => Scheme::Jws,
            Self::None => Scheme::Open,
        }
    }
}

words! {
    KeyEncoding {
        /// The secret's bytes are the key.
        Utf8 = "utf8",
        Base64 = "base64",
        Hex = "hex",
        /// Base64 after an optional `whsec_`.
        Whsec = "whsec",
        /// Base64 of a raw public key after an optional `whpk_`.
        Whpk = "whpk",
        SpkiBase64 = "spki-base64",
        Pem = "pem",
    }
}

words! {
    Separator {
        Comma = ",",
        Semicolon = ";",
        Space = " ",
    }
}

impl Separator {
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Space => b' ',
        }
    }
}

words! {
    Encoding {
        Hex = "hex",
        Base64 = "base64",
        Base64Url = "base64url",
    }
}

words! {
    Unit {
        Seconds = "s",
        Milliseconds = "ms",
        Rfc3339 = "rfc3339",
        HttpDate = "http-date",
    }
}

words! {
    Handshake {
        Slack = "slack",
        Zoom = "zoom",
        XCrc = "x-crc",
        Meta = "meta",
        Twitch = "twitch",
        Okta = "okta",
        Dropbox = "dropbox",
        Discord = "discord",
        Lark = "lark",
        Asana = "asana",
        Notion = "notion",
        Head200 = "head-200",
        Monday = "monday",
        /// What it wants sent back is encrypted.
        Wecom = "wecom",
    }
}

impl Handshake {
    /// The secret itself, which is kept.
    pub(crate) fn brings_secret(self) -> bool {
        matches!(self, Self::Asana | Self::Notion)
    }

    /// Nothing but the handshake can be answered, and nothing runs.
    pub(crate) fn is_all_there_is(self) -> bool {
        self == Self::Wecom
    }

    /// A token that is compared.
    pub(crate) fn brings_token(self) -> bool {
        matches!(self, Self::Meta | Self::Lark)
    }
}
