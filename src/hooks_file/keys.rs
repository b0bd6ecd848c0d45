//! The keys of a hooks file: what the checker takes and what the schema describes. A key that is in no
//! table here is unknown to both.

mod cases;
mod circumstances;
mod matches;
mod verify;

use crate::reference::Reference;

pub(super) use cases::{CASE, OF_HOOK_ALONE};
pub(super) use circumstances::{COMMAND_ENVIRONMENT, LIMITS, RUN_AS};
pub(super) use matches::{MATCH, MATCH_TYPES, OLD_MATCH_TYPES};
pub(super) use verify::VERIFY;

/// A key of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) description: &'static str,
}

/// What stands at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A number or bool counts as its text.
    Text,
    Flag,
    Integer,
    /// A whole number from 1 on.
    Count,
    Words(&'static [&'static str]),
    MatchType,
    Methods,
    /// Statuses by exit code.
    ExitCodes,
    Texts,
    /// One text, or a list of them.
    TextOrTexts,
    Reference,
    References,
    Arguments,
    Headers,
    Secrets,
    Sender,
    Verify,
    Deduplicate,
    DuplicateKey,
    Concurrency,
    Retry,
    RetryCauses,
    Rule,
    Rules,
    Match,
    Names,
    CommandEnvironment,
    RunAs,
    Limits,
    Cases,
}

const fn key(name: &'static str, shape: Shape, description: &'static str) -> Key {
    Key { name, shape, description }
}

/// Whether `name` is one of `keys`, in any case.
pub(super) fn is_known(keys: &[Key], name: &str) -> bool {
    keys.iter().any(|key| key.name.eq_ignore_ascii_case(name))
}

pub(super) fn names(keys: &[Key]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}

pub(super) const HOOK: &[Key] = &[
    key(
        "id",
        Shape::Text,
        "The last part of the address: /hooks/{id}. Required, and once over all files. A part that is a name in braces, as in deploy/{env}, stands for any text.",
    ),
    key(
        "execute-command",
        Shape::Text,
        "The program to run. No shell reads it, and no arguments stand here: they are `pass-arguments-to-command`.",
    ),
    key(
        "command-working-directory",
        Shape::Text,
        "Where the command runs, and where a relative `execute-command` is looked up. Without it: the server's \
         directory, and PATH for a bare name.",
    ),
    key("response-message", Shape::Text, "The answer when the output is not included."),
    key(
        "response-template",
        Shape::Flag,
        "`response-message` and the values of `response-headers` are templates, as with the source `template`.",
    ),
    key("response-headers", Shape::Headers, "Headers of the answer when the hook runs."),
    key("success-http-response-code", Shape::Integer, "The status when the hook runs. Without it: 200."),
    key(
        "trigger-rule-mismatch-http-response-code",
        Shape::Integer,
        "The status when the rule is not met. Without it: 200.",
    ),
    key(
        "include-command-output-in-response",
        Shape::Flag,
        "Wait for the command and answer with what it wrote to stdout and stderr.",
    ),
    key(
        "include-command-output-in-response-on-error",
        Shape::Flag,
        "With `include-command-output-in-response`: answer with the output also when the command fails.",
    ),
    key(
        "stream-command-output",
        Shape::Flag,
        "Answer when the command has started, with its output as it comes; as server-sent events where the request's \
         Accept has text/event-stream.",
    ),
    key(
        "command-output",
        Shape::Words(&COMMAND_OUTPUTS),
        "What counts as output: `combined`, or `stdout` alone; stderr is then for the log at -debug.",
    ),
    key(
        "wait-for-command",
        Shape::Flag,
        "Answer with `response-message` when the command has ended well, and with 500 when it has failed.",
    ),
    key(
        "response-on-exit",
        Shape::ExitCodes,
        "The status by the command's exit code, as {75: 503}, where the answer comes after the run.",
    ),
    key(
        "response-message-on-error",
        Shape::Text,
        "The answer when the command failed or could not be started, instead of the fixed text.",
    ),
    key(
        "http-methods",
        Shape::Methods,
        "Methods that are answered; others get 405. Without it: `-http-methods`, or all.",
    ),
    key("incoming-payload-content-type", Shape::Text, "Taken instead of the request's Content-Type."),
    key(
        "parse-parameters-as-json",
        Shape::References,
        "References whose text is replaced by the JSON object it holds.",
    ),
    key(
        "pass-arguments-to-command",
        Shape::Arguments,
        "The command's arguments. A reference without a value gives an empty one.",
    ),
    key(
        "pass-environment-to-command",
        Shape::References,
        "The command's variables, named `envname`, or HOOK_ and the `name` as written.",
    ),
    key(
        "pass-file-to-command",
        Shape::References,
        "Temporary files; the variable `envname`, or HOOK_ and the `name` in capitals, has the path.",
    ),
    key(
        "pass-stdin-to-command",
        Shape::Reference,
        "What the command reads from its stdin. Without it, and without a value: nothing.",
    ),
    key(
        "timeout",
        Shape::Text,
        "How long the command may run, as 10m. Then its process group gets SIGTERM, and after `kill-grace` SIGKILL.",
    ),
    key(
        "command-environment",
        Shape::CommandEnvironment,
        "What the command has of the server's environment: `inherit` (all of it), or `clean`. The hook's own \
         variables come on top.",
    ),
    key("run-as", Shape::RunAs, "The user that the command runs as. The server must be root for that."),
    key("limits", Shape::Limits, "What each process of the command may take at most."),
    key("kill-grace", Shape::Text, "The time between SIGTERM and SIGKILL. Without it: 5s."),
    key("trigger-rule", Shape::Rule, "What a request must meet for the hook to run."),
    key(
        "trigger-signature-soft-failures",
        Shape::Flag,
        "In an `or`, a wrong signature is only false, not an error.",
    ),
    key(
        "verify",
        Shape::Verify,
        "Who must have sent a request. It is checked before anything of it is read.",
    ),
    key("deduplicate", Shape::Deduplicate, "Runs a delivery once, however often it comes."),
    key(
        "concurrency",
        Shape::Concurrency,
        "How many runs of the hook, or of its group, go on at once, and what a delivery beyond that meets.",
    ),
    key(
        "maximum-concurrent-executions",
        Shape::Count,
        "The same as `concurrency` with `max` alone: further deliveries wait in a queue.",
    ),
    key("retry", Shape::Retry, "Runs a command that failed again."),
    key(
        "cases",
        Shape::Cases,
        "Several commands of one hook: the first whose rule is met runs. The hook's keys are the defaults of its cases.",
    ),
];

pub(super) const COMMAND_OUTPUTS: [&str; 2] = ["combined", "stdout"];

/// Of an argument; for other references the last keys are left out.
pub(super) const ARGUMENT: &[Key] = &[
    key("source", Shape::Words(&Reference::SOURCES), "Where the value is found in a request."),
    key(
        "name",
        Shape::Text,
        "The header, the query parameter, or the place in the payload, as repository.owner.login; `*` stands for \
         every element of a list, as commits.*.id. With the source `string`: the value itself; with `template`: \
         the template.",
    ),
    key("default", Shape::Text, "The value when the request has none."),
    key(
        "required",
        Shape::Flag,
        "Whether a request without the value is refused with 400, and nothing runs.",
    ),
    key("envname", Shape::Text, "The name of the variable, for the environment and for files."),
    key("base64decode", Shape::Flag, "For files: write what the value says in base64."),
    key(
        "spread",
        Shape::Flag,
        "One argument for each element of a list, or of what a `*` leads to; none without a value.",
    ),
];

pub(super) const REFERENCE: &[Key] = ARGUMENT.split_at(6).0;

pub(super) const DUPLICATE_REFERENCE: &[Key] = REFERENCE.split_at(4).0;

pub(super) const HEADER: &[Key] = &[
    key("name", Shape::Text, "The name of the header."),
    key("value", Shape::Text, "Its value. A later header of the same name replaces it."),
];

pub(super) const RULE: &[Key] = &[
    key("and", Shape::Rules, "Met when all of these rules are."),
    key("or", Shape::Rules, "Met when one of these rules is."),
    key(
        "not",
        Shape::Rule,
        "Met when this rule is not; also when the value it looks at is not in the request.",
    ),
    key("match", Shape::Match, "One comparison."),
];

pub(super) const SECRET: &[Key] = &[
    key("env", Shape::Text, "The environment variable that holds the secret."),
    key("file", Shape::Text, "The file that holds the secret. A newline at its end is dropped."),
    key(
        "credential",
        Shape::Text,
        "The systemd credential that holds the secret (`LoadCredential=` in the unit).",
    ),
];

pub(super) const DEDUPLICATE: &[Key] = &[
    key(
        "by",
        Shape::DuplicateKey,
        "What tells deliveries apart: `delivery-id`, `signature`, or a reference.",
    ),
    key("for", Shape::Text, "How long a delivery is remembered, as 24h."),
];

pub(super) const CONCURRENCY: &[Key] = &[
    key("max", Shape::Count, "Runs that go on at once."),
    key("group", Shape::Text, "Hooks that name the same group share the limit. Without it: the hook alone."),
    key(
        "when-busy",
        Shape::Words(&WHEN_BUSY),
        "What a delivery beyond `max` meets. `queue`, which is meant without it: it waits, first in, first out. \
         `latest`: the newest waits and takes the place of the one that waited. `reject`: 429.",
    ),
    key("queue-limit", Shape::Count, "With `queue`: how many may wait. Beyond: 503. Without it: 100."),
];

pub(super) const WHEN_BUSY: [&str; 3] = ["queue", "latest", "reject"];

pub(super) const RETRY: &[Key] = &[
    key("attempts", Shape::Count, "Runs in all, with the first: 2 or more."),
    key(
        "initial",
        Shape::Text,
        "The wait before the second run, as 1s, and doubled before each further one.",
    ),
    key("max", Shape::Text, "The longest wait, as 5m. Chance adds up to a quarter to each."),
    key(
        "on",
        Shape::RetryCauses,
        "What is worth another run: `timeout`, `exit-code` for any but 0 and for a death by a signal, or exit \
         codes. Without it: `timeout` and `exit-code`.",
    ),
];

pub(super) const RETRY_CAUSES: [&str; 2] = ["timeout", "exit-code"];

#[cfg(test)]
mod tests;
