//! References as written, checked: where a value is found, and what stands for it.

use std::sync::Arc;

use super::node::Node;
use super::problem::Kind;
use super::record::{Reader, Record};
use super::{keys, lint};
use crate::hook::{Argument, FileVariable, Variable};
use crate::nearest::nearest;
use crate::pattern::Pattern;
use crate::reference::{IfMissing, Reference, Subject};
use crate::template::{Template, TemplateError};

/// The source whose name is a template.
const TEMPLATE: &str = "template";

pub(super) fn argument(reader: &mut Reader<'_>, node: &Node) -> Option<Argument> {
    let record = reader.record(node, "a reference", keys::ARGUMENT)?;
    Some(Argument { value: reference(reader, record), spread: reader.flag(record, "spread") })
}

pub(super) fn stdin(reader: &mut Reader<'_>, node: &Node) -> Option<Reference> {
    reader.record(node, "a reference", keys::REFERENCE).map(|record| reference_to_bytes(reader, record))
}

/// A value that is replaced where it stands, so that nothing can stand for it when it is missing.
pub(super) fn parsed_parameter(reader: &mut Reader<'_>, node: &Node) -> Option<Reference> {
    let record = reader.record(node, "a reference", keys::REFERENCE)?;
    let reference = reference(reader, record);
    if matches!(reference.if_missing, IfMissing::Default(_)) {
        let message = "a value that is missing is not parsed: the `default` has no use here";
        let help = "write it where the value is used";
        reader.report_at_entry((record, "default"), Kind::BadReference, message, help);
    }
    Some(reference)
}

pub(super) fn variable(reader: &mut Reader<'_>, node: &Node) -> Option<Variable> {
    let record = reader.record(node, "a reference", keys::REFERENCE)?;
    let value = reference(reader, record);
    let name = variable_name(reader, record, &value, str::to_owned)?;
    checked_variable_name(reader, name).map(|name| Variable { name, value })
}

pub(super) fn file_variable(reader: &mut Reader<'_>, node: &Node) -> Option<FileVariable> {
    let record = reader.record(node, "a reference", keys::REFERENCE)?;
    let value = reference_to_bytes(reader, record);
    let base64 = reader.flag(record, "base64decode");
    let name = variable_name(reader, record, &value, str::to_uppercase)?;
    checked_variable_name(reader, name).map(|name| FileVariable { name, value, base64 })
}

/// `envname`, or else one made of the `name`.
fn variable_name(
    reader: &mut Reader<'_>,
    record: Record<'_>,
    value: &Reference,
    cased: fn(&str) -> String,
) -> Option<String> {
    let written = reader.text(record, "envname").filter(|name| !name.is_empty());
    if written.is_none() && matches!(value.subject, Subject::Template(_)) {
        let message = "a template makes no name for a variable: it is left out";
        reader.report(Kind::BadVariable, message, "give it an `envname`");
        return None;
    }
    let made = || format!("HOOK_{}", cased(&reader.text(record, "name").unwrap_or_default()));
    Some(written.unwrap_or_else(made))
}

fn checked_variable_name(reader: &mut Reader<'_>, name: String) -> Option<String> {
    if name.contains(['=', '\0']) {
        let message = "an environment name holds no `=` and no NUL: the variable is left out";
        reader.report(Kind::BadVariable, message, "give it another `envname`");
        return None;
    }
    if reader.reading.examination.is_some() {
        lint::variable_name(reader, &name);
    }
    Some(name)
}

/// The reference in `record`; one that can never have a value is reported and kept.
pub(super) fn reference(reader: &mut Reader<'_>, record: Record<'_>) -> Reference {
    let reference = reference_to_bytes(reader, record);
    if matches!(reference.subject, Subject::Upload(_)) {
        let message = "an upload can be a file or the stdin of the command, and nothing else";
        let help = "move it to `pass-file-to-command`, or take a field of the form with `source: payload`";
        reader.report_at_entry((record, "source"), Kind::BadReference, message, help);
    }
    reference
}

/// The same where the bytes of an upload can go.
pub(super) fn reference_to_bytes(reader: &mut Reader<'_>, record: Record<'_>) -> Reference {
    let source = reader.text(record, "source").unwrap_or_default();
    let name = reader.text(record, "name").unwrap_or_default();
    let mut reference = Reference::new(&source, &name);
    if source == TEMPLATE {
        if let Some(template) = template(reader, record, "name") {
            reference.subject = Subject::Template(Arc::new(template));
        }
    } else if let Subject::Unusable { .. } = reference.subject {
        unknown_source(reader, record, &source, &name);
    }
    if let Subject::Path(name) = &reference.subject {
        path_name(reader, record, "name", name);
    }
    reference.if_missing = match if_missing(reader, record, &reference.subject) {
        // With `default` filters a template says itself what it can do without.
        IfMissing::None if matches!(reference.subject, Subject::Template(_)) => IfMissing::Refuse,
        written => written,
    };
    if reader.reading.examination.is_some() {
        lint::reference(reader, &reference);
    }
    reference
}

fn unknown_source(reader: &mut Reader<'_>, record: Record<'_>, source: &str, name: &str) {
    let (what, known): (_, &[&str]) = match source {
        "request" => (format!("`request` has no `{name}`"), &Reference::REQUEST_NAMES),
        "delivery" => (format!("`delivery` has no `{name}`"), &Reference::DELIVERY_NAMES),
        "" => ("the reference has no `source`".to_owned(), &Reference::SOURCES),
        _ => (format!("unknown source `{source}`"), &Reference::SOURCES),
    };
    let is_of_name = matches!(source, "request" | "delivery");
    let help = match nearest(if is_of_name { name } else { source }, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}", known.join(", ")),
    };
    let key = if is_of_name { "name" } else { "source" };
    reader.report_at_entry((record, key), Kind::UnknownSource, what, help);
}

/// Reports `name` at `key` when the hook's id does not have it.
fn path_name(reader: &mut Reader<'_>, record: Record<'_>, key: &str, name: &str) {
    let pattern = reader.hook.as_deref().and_then(Pattern::of);
    let known: Vec<&str> = pattern.iter().flat_map(Pattern::names).collect();
    if known.contains(&name) {
        return;
    }
    let help = match nearest(name, &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "write the id as `deploy/{env}`, and `env` as the name here".to_owned(),
        None => format!("write one of {}", known.join(", ")),
    };
    let message = format!("the hook's id has no `{{{name}}}`");
    reader.report_at_entry((record, key), Kind::UnknownSource, message, help);
}

fn if_missing(reader: &mut Reader<'_>, record: Record<'_>, subject: &Subject) -> IfMissing {
    if record.has("default") && record.get("default").is_none() {
        let help = "write the text, or `default: \"\"` for an empty one";
        reader.report(Kind::BadReference, "`default` is empty", help);
    }
    let default = reader.text(record, "default");
    let is_required = reader.flag(record, "required");
    let (key, if_missing) = match (default, is_required) {
        (None, false) => return IfMissing::None,
        (Some(_), true) => {
            let message = "a value with a `default` is never missing, so it cannot be `required`";
            reader.report_at_entry((record, "required"), Kind::BadReference, message, "keep one of the two");
            return IfMissing::Refuse;
        }
        (Some(text), false) => ("default", IfMissing::Default(text.into())),
        (None, true) => ("required", IfMissing::Refuse),
    };
    if reader.reading.examination.is_some() && !subject.may_be_missing() {
        let message = format!("`{subject}` is in every request");
        let help = format!("remove `{key}`");
        reader.report_at_entry((record, key), Kind::NeverMissing, message, help);
    }
    if_missing
}

/// The template that stands at `key`.
pub(super) fn template(reader: &mut Reader<'_>, record: Record<'_>, key: &str) -> Option<Template> {
    let Some((index, _)) = record.get(key) else {
        let message = format!("the template has no text: write it as `{key}`");
        reader.report(Kind::BadTemplate, message, "as \"{{ payload.ref }}\", in quotes");
        return None;
    };
    let source = reader.text(record, key)?;
    match Template::new(&source) {
        Ok(template) => {
            for name in template.path_names() {
                path_name(reader, record, key, name);
            }
            Some(template)
        }
        Err(TemplateError { offset, message }) => {
            let before = source.get(..offset).unwrap_or_default();
            let message = match before.matches('\n').count() {
                _ if !source.trim_end().contains('\n') => message,
                lines => format!("{message} (in line {} of the template)", lines + 1),
            };
            let help = "templates are written as for Jinja: docs/hooks.md has the names they know";
            reader.entry(index, key, |reader| {
                reader.report_inside((&source, offset), Kind::BadTemplate, message, help);
            });
            None
        }
    }
}
