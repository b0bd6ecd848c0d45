//! From a file's text to checked hooks.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};

use super::Loaded;
use super::check_rule::rule;
use super::node::{self, Node, Position, Segment, Target};
use super::problem::{Effect, Problem};
use super::record::{Reader, Record};
use crate::hook::{Command, Entry, FileVariable, Hook, OutputInResponse, ResponseSettings, Variable};
use crate::nearest::nearest;
use crate::payload::Wanted;
use crate::reference::Reference;
use crate::rule::{Match, Rule};

const HOOK_KEYS: [&str; 17] = [
    "id",
    "execute-command",
    "command-working-directory",
    "response-message",
    "response-headers",
    "success-http-response-code",
    "trigger-rule-mismatch-http-response-code",
    "include-command-output-in-response",
    "include-command-output-in-response-on-error",
    "http-methods",
    "incoming-payload-content-type",
    "parse-parameters-as-json",
    "pass-arguments-to-command",
    "pass-environment-to-command",
    "pass-file-to-command",
    "trigger-rule",
    "trigger-signature-soft-failures",
];
const REFERENCE_KEYS: [&str; 4] = ["source", "name", "envname", "base64decode"];

/// Checks the text of `file`.
pub(super) fn check(text: &str, file: Arc<str>) -> Loaded {
    let mut reader = Reader::new(file.clone(), text);
    let (hooks, syntax_error) = match node::parse(text) {
        Ok((root, more_follow)) => {
            let hooks = file_hooks(&mut reader, &root);
            if more_follow {
                let message = "only the first document of the file is read, and another follows after `---`";
                reader.report(
                    Effect::Error,
                    message,
                    Some("put all hooks into one list".to_owned()),
                );
            }
            (hooks, None)
        }
        Err(error) => (Vec::new(), Some(error)),
    };
    let is_refused = reader.file_refused || syntax_error.is_some();
    let mut problems: Vec<Problem> = reader
        .problems
        .into_iter()
        .map(|(problem, target)| Problem {
            position: node::locate(text, &target),
            ..problem
        })
        .collect();
    if let Some(error) = syntax_error {
        problems.push(file_problem(&file, error.position, error.message));
    }
    if reader.problems_dropped > 0 {
        let message = format!("{} more problems are not shown", reader.problems_dropped);
        problems.push(Problem {
            effect: Effect::Warning,
            ..file_problem(&file, Position::default(), message)
        });
    }
    let hooks = if is_refused { Vec::new() } else { hooks };
    Loaded {
        hooks,
        problems,
        is_refused,
    }
}

/// The line on which the hook at `index` begins.
pub(super) fn line_of_hook(text: &str, index: usize) -> usize {
    node::locate(
        text,
        &Target {
            path: vec![Segment::Item(index)],
            at_key: false,
        },
    )
    .line
}

fn file_problem(file: &Arc<str>, position: Position, message: String) -> Problem {
    Problem {
        effect: Effect::FileRefused,
        file: file.clone(),
        position,
        hook: None,
        key: String::new(),
        message,
        help: None,
    }
}

fn file_hooks(reader: &mut Reader<'_>, root: &Node) -> Vec<(usize, Entry)> {
    let items = match root {
        Node::Null => return Vec::new(),
        Node::Sequence(items) => items,
        other => {
            reader.wrong_type::<()>(other, "a list of hooks (`- id: …`, or `[{\"id\": …}]`)");
            return Vec::new();
        }
    };
    let mut first_by_id: HashMap<String, usize> = HashMap::new();
    let mut hooks = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        reader.hook = None;
        reader.refusal = None;
        let Some(entry) = reader.item(index, |reader| hook(reader, item)) else {
            continue;
        };
        if let Some(first) = first_by_id.insert(entry.id().to_owned(), index) {
            let first = reader.place_of_item(first);
            let message = format!("the id `{}` stands here and in {first}", entry.id());
            reader.item(index, |reader| {
                reader.report(
                    Effect::FileRefused,
                    message,
                    Some("give each hook its own id".to_owned()),
                );
            });
        }
        hooks.push((index, entry));
    }
    hooks
}

fn hook(reader: &mut Reader<'_>, node: &Node) -> Option<Entry> {
    let id = peek_id(node);
    reader.hook.clone_from(&id);
    let record = reader.record(node, "a hook", &HOOK_KEYS)?;
    let id_read = reader.text(record, "id").filter(|id| !id.is_empty());
    let hook = read_hook(reader, record, id_read.clone().unwrap_or_default());
    let Some(id) = id_read else {
        let help = "without an `id` no request can reach the hook".to_owned();
        reader.report(Effect::Error, "the hook has no `id`", Some(help));
        return None;
    };
    Some(match reader.refusal.take() {
        Some(reason) => Entry::Refused {
            id: id.into(),
            reason: reason.into(),
        },
        None => Entry::Ready(Arc::new(hook)),
    })
}

/// The id before anything is checked, so that every report can name the hook.
fn peek_id(node: &Node) -> Option<String> {
    let Node::Mapping(entries) = node else { return None };
    let (_, id) = entries
        .iter()
        .rev()
        .find(|(key, _)| key.eq_ignore_ascii_case("id"))?;
    match id {
        Node::Text(text) | Node::Number(text) => Some(text.clone()),
        Node::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn read_hook(reader: &mut Reader<'_>, record: Record<'_>, id: String) -> Hook {
    let program = reader.text(record, "execute-command").unwrap_or_default();
    if program.is_empty() {
        let help = "name the program to run".to_owned();
        reader.report(
            Effect::Error,
            "the hook has no `execute-command`: it cannot run",
            Some(help),
        );
    }
    let working_directory = reader
        .text(record, "command-working-directory")
        .filter(|path| !path.is_empty());
    let arguments = reader.list(record, "pass-arguments-to-command", argument);
    let environment = reader.list(record, "pass-environment-to-command", variable);
    let files = reader.list(record, "pass-file-to-command", file_variable);
    let parse_as_json = reader.list(record, "parse-parameters-as-json", argument);
    let rule = record
        .get("trigger-rule")
        .and_then(|(index, node)| reader.entry(index, "trigger-rule", |reader| rule(reader, node)));
    if record.has("trigger-rule") && record.get("trigger-rule").is_none() {
        let help = "write a rule, or remove the key".to_owned();
        reader.report(
            Effect::Warning,
            "`trigger-rule` is empty: anyone may run this hook",
            Some(help),
        );
    }
    let methods = reader.list(record, "http-methods", |reader, node| match node {
        Node::Text(method) => Some(method.trim().to_uppercase()),
        other => reader.wrong_type(other, "the name of a method"),
    });
    let mut references: Vec<&Reference> = arguments.iter().chain(&parse_as_json).collect();
    references.extend(environment.iter().map(|variable| &variable.value));
    references.extend(files.iter().map(|file| &file.value));
    if let Some(rule) = &rule {
        collect_parameters(rule, &mut references);
    }
    let is_of_payload =
        |reference: &&Reference| matches!(reference, Reference::Payload(_) | Reference::EntirePayload);
    let refers_to_payload = references.iter().any(is_of_payload);
    let wanted = wanted(&references);
    Hook {
        id,
        command: Command {
            program,
            working_directory,
        },
        arguments,
        environment,
        files,
        methods: (!methods.is_empty()).then_some(methods),
        content_type: reader
            .text(record, "incoming-payload-content-type")
            .filter(|text| !text.is_empty()),
        parse_as_json,
        rule,
        soft_signature_failures: reader.flag(record, "trigger-signature-soft-failures"),
        response: response_settings(reader, record),
        wanted,
        refers_to_payload,
    }
}

fn response_settings(reader: &mut Reader<'_>, record: Record<'_>) -> ResponseSettings {
    let on_success = reader.flag(record, "include-command-output-in-response");
    let on_error = reader.flag(record, "include-command-output-in-response-on-error");
    ResponseSettings {
        message: reader.text(record, "response-message").unwrap_or_default(),
        headers: reader.list(record, "response-headers", response_header),
        success_code: reader.integer(record, "success-http-response-code"),
        mismatch_code: reader.integer(record, "trigger-rule-mismatch-http-response-code"),
        output: match (on_success, on_error) {
            (true, true) => OutputInResponse::Always,
            (true, false) => OutputInResponse::OnSuccess,
            (false, _) => OutputInResponse::No,
        },
    }
}

fn response_header(reader: &mut Reader<'_>, node: &Node) -> Option<(HeaderName, HeaderValue)> {
    let record = reader.record(node, "a header", &["name", "value"])?;
    let name = reader.text(record, "name").unwrap_or_default();
    let value = reader.text(record, "value").unwrap_or_default();
    match (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_str(&value),
    ) {
        (Ok(name), Ok(value)) => Some((name, value)),
        (Err(_), _) => {
            reader.report(
                Effect::Error,
                format!("`{name}` cannot be the name of a header: it is not sent"),
                None,
            );
            None
        }
        (_, Err(_)) => {
            reader.report(
                Effect::Error,
                format!("the value of header `{name}` cannot be sent"),
                None,
            );
            None
        }
    }
}

fn argument(reader: &mut Reader<'_>, node: &Node) -> Option<Reference> {
    reader
        .record(node, "a reference", &REFERENCE_KEYS)
        .map(|record| reference(reader, record))
}

fn variable(reader: &mut Reader<'_>, node: &Node) -> Option<Variable> {
    let record = reader.record(node, "a reference", &REFERENCE_KEYS)?;
    let value = reference(reader, record);
    let name = reader
        .text(record, "envname")
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("HOOK_{}", reader.text(record, "name").unwrap_or_default()));
    checked_variable_name(reader, name).map(|name| Variable { name, value })
}

fn file_variable(reader: &mut Reader<'_>, node: &Node) -> Option<FileVariable> {
    let record = reader.record(node, "a reference", &REFERENCE_KEYS)?;
    let value = reference(reader, record);
    let base64 = reader.flag(record, "base64decode");
    let name = reader
        .text(record, "envname")
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| {
            format!(
                "HOOK_{}",
                reader.text(record, "name").unwrap_or_default().to_uppercase()
            )
        });
    checked_variable_name(reader, name).map(|name| FileVariable { name, value, base64 })
}

fn checked_variable_name(reader: &mut Reader<'_>, name: String) -> Option<String> {
    if name.contains(['=', '\0']) {
        reader.report(
            Effect::Error,
            "an environment name holds no `=` and no NUL: the variable is left out",
            None,
        );
        return None;
    }
    Some(name)
}

/// The reference in `record`; one that can never have a value is reported and kept.
pub(super) fn reference(reader: &mut Reader<'_>, record: Record<'_>) -> Reference {
    let source = reader.text(record, "source").unwrap_or_default();
    let name = reader.text(record, "name").unwrap_or_default();
    let reference = Reference::new(&source, &name);
    if let Reference::Unusable { .. } = reference {
        let (what, known): (_, &[&str]) = match source.as_str() {
            "request" => (format!("`request` has no `{name}`"), &Reference::REQUEST_NAMES),
            "" => ("the reference has no `source`".to_owned(), &Reference::SOURCES),
            _ => (format!("unknown source `{source}`"), &Reference::SOURCES),
        };
        let written = if source == "request" { &name } else { &source };
        let help = match nearest(written, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of {}", known.join(", ")),
        };
        reader.report(Effect::Error, what, Some(help));
    }
    reference
}

/// The parts of a JSON payload that `references` can ask for.
fn wanted(references: &[&Reference]) -> Wanted {
    if references
        .iter()
        .any(|reference| matches!(reference, Reference::EntirePayload))
    {
        return Wanted::everything();
    }
    Wanted::names(references.iter().filter_map(|reference| match reference {
        Reference::Payload(name) => Some(name.as_str()),
        _ => None,
    }))
}

fn collect_parameters<'r>(rule: &'r Rule, into: &mut Vec<&'r Reference>) {
    match rule {
        Rule::And(parts) | Rule::Or(parts) => parts.iter().for_each(|part| collect_parameters(part, into)),
        Rule::Not(part) => collect_parameters(part, into),
        Rule::Match(part) => match part.as_ref() {
            Match::Value { parameter, .. }
            | Match::Regex { parameter, .. }
            | Match::Hmac { parameter, .. } => {
                into.push(parameter);
            }
            Match::IpWhitelist { .. } | Match::ScalrSignature { .. } => {}
        },
    }
}
