//! One mistake each. Most cases are one hook that is sound but for what is added to it. `@DIR@` is the
//! case's directory, `@DEEP@` a rule that is nested too deep, `@MANY@` a thousand and one unknown keys.

use super::case::{Case, PRIVATE, command, file, hook, rule};
use crate::hooks_file::Kind;

/// Of an RSA key; the private half is nowhere.
const PUBLIC_KEY: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuJLQOX0nuRsUTDxXGtT/\n\
D9mi945inTD9P8P9BZzOsCsNRL5Mb+Z+POCGDGrFrOzm0kboAipyVxiXGplINuyT\n\
Rieth26B/5UBP2ptoVJ/Lgp3rgB8GKUMDq7tdw5w6XFRYSe7W/PgKYCTVYXJvPL/\n\
+HqQ1zdmRsTnpaNw+EOCm18HLwCvWclUmKYkC1uARkdswfLqOyh8DrCWVFOyDN1H\n\
ePMsV35z+WNL7L8/VUcP02Rty45klGZmk0alr4lL3nefikCwnDerJH/m3CXGRG0p\n\
EhaZG0MnhOO17lIyyLtPyJRQ8uqrmmN5VGP5++aSy8cxTHkt1tgHtDiUyUwZ14Pk\n\
oQIDAQAB\n\
-----END PUBLIC KEY-----\n";

pub(super) const CASES: &[Case] = &[
    Case { kind: Kind::Unreadable, name: "missing", hooks: &["gone.yaml"], files: &[] },
    file!(Template "unknown function" "- id: a\n  execute-command: {{ gentev \"X\" }}\n"),
    file!(Syntax "YAML" "- id: a\n  execute-command: true: false\n"),
    file!(Syntax "JSON" "[{\"id\": \"a\",\n  \"execute-command\": \"true\""),
    file!(Syntax "tab" "- id: a\n\texecute-command: 'true'\n"),
    file!(WrongType "one hook without a list" "id: a\nexecute-command: 'true'\n"),
    file!(WrongType "a list under a key" "hooks:\n- id: a\n  execute-command: 'true'\n"),
    hook!(WrongType "text for a list" "pass-arguments-to-command: payload"),
    hook!(WrongType "a list for a rule" "trigger-rule: [{match: {type: ip-whitelist, ip-range: 10.0.0.1}}]"),
    hook!(WrongType "a name for a reference" "pass-arguments-to-command: [ref]"),
    hook!(WrongType "number in words" "success-http-response-code: 'ok'"),
    file!(DuplicateId "in one file"
        "- &one {id: a, execute-command: 'true', verify: {sender: none}, http-methods: [POST]}\n- *one\n"),
    Case {
        kind: Kind::DuplicateId,
        name: "in two files",
        hooks: &["hooks"],
        files: &[
            (
                "hooks/1.yaml",
                "- {id: a, execute-command: 'true', verify: {sender: none}, http-methods: [POST]}\n",
                PRIVATE,
            ),
            (
                "hooks/2.yaml",
                "\n- {id: a, execute-command: 'true', verify: {sender: none}, http-methods: [POST]}\n",
                PRIVATE,
            ),
        ],
    },
    hook!(RepeatedKey "other case" "http-Methods: [PUT]"),
    hook!(MisspeltKey "underscore" "trigger_rule: {match: {}}"),
    file!(MisspeltKey "JSON"
        "[\n  {\"id\": \"a\", \"execute-command\": \"true\", \"verify\": {\"sender\": \"none\"},\n   \"http-method\": [\"POST\"]}\n]\n"),
    file!(EmptyGuard "verify" "- id: a\n  execute-command: 'true'\n  verify:\n  http-methods: [POST]\n"),
    file!(GuardType "a name for a record" "- {id: a, execute-command: 'true', verify: github, http-methods: [POST]}\n"),
    file!(GuardType "a list for a name"
        "- {id: a, execute-command: 'true', verify: {sender: [github], secret: abcdefgh}, http-methods: [POST]}\n"),
    hook!(GuardType "a word for a record" "deduplicate: delivery-id"),
    hook!(MisplacedKey "verify in a case" "cases: [{name: main, verify: {sender: github, secret: hunter22}}]"),
    hook!(BadCases "none" "cases: []"),
    hook!(BadCases "one name twice" "cases:\n  - {name: main}\n  - {name: main}"),
    hook!(BadCases "the name of a place" "cases: [{name: 1}, {execute-command: 'false'}]"),
    file!(NoCommand "in a case" "- id: a\n  verify: {sender: none}\n  http-methods: [POST]\n  cases:\n  - name: main\n"),
    file!(CommandMissing "of a case, inherited and its own"
        "- id: a\n  execute-command: no-such-command\n  verify: {sender: none}\n  http-methods: [POST]\n  cases:\n  - name: main\n  - name: next\n  - name: test\n    execute-command: no-other-command\n"),
    file!(DroppedSecret "in the second case"
        "- id: a\n  execute-command: 'true'\n  http-methods: [POST]\n  trigger-rule:\n    match: {type: payload-hmac-sha256, secret: hunter22, parameter: {source: header, name: X-Signature}}\n  cases:\n  - name: main\n  - name: test\n    trigger-rule:\n      match: {type: value, value: dev, parameter: {source: payload, name: ref}}\n"),
    rule!(EmptyRule "no operator" "{}"),
    rule!(EmptyRule "no parts" "{or: []}"),
    rule!(EmptyRule "a match without match" "{type: value, value: main, parameter: {source: payload, name: ref}}"),
    rule!(SeveralOperators "match and not"
        "\n    match: {type: ip-whitelist, ip-range: 10.0.0.0/8}\n    not: {match: {type: ip-whitelist, ip-range: 10.0.0.1}}"),
    rule!(DeepRule "not of not" "@DEEP@"),
    rule!(UnknownMatchType "slip" "{match: {type: valeu, value: x, parameter: {source: header, name: X-Event}}}"),
    rule!(IncompleteMatch "secret for value"
        "{match: {type: value, secret: hunter22, parameter: {source: header, name: X-Event}}}"),
    rule!(IncompleteMatch "no parameter" "{match: {type: value, value: x}}"),
    rule!(IncompleteMatch "in without texts" "{match: {type: in, parameter: {source: payload, name: ref}}}"),
    rule!(BadComparison "no number" "{match: {type: greater, value: many, parameter: {source: payload, name: size}}}"),
    rule!(BadComparison "an empty text" "{match: {type: contains, value: '', parameter: {source: payload, name: ref}}}"),
    rule!(BadComparison "nothing to choose from" "{match: {type: in, values: [], parameter: {source: payload, name: ref}}}"),
    rule!(BadComparison "two other sides"
        "\n    match:\n      type: at-least\n      value: 3\n      parameter: {source: payload, name: size}\n      other-parameter: {source: header, name: X-Size}"),
    rule!(BadComparison "a key of another type"
        "\n    match:\n      type: regex\n      regex: ^a$\n      parameter: {source: payload, name: ref}\n      other-parameter: {source: header, name: X-Ref}"),
    rule!(BadRegex "look-around"
        "\n    match:\n      type: regex\n      regex: ^refs/(?!heads)\n      parameter: {source: payload, name: ref}"),
    rule!(BadRegex "escaped"
        "\n    match:\n      type: regex\n      regex: \"a\\\\Z\"\n      parameter: {source: payload, name: ref}"),
    rule!(BadNetwork "commas" "{match: {type: ip-whitelist, ip-range: '10.0.0.1, 10.0.0.2'}}"),
    rule!(BadNetwork "the second"
        "\n    match:\n      type: ip-whitelist\n      ip-range: '10.0.0.0/8 10.0.0.0/33'"),
    rule!(NoSecret "value for secret"
        "{match: {type: payload-hmac-sha256, value: hunter22, parameter: {source: header, name: X-Signature}}}"),
    rule!(BadNetwork "in a list" "{match: {type: ip-whitelist, ip-range: [10.0.0.0/8, 10.0.0.256]}}"),
    Case {
        kind: Kind::BadNetwork,
        name: "in a file",
        hooks: &["hooks.yaml"],
        files: &[
            (
                "hooks.yaml",
                "- id: a\n  execute-command: 'true'\n  verify: {sender: none}\n  http-methods: [POST]\n  trigger-rule:\n    match: {type: ip-whitelist, ip-file: '@DIR@/office'}\n",
                PRIVATE,
            ),
            ("office", "10.0.0.0/8 # the office\n\nlocalhost\n", 0o666),
        ],
    },
    rule!(UnreadableNetworks "gone" "{match: {type: ip-whitelist, ip-range: 10.0.0.1, ip-file: '@DIR@/gone'}}"),
    rule!(NoSecret "HMAC" "{match: {type: payload-hmac-sha256, parameter: {source: header, name: X-Signature}}}"),
    file!(NoSecret "sender" "- id: a\n  execute-command: 'true'\n  verify: {sender: github}\n"),
    rule!(EmptySecret "HMAC"
        "{match: {type: payload-hmac-sha256, secret: '', parameter: {source: header, name: X-Signature}}}"),
    file!(EmptySecret "variable" "- id: a\n  execute-command: 'true'\n  verify: {sender: github, secret: {env: EMPTY}}\n"),
    file!(UnreadableSecret "variable"
        "- id: a\n  execute-command: 'true'\n  verify: {sender: github, secret: {env: NOT_SET}}\n"),
    file!(UnreadableSecret "variable with a dollar"
        "- id: a\n  execute-command: 'true'\n  verify: {sender: github, secret: {env: $NOT_SET}}\n"),
    file!(UnreadableSecret "the secret for its name"
        "- id: a\n  execute-command: 'true'\n  verify: {sender: github, secret: {env: 9f86d081884c7d659a2feaa0c55ad015}}\n"),
    file!(UnreadableSecret "credential"
        "- id: a\n  execute-command: 'true'\n  verify: {sender: github, secret: {credential: github}}\n"),
    file!(UnreadableSecret "file"
        "- id: a\n  execute-command: 'true'\n  verify: {sender: github, secret: {file: '@DIR@/gone'}}\n"),
    file!(SecretSource "two" "- id: a\n  execute-command: 'true'\n  verify: {sender: github, secret: {env: A, file: b}}\n"),
    file!(ManySecrets "nine"
        "- id: a\n  execute-command: 'true'\n  verify: {sender: github, secret: [a1, a2, a3, a4, a5, a6, a7, a8, a9]}\n"),
    file!(UnknownSender "slip" "- id: a\n  execute-command: 'true'\n  verify:\n    sender: githbu\n    secret: hunter22\n"),
    file!(BadSender "no such algorithm"
        "- id: a\n  execute-command: 'true'\n  verify:\n    sender: github\n    secret: hunter22\n    algorithm: md5\n"),
    hook!(BadDeduplicate "no id" "deduplicate: {by: delivery-id}"),
    hook!(BadReference "two ways out"
        "pass-arguments-to-command: [{source: payload, name: a, default: x, required: true}]"),
    hook!(BadReference "no default" "pass-arguments-to-command: [{source: payload, name: a, default: }]"),
    hook!(BadReference "default of what is parsed"
        "parse-parameters-as-json: [{source: payload, name: a, default: '{}'}]"),
    rule!(BadReference "all of one"
        "{match: {type: value, value: x, match-all: true, parameter: {source: payload, name: commits.0.id}}}"),
    hook!(BadReference "an upload as an argument" "pass-arguments-to-command: [{source: upload, name: file}]"),
    file!(BadId "a name twice"
        "- {id: 'a/{b}/{b}', execute-command: 'true', verify: {sender: none}, http-methods: [POST]}\n"),
    file!(UnknownSource "a name that the id does not have"
        "- id: deploy/{env}\n  execute-command: 'true'\n  verify: {sender: none}\n  http-methods: [POST]\n  pass-arguments-to-command:\n    - {source: path, name: enw}\n    - {source: template, name: 'to {{ path.service }}'}\n"),
    file!(DuplicateId "one shape"
        "- {id: 'a/{b}', execute-command: 'true', verify: {sender: none}, http-methods: [POST]}\n- {id: 'a/{c}', execute-command: 'true', verify: {sender: none}, http-methods: [POST]}\n"),
    hook!(BadTemplate "syntax"
        "pass-arguments-to-command: [{source: template, name: 'to {{ payload.ref or }}'}]"),
    hook!(BadTemplate "in the answer" "response-template: true\n  response-message: 'hello {{ payload.name'"),
    hook!(BadTemplate "nothing to put together" "response-template: true"),
    hook!(BadTemplate "no text" "pass-arguments-to-command: [{source: template}]"),
    hook!(BadTemplate "unknown name in the second line"
        "pass-arguments-to-command:\n    - source: template\n      name: |\n        {{ payload.ref }}\n        {{ body }}"),
    hook!(BadVariable "without a name"
        "pass-environment-to-command: [{source: template, name: '{{ payload.ref }}'}]"),
    hook!(BadDuration "no unit" "deduplicate: {by: {source: payload, name: id}, for: 5}"),
    hook!(BadConcurrency "none at all" "concurrency: {max: 0}"),
    hook!(BadConcurrency "no max" "concurrency: {group: production}"),
    hook!(BadConcurrency "slip" "concurrency: {max: 1, when-busy: quue}"),
    hook!(BadConcurrency "empty group" "concurrency: {max: 1, group: ''}"),
    hook!(BadConcurrency "a limit without a queue" "concurrency: {max: 1, when-busy: reject, queue-limit: 5}"),
    hook!(BadConcurrency "twice" "concurrency: {max: 1}\n  maximum-concurrent-executions: 1"),
    hook!(BadConcurrency "too many" "maximum-concurrent-executions: 100000"),
    hook!(BadRetry "no attempts" "retry: {initial: 1s}"),
    hook!(BadRetry "one run" "retry: {attempts: 1}"),
    hook!(BadRetry "no wait" "retry: {attempts: 2, initial: 0}"),
    hook!(BadRetry "first longer than longest" "retry: {attempts: 2, initial: 10m}"),
    hook!(BadRetry "unknown word" "retry: {attempts: 2, on: [timeout, exit_codes]}"),
    hook!(BadRetry "success" "retry: {attempts: 2, on: [0, 75]}"),
    hook!(BadRetry "no exit code" "retry: {attempts: 2, on: [256]}"),
    hook!(BadRetry "streamed" "stream-command-output: true\n  retry: {attempts: 2}"),
    hook!(BadRetry "on nothing" "retry: {attempts: 2, on: []}"),
    hook!(EmptyGuard "a limit" "concurrency:"),
    hook!(GuardType "a number for a record" "retry: 5"),
    hook!(GuardType "a word for a number" "maximum-concurrent-executions: one"),
    hook!(BadDuration "of a wait" "retry: {attempts: 2, max: 5}"),
    file!(NoId "only a command" "- execute-command: 'true'\n  verify: {sender: none}\n  http-methods: [POST]\n"),
    file!(NoCommand "only an id" "- id: a\n  verify: {sender: none}\n  http-methods: [POST]\n"),
    hook!(UnknownSource "slip" "pass-arguments-to-command: [{source: haeder, name: X-Event}]"),
    hook!(UnknownSource "of request" "pass-arguments-to-command: [{source: request, name: ip}]"),
    file!(UnverifiedDelivery "no sender"
        "- id: a\n  execute-command: 'true'\n  pass-arguments-to-command: [{source: delivery, name: id}]\n"),
    Case {
        kind: Kind::UnfilledMessage,
        name: "a row with a word to replace",
        hooks: &["hooks.yaml"],
        files: &[
            (
                "hooks.yaml",
                "- id: a\n  execute-command: 'true'\n  verify: {sender: paypal, secret: {file: '@DIR@/key.pem'}}\n",
                PRIVATE,
            ),
            ("key.pem", PUBLIC_KEY, PRIVATE),
        ],
    },
    file!(UnansweredHandshake "no key and no id"
        "- id: a\n  execute-command: 'true'\n  http-methods: [POST]\n  verify: {sender: wecom, secret: 4711-4711}\n"),
    file!(BadSender "no key of 32 bytes"
        "- id: a\n  execute-command: 'true'\n  verify: {sender: wecom, secret: 4711-4711, encoding-aes-key: x4711x, receive-id: ww1}\n"),
    file!(NeedlessKey "a URL that is not signed, no time"
        "- id: a\n  execute-command: 'true'\n  verify: {sender: github, secret: 4711-4711, public-url: 'https://h/a', tolerance: 5m}\n"),
    file!(BadSender "opened by its algorithm"
        "- id: a\n  execute-command: 'true'\n  http-methods: [POST]\n  verify: {sender: github, algorithm: none, signature: '', prefix: ''}\n"),
    file!(WeakSender "a time that is not signed"
        "- id: a\n  execute-command: 'true'\n  http-methods: [POST]\n  verify: {secret: hunter22, signature: 'header:X-Signature', timestamp: 'header:X-Time'}\n"),
    file!(WeakSender "a body that is not signed"
        "- id: a\n  execute-command: 'true'\n  http-methods: [POST]\n  verify: {sender: stripe, secret: hunter22, message: '{ts}'}\n"),
    hook!(NeedlessKey "in a case"
        "trigger-rule: {match: {type: value, value: hunter22, parameter: {source: header, name: X-Token}}}\n  cases:\n  - name: main\n    trigger-rule-mismatch-http-response-code: 403"),
    hook!(BadHeader "a space" "response-headers: [{name: Cache Control, value: no-store}]"),
    hook!(BadExitCode "no exit code" "wait-for-command: true\n  response-on-exit: {256: 503}"),
    hook!(BadExitCode "no status" "wait-for-command: true\n  response-on-exit: {75: retry}"),
    hook!(BadVariable "an equals sign" "pass-environment-to-command: [{source: payload, name: x, envname: A=B}]"),
    file!(SeveralDocuments "two"
        "- {id: a, execute-command: 'true', verify: {sender: none}, http-methods: [POST]}\n---\n[]\n"),
    file!(NoHooks "empty" ""),
    file!(NoHooks "an empty list" "# none yet\n[]\n"),
    Case {
        kind: Kind::NoHooks,
        name: "a directory without hooks files",
        hooks: &["."],
        files: &[("notes.txt", "", PRIVATE)],
    },
    hook!(UnknownOutput "misspelt" "command-output: stdotu"),
    hook!(UnknownOutput "another" "command-output: 2"),
    hook!(UnknownKey "note" "owner-of-this: ops"),
    file!(UnknownKey "among secrets"
        "[{\"id\": \"a\", \"execute-command\": \"true\", \"note\": 1, \"http-methods\": [\"POST\"], \"verify\": {\"sender\": \"github\", \"secret\": [\"hunter22\"]}}, {\"id\": \"b\", \"execute-command\": \"true\", \"trigger-rule\": {\"match\": {\"type\": \"payload-hmac-sha256\", \"value\": \"hunter22\", \"secret\": \"hunter22\", \"parameter\": {\"source\": \"header\", \"name\": \"X-Signature\"}}}}]\n"),
    file!(Syntax "beside a secret"
        "- id: a\n  verify:\n    sender: github\n    secret:\n      - hunter22\n      - 'hunter22\n  execute-command: 'true'\n"),
    hook!(EmptyTriggerRule "null" "trigger-rule:"),
    rule!(OldMatchType "sha1"
        "{match: {type: payload-hash-sha1, secret: hunter22, parameter: {source: header, name: X-Hub-Signature}}}"),
    hook!(RereadNumber "a fraction" "response-message: 1.10"),
    rule!(RereadNumber "octal" "{match: {type: value, value: 0123, parameter: {source: header, name: X-Gitlab-Token}}}"),
    hook!(RereadWord "a name" "pass-arguments-to-command: [{source: query, name: n}]"),
    rule!(RereadWord "among others" "{match: {type: in, values: [yes, 'no', true, Off], parameter: {source: header, name: X-Token}}}"),
    file!(NamelessMethod "nothing and an empty text"
        "- {id: a, execute-command: 'true', verify: {sender: none}, http-methods: [POST, '']}\n- id: b\n  execute-command: 'true'\n  verify: {sender: none}\n  http-methods:\n  -\n"),
    hook!(NotShown "a thousand and one" "@MANY@"),
    Case {
        kind: Kind::GroupMaxDiffers,
        name: "in two files",
        hooks: &["hooks"],
        files: &[
            (
                "hooks/1.yaml",
                "- {id: a, execute-command: 'true', verify: {sender: none}, http-methods: [POST], concurrency: {max: 1, group: g}}\n",
                PRIVATE,
            ),
            (
                "hooks/2.yaml",
                "- {id: b, execute-command: 'true', verify: {sender: none}, http-methods: [POST], concurrency: {max: 2, group: g}}\n",
                PRIVATE,
            ),
        ],
    },
    file!(NoGuard "nothing" "- id: a\n  execute-command: 'true'\n  http-methods: [POST]\n"),
    file!(NoGuard "payload only"
        "- id: a\n  execute-command: 'true'\n  trigger-rule:\n    match: {type: value, value: main, parameter: {source: payload, name: ref}}\n"),
    file!(NoGuard "an event and what is missing"
        "- id: a\n  execute-command: 'true'\n  http-methods: [POST]\n  trigger-rule:\n    and:\n    - match: {type: value, value: push, parameter: {source: header, name: X-GitHub-Event}}\n    - not: {match: {type: ip-whitelist, ip-range: 192.0.2.0/24}}\n"),
    file!(NoGuard "a sender that signs nothing" "- id: a\n  execute-command: 'true'\n  verify: {sender: dockerhub}\n"),
    file!(NoGuard "two headers of one sender"
        "- id: a\n  execute-command: 'true'\n  http-methods: [POST]\n  trigger-rule:\n    match: {type: value, parameter: {source: header, name: X-A}, other-parameter: {source: header, name: X-B}}\n"),
    file!(AddressGuard "loopback"
        "- id: a\n  execute-command: 'true'\n  http-methods: [POST]\n  trigger-rule:\n    match: {type: ip-whitelist, ip-range: 127.0.0.1}\n"),
    file!(GetAllowed "by default"
        "- id: a\n  execute-command: 'true'\n  trigger-rule:\n    match: {type: value, value: hunter22, parameter: {source: url, name: t}}\n"),
    file!(GetAllowed "by name" "- id: a\n  execute-command: 'true'\n  verify: {sender: none}\n  http-methods: [GET, POST]\n"),
    rule!(SecretInQuery "token"
        "\n    match:\n      type: value\n      value: hunter22\n      parameter: {source: url, name: token}"),
    file!(LiteralVariable "of the shell" "- id: a\n  execute-command: 'true'\n  verify: {sender: github, secret: $GITHUB_SECRET}\n"),
    file!(LiteralVariable "in braces"
        "- id: a\n  execute-command: 'true'\n  verify: {sender: github, secret: '{{ getenv \"X\" }}'}\n"),
    hook!(NoName "query" "pass-arguments-to-command: [{source: url}]"),
    rule!(ValueForSignature "GitHub's"
        "\n    match:\n      type: value\n      value: hunter22\n      parameter: {source: header, name: x-hub-signature-256}"),
    rule!(OptionalSignature "or an address"
        "\n    or:\n    - match: {type: payload-hmac-sha256, secret: hunter22, parameter: {source: header, name: X-Signature}}\n    - match: {type: ip-whitelist, ip-range: 10.0.0.0/8}"),
    rule!(OptionalSignature "or a branch"
        "\n    or:\n    - match: {type: payload-hmac-sha256, secret: hunter22, parameter: {source: header, name: X-Signature}}\n    - match: {type: value, value: main, parameter: {source: payload, name: ref}}"),
    rule!(NeverMet "two branches"
        "\n    and:\n    - match: {type: value, value: main, parameter: {source: payload, name: ref}}\n    - match: {type: value, value: dev, parameter: {source: payload, name: ref}}"),
    rule!(NeverMet "a method in small letters"
        "{match: {type: value, value: post, parameter: {source: request, name: method}}}"),
    rule!(NeverMet "an address without port"
        "{match: {type: value, value: 10.0.0.1, parameter: {source: request, name: remote-addr}}}"),
    rule!(NeverMet "Host" "{match: {type: value, value: example.org, parameter: {source: header, name: host}}}"),
    rule!(NeverMet "two texts of the file" "{match: {type: value, value: main, parameter: {source: string, name: ref}}}"),
    rule!(NeverMet "a space" "{match: {type: value, value: 'push ', parameter: {source: header, name: X-Event}}}"),
    rule!(MetByDefault "as wanted"
        "{match: {type: value, value: x, parameter: {source: header, name: X-A, default: x}}}"),
    hook!(NeverMissing "a method" "pass-arguments-to-command: [{source: request, name: method, required: true}]"),
    rule!(NeverMet "a header that is null" "{match: {type: null, parameter: {source: header, name: X-Event}}}"),
    rule!(NeverMet "both numbers in the file"
        "{match: {type: less, value: 10, parameter: {source: string, name: '11'}}}"),
    rule!(AlwaysMet "what every request has" "{match: {type: exists, parameter: {source: request, name: method}}}"),
    rule!(AlwaysMet "itself"
        "\n    match:\n      type: value\n      parameter: {source: payload, name: ref}\n      other-parameter: {source: payload, name: ref}"),
    rule!(AlwaysMet "every text" "{match: {type: regex, regex: .*, parameter: {source: payload, name: ref}}}"),
    rule!(NeverMet "no signature in an and"
        "\n    and:\n    - match: {type: value, value: push, parameter: {source: header, name: X-Event}}\n    - not: {match: {type: payload-hmac-sha256, secret: hunter22, parameter: {source: header, name: X-Signature}}}"),
    rule!(NeverMet "as a whole" "{match: {type: payload-hmac-sha256, secret: hunter22, parameter: {source: header, name: Host}}}"),
    rule!(AlwaysMet "neither of two"
        "\n    or:\n    - not: {match: {type: value, value: dev, parameter: {source: payload, name: ref}}}\n    - not: {match: {type: value, value: test, parameter: {source: payload, name: ref}}}"),
    rule!(AlwaysMet "as a whole" "{not: {match: {type: value, value: example.org, parameter: {source: header, name: Host}}}}"),
    rule!(AlwaysMet "every address" "{match: {type: ip-whitelist, ip-range: 10.0.0.1 0.0.0.0/0}}"),
    rule!(NotOfMissing "at the top" "{not: {match: {type: value, value: dev, parameter: {source: payload, name: ref}}}}"),
    rule!(NotOfMissing "a signature"
        "{not: {match: {type: payload-hmac-sha256, secret: hunter22, parameter: {source: header, name: X-Signature}}}}"),
    rule!(NotOfMissing "in and"
        "\n    and:\n    - not: {match: {type: value, value: dev, parameter: {source: payload, name: ref}}}\n    - match: {type: ip-whitelist, ip-range: 10.0.0.0/8}"),
    hook!(ErrorOutputAlone "alone" "include-command-output-in-response-on-error: true"),
    hook!(BadDuration "timeout without a unit" "timeout: 10"),
    hook!(BadDuration "no time" "timeout: 0s\n  kill-grace: soon"),
    hook!(NeverRetried "no timeout" "retry: {attempts: 2, on: [timeout]}"),
    hook!(BadEnvironment "unknown word" "command-environment: empty"),
    hook!(BadEnvironment "keep with inherit" "command-environment: {mode: inherit, keep: [A]}"),
    hook!(BadEnvironment "names" "command-environment: {mode: clean, keep: [SET, A=b, NOTIFY_SOCKET]}"),
    hook!(UnknownAccount "user" "run-as: {user: no-such-user}"),
    hook!(UnknownAccount "group" "run-as: {user: root, group: no-such-group}"),
    hook!(UnknownAccount "no user" "run-as: {group: root}"),
    hook!(EmptyGuard "run-as" "run-as:"),
    hook!(EmptyGuard "keys of time" "timeout:\n  kill-grace:"),
    hook!(EmptyGuard "keys of limits" "limits: {memory: , cpu-time: , open-files: , file-size: , processes: }"),
    hook!(EmptyGuard "keys of concurrency" "concurrency: {max: 1, when-busy: , queue-limit: }"),
    hook!(EmptyGuard "keys of retry" "retry: {attempts: 2, initial: , max: }"),
    hook!(EmptyGuard "the group" "run-as: {user: root, group: }"),
    hook!(NoPrivilege "not root" "run-as: {user: root}"),
    hook!(BadLimit "units" "limits: {memory: 512, file-size: 1GB, cpu-time: 1500ms, open-files: 1, processes: 0}"),
    hook!(BadLimit "none" "limits: {}"),
    hook!(MissingVariable "keep" "command-environment: {mode: clean, keep: [SET, SSH_AUTH_SOCK]}"),
    hook!(KillGraceAlone "10s" "kill-grace: 10s"),
    hook!(UnusedStatus "unregistered" "success-http-response-code: 299"),
    hook!(UnusedStatus "without a rule" "trigger-rule-mismatch-http-response-code: 403"),
    hook!(UnusedStatus "of an exit code" "wait-for-command: true\n  response-on-exit: {75: 299}"),
    hook!(UnusedAnswer "exit codes without waiting" "response-on-exit: {75: 503}"),
    hook!(UnusedAnswer "waiting beside output"
        "wait-for-command: true\n  include-command-output-in-response: true"),
    hook!(UnusedAnswer "beside a stream"
        "stream-command-output: true\n  wait-for-command: true\n  response-on-exit: {75: 503}"),
    hook!(ShellName "a dot" "pass-environment-to-command: [{source: payload, name: repository.name}]"),
    Case {
        kind: Kind::ReadableSecret,
        name: "in the hooks file",
        hooks: &["hooks.yaml"],
        files: &[(
            "hooks.yaml",
            "- id: a\n  execute-command: 'true'\n  verify:\n    sender: github\n    secret: hunter22\n",
            0o644,
        )],
    },
    Case {
        kind: Kind::ReadableSecret,
        name: "in its own file",
        hooks: &["hooks.yaml"],
        files: &[
            (
                "hooks.yaml",
                "- id: a\n  execute-command: 'true'\n  verify:\n    sender: github\n    secret: {file: '@DIR@/key'}\n",
                0o644,
            ),
            ("key", "hunter22\n", 0o644),
        ],
    },
    Case {
        kind: Kind::WritableFile,
        name: "by others",
        hooks: &["hooks.yaml"],
        files: &[(
            "hooks.yaml",
            "- {id: a, execute-command: 'true', verify: {sender: none}, http-methods: [POST]}\n",
            0o666,
        )],
    },
    command!(WritableCommand "by others" "execute-command: ./tool\n  command-working-directory: '@DIR@'", "#!/bin/sh\n", 0o777),
    command!(CommandMissing "not in PATH" "execute-command: no-such-command-anywhere", "", 0o755),
    command!(CommandMissing "in the working directory"
        "execute-command: sh\n  command-working-directory: '@DIR@'", "", 0o755),
    command!(CommandMissing "home" "execute-command: ~/deploy.sh", "", 0o755),
    command!(CommandWithSpaces "echo" "execute-command: echo hello", "", 0o755),
    command!(CommandNotExecutable "mode" "execute-command: ./tool\n  command-working-directory: '@DIR@'", "#!/bin/sh\n", 0o644),
    command!(NoInterpreter "python" "execute-command: ./tool\n  command-working-directory: '@DIR@'", "#!/opt/no/python\n", 0o755),
    command!(NoInterpreter "by env" "execute-command: ./tool\n  command-working-directory: '@DIR@'", "#!/usr/bin/env no-such-node\n", 0o755),
    command!(NoInterpreter "by env, with an option"
        "execute-command: ./tool\n  command-working-directory: '@DIR@'", "#!/usr/bin/env sh -e\n", 0o755),
    command!(CarriageReturn "Windows" "execute-command: ./tool\n  command-working-directory: '@DIR@'", "#!/bin/sh\r\n", 0o755),
    command!(NoWorkingDirectory "gone" "execute-command: 'true'\n  command-working-directory: /no/such/directory", "", 0o755),
    file!(UnknownKey "template"
        "- id: a\n  execute-command: 'true'\n  verify: {sender: none}\n  http-methods: [POST]\n  note: {{ getenv \"SET\" }}\n"),
];
