//! From a file's text to checked hooks.

use std::cell::LazyCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::check_admission::{concurrency, retry};
use super::check_cases::cases;
use super::check_circumstances::circumstances;
use super::check_reference::{argument, file_variable, parsed_parameter, stdin, variable};
use super::check_response::{command_output, response_settings};
use super::check_rule::rule;
use super::check_verify::{deduplicate, verify};
use super::excerpt::Excerpt;
use super::masking::Masking;
use super::node::{self, Node, Position, Segment, Target};
use super::problem::{Effect, Kind, Problem};
use super::record::{Reader, Record};
use super::syntax::{self, Mistake};
use super::{Loaded, Reading, Source, inspect, keys, lint};
use crate::hook::{Command, Entry, Hook, Needs, OutputInResponse};
use crate::pattern::{PARTS_MAX, Pattern};
use crate::rule::Rule;

/// Checks the text of a file.
pub(super) fn check(source: &Source<'_>, reading: &Reading) -> Loaded {
    let text = &source.text;
    let mut reader = Reader::new(source.file.clone(), text, reading);
    let (hooks, of_text) = match node::parse(text) {
        Ok((root, next)) => {
            let hooks = file_hooks(&mut reader, &root);
            (hooks, next.map(|position| (Kind::SeveralDocuments, syntax::more(text, position))))
        }
        Err(error) => (Vec::new(), Some((Kind::Syntax, syntax::mistake(text, &error)))),
    };
    if reading.examination.is_some() {
        inspect::file(&mut reader, source);
    }
    let is_unread = matches!(of_text, Some((Kind::Syntax, _)));
    let is_refused = reader.file_refused || is_unread;
    let written = reader.literal_secrets.iter().map(|secret| secret.text.clone());
    // To look for what is secret takes as long as a tenth of the reading, and only excerpts need it.
    let masking = LazyCell::new(|| Masking::new(text, is_unread, written));
    let excerpt = |position| reading.examination.as_ref().and_then(|_| source.excerpt(position, &masking));
    let mut problems: Vec<Problem> = reader
        .problems
        .into_iter()
        .map(|(problem, place)| {
            // What has no place is about the file as a whole.
            if place.target.path.is_empty() && problem.kind != Kind::WrongType {
                return problem;
            }
            let position = node::locate(text, &place.target);
            let position = match &place.inside {
                Some((value, offset)) => Excerpt::position_inside(text, position, value, *offset),
                None => position,
            };
            Problem { position, excerpt: excerpt(position), ..problem }
        })
        .collect();
    if let Some((kind, Mistake { position, message, help })) = of_text {
        let problem = Problem::of_file(kind, source.file.clone(), message, &help);
        problems.push(Problem { position, excerpt: excerpt(position), ..problem });
    }
    if reader.problems_dropped > 0 {
        let message = format!("more is wrong than is shown here, in {} places", reader.problems_dropped);
        problems.push(Problem::of_file(
            Kind::NotShown,
            source.file.clone(),
            message,
            "mend the others first",
        ));
    }
    let hooks = if is_refused { Vec::new() } else { hooks };
    Loaded { hooks, problems, is_refused }
}

/// Where the hook at `index` begins.
pub(super) fn place_of_hook(text: &str, index: usize) -> Position {
    node::locate(text, &Target { path: vec![Segment::Item(index)], at_key: false })
}

fn file_hooks(reader: &mut Reader<'_>, root: &Node) -> Vec<(usize, Entry)> {
    let items = match root {
        Node::Null => return Vec::new(),
        Node::Sequence(items) => items,
        other => {
            not_a_list(reader, other);
            return Vec::new();
        }
    };
    let mut first_by_addresses: HashMap<String, (usize, String)> = HashMap::new();
    let mut hooks = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        reader.hook = None;
        reader.refusal = None;
        let Some(entry) = reader.item(index, |reader| hook(reader, item)) else {
            continue;
        };
        let this = (index, entry.id().to_owned());
        if let Some((first, first_id)) = first_by_addresses.insert(entry.addresses().into_owned(), this) {
            let first = reader.place_of_item(first);
            let message = match entry.id() {
                id if id == first_id => format!("the id `{id}` stands here and in {first}"),
                id => format!("the ids `{id}` and `{first_id}`, in {first}, stand for the same addresses"),
            };
            reader.item(index, |reader| {
                reader.report(Kind::DuplicateId, message, "give each hook its own id");
            });
        }
        hooks.push((index, entry));
    }
    hooks
}

#[cold]
fn not_a_list(reader: &mut Reader<'_>, root: &Node) {
    const WANTED: &str = "a list of hooks (`- id: …`, or `[{\"id\": …}]`)";
    let entries = match root {
        Node::Mapping(entries) => entries.as_slice(),
        _ => return reader.wrong_type::<()>(root, WANTED).unwrap_or_default(),
    };
    let has_id = entries.iter().any(|(key, _)| key.eq_ignore_ascii_case("id"));
    let help = match entries {
        _ if has_id => {
            "write `- ` before its first key and indent the others as far, in JSON `[` and `]` around it"
                .to_owned()
        }
        [(key, Node::Sequence(_))] => format!("remove the key `{key}`: the list alone is the file"),
        _ => "begin each hook with `- id: NAME` and indent its keys under it".to_owned(),
    };
    reader.report(Kind::WrongType, format!("{WANTED} is wanted here, not a mapping"), help);
}

fn hook(reader: &mut Reader<'_>, node: &Node) -> Option<Entry> {
    let id = peek_id(node);
    reader.hook.clone_from(&id);
    let record = reader.record(node, "a hook", keys::HOOK)?;
    let id_read = reader.text(record, "id").filter(|id| !id.is_empty());
    let before = reader.problems.len();
    if let Some(pattern) = id_read.as_deref().and_then(Pattern::of) {
        check_pattern(reader, record, &pattern);
    }
    let mut hook = read_hook(reader, record, id_read.clone().unwrap_or_default());
    hook.cases = cases(reader, record, &hook);
    hook.needs = Needs::of(&hook);
    if hook.cases.is_empty() {
        examine(reader, record, &hook, before);
    }
    let Some(id) = id_read else {
        reader.report(
            Kind::NoId,
            "the hook has no `id`",
            "write one: without it no request can reach the hook",
        );
        return None;
    };
    Some(match reader.refusal.take() {
        Some(reason) => Entry::Refused { id: id.into(), reason: reason.into() },
        None => Entry::Ready(Arc::new(hook)),
    })
}

/// Says for `check` what else may be wrong with what can run. There were `before` problems when its reading began.
pub(super) fn examine(reader: &mut Reader<'_>, record: Record<'_>, hook: &Hook, before: usize) {
    if let Some(examination) = &reader.reading.examination {
        let mut problems = reader.problems.iter().skip(before);
        let is_refused =
            reader.refusal.is_some() || problems.any(|(problem, _)| problem.effect() == Effect::FileRefused);
        lint::hook(reader, record, hook, is_refused, examination.is_status_sent);
        inspect::command(reader, record, hook, examination);
    }
}

fn check_pattern(reader: &mut Reader<'_>, record: Record<'_>, pattern: &Pattern) {
    let names: Vec<&str> = pattern.names().collect();
    let twice =
        names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|other| other == *name));
    if let Some((_, name)) = twice {
        let message = format!("the id has `{{{name}}}` twice");
        reader.report_at_entry((record, "id"), Kind::BadId, message, "give each part its own name");
    }
    if pattern.part_count() > PARTS_MAX {
        let message = format!("the id has names in braces and more than {PARTS_MAX} parts");
        reader.report_at_entry((record, "id"), Kind::BadId, message, "write a shorter one");
    }
}

/// The id before anything is checked, so that every report can name the hook.
fn peek_id(node: &Node) -> Option<String> {
    let Node::Mapping(entries) = node else { return None };
    let (_, id) = entries.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case("id"))?;
    match id {
        Node::Text(text) | Node::Number { text, .. } => Some(text.clone()),
        Node::Bool { value, .. } => Some(value.to_string()),
        _ => None,
    }
}

/// What `record` says but for the cases. Those are read by the same, with the hook as their defaults.
pub(super) fn read_hook(reader: &mut Reader<'_>, record: Record<'_>, id: String) -> Hook {
    let program = reader.text(record, "execute-command").unwrap_or_default();
    if program.is_empty() && (reader.is_in_case || !record.has("cases")) {
        let what = if reader.is_in_case { "case" } else { "hook" };
        let message = format!("the {what} has no `execute-command`: it cannot run");
        reader.report(Kind::NoCommand, message, "name the program to run");
    }
    let working_directory = reader.text(record, "command-working-directory").filter(|path| !path.is_empty());
    let verify = guard(reader, record, "verify", verify);
    let is_sender_refused = record.has("verify") && verify.is_none();
    if is_sender_refused {
        // Whatever was said of it: without the sender that it asks for, a hook is open to nobody.
        reader
            .refusal
            .get_or_insert_with(|| "verify: the sender is not one that can be asked for".to_owned());
    }
    let deduplicate = guard(reader, record, "deduplicate", |reader, node| {
        deduplicate(reader, node, verify.as_ref(), is_sender_refused)
    });
    let methods = reader.list(record, "http-methods", method);
    let response = response_settings(reader, record);
    let is_streamed = response.output == OutputInResponse::Streamed;
    let concurrency = concurrency(reader, record, &id);
    let mut hook = Hook {
        pattern: Pattern::of(&id),
        id,
        case: None,
        cases: Vec::new(),
        command: Command { program, working_directory, output: command_output(reader, record) },
        arguments: reader.list(record, "pass-arguments-to-command", argument),
        environment: reader.list(record, "pass-environment-to-command", variable),
        files: reader.list(record, "pass-file-to-command", file_variable),
        stdin: reader.at(record, "pass-stdin-to-command", stdin).flatten(),
        circumstances: Arc::new(circumstances(reader, record)),
        // A list that names none allows none.
        methods: (!methods.is_empty())
            .then(|| methods.into_iter().filter(|method| !method.is_empty()).collect()),
        content_type: reader.text(record, "incoming-payload-content-type").filter(|text| !text.is_empty()),
        parse_as_json: reader.list(record, "parse-parameters-as-json", parsed_parameter),
        verify,
        deduplicate,
        rule: trigger_rule(reader, record),
        soft_signature_failures: reader.flag(record, "trigger-signature-soft-failures"),
        response,
        concurrency,
        retry: guard(reader, record, "retry", |reader, node| retry(reader, node, is_streamed)),
        needs: Needs::default(),
    };
    hook.needs = Needs::of(&hook);
    if hook.needs.delivery && hook.verify.is_none() && !is_sender_refused {
        let help = "add `verify:` with the sender's name";
        reader.report(Kind::UnverifiedDelivery, "`delivery` is known only of a verified sender", help);
    }
    hook
}

/// An empty text names none.
fn method(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let method = match node {
        Node::Null => String::new(),
        named => reader.text_of(named)?.trim().to_uppercase(),
    };
    if method.is_empty() {
        let help = "write the method's name, or remove the item";
        reader.report(Kind::NamelessMethod, "no method has this name: it lets nothing in", help);
    }
    Some(method)
}

/// A key that guards the hook: written without a value it is a mistake, not a way to do without.
pub(super) fn guard<T>(
    reader: &mut Reader<'_>,
    record: Record<'_>,
    key: &str,
    read: impl FnOnce(&mut Reader<'_>, &Node) -> Option<T>,
) -> Option<T> {
    match record.get(key) {
        Some((index, node)) => {
            reader.is_in_guard = true;
            let value = reader.entry(index, key, |reader| read(reader, node));
            reader.is_in_guard = false;
            value
        }
        None => {
            refuse_empty(reader, record, [key], "write its keys below it, or remove it");
            None
        }
    }
}

/// The same for keys whose values are read in another way.
pub(super) fn refuse_empty<'k>(
    reader: &mut Reader<'_>,
    record: Record<'_>,
    keys: impl IntoIterator<Item = &'k str>,
    help: &str,
) {
    for key in keys {
        if record.has(key) && record.get(key).is_none() {
            reader.report(Kind::EmptyGuard, format!("`{key}` is empty"), help);
        }
    }
}

fn trigger_rule(reader: &mut Reader<'_>, record: Record<'_>) -> Option<Rule> {
    let written = record.get("trigger-rule");
    if written.is_none() && record.has("trigger-rule") {
        let message = "`trigger-rule` is empty: it guards nothing";
        reader.report(Kind::EmptyTriggerRule, message, "write a rule, or remove the key");
    }
    let (index, node) = written?;
    reader.entry(index, "trigger-rule", |reader| rule(reader, node))
}
