//! The cases of a hook: several commands, of which a request runs the first that its rule is met for.

use std::collections::HashSet;
use std::sync::Arc;

use super::check::{examine, read_hook};
use super::keys;
use super::lint;
use super::node::Node;
use super::problem::Kind;
use super::record::{Reader, Record};
use crate::hook::Hook;

/// Each request may have to evaluate the rules of all of them.
const CASES_MAX: usize = 100;
/// From a case to its hook: out of the list, and out of the key `cases`.
const STEPS_TO_HOOK: usize = 2;

const MISMATCH_CODE: &str = "trigger-rule-mismatch-http-response-code";

/// The cases in the record of `hook`. A mistake in one refuses the hook.
pub(super) fn cases(reader: &mut Reader<'_>, record: Record<'_>, hook: &Hook) -> Vec<Arc<Hook>> {
    let help = "write each case as an item with its own `trigger-rule`, or remove the key";
    let Some((at, node)) = record.get("cases") else {
        if record.has("cases") {
            reader.report(Kind::BadCases, "`cases` is empty", help);
        }
        return Vec::new();
    };
    reader.entry(at, "cases", |reader| {
        let Node::Sequence(items) = node else {
            reader.wrong_type::<()>(node, "a list of cases");
            return Vec::new();
        };
        if items.is_empty() {
            reader.report(Kind::BadCases, "the list of cases is empty", help);
        }
        if items.len() > CASES_MAX {
            let message = format!("{} cases are more than the {CASES_MAX} that are read", items.len());
            reader.report(Kind::BadCases, message, "make several hooks of them");
        }
        let mut names = HashSet::new();
        let mut cases = Vec::new();
        for (index, item) in items.iter().take(CASES_MAX).enumerate() {
            let case = reader.item(index, |reader| {
                reader.is_in_case = true;
                let case = case(reader, item, (record, hook), index, &mut names);
                reader.is_in_case = false;
                case
            });
            cases.extend(case.map(Arc::new));
        }
        cases
    })
}

fn case(
    reader: &mut Reader<'_>,
    node: &Node,
    (of_hook, hook): (Record<'_>, &Hook),
    index: usize,
    names: &mut HashSet<String>,
) -> Option<Hook> {
    let before = reader.problems.len();
    let own = reader.record(node, "a case", &keys::CASE)?;
    for key in keys::OF_HOOK_ALONE {
        if own.has_itself(key) {
            let message = format!("`{key}` belongs to the hook, not to one of its cases");
            reader.report_at_entry((own, key), Kind::MisplacedKey, message, "write it beside `cases`");
        }
    }
    if own.has_itself(MISMATCH_CODE) {
        let message =
            format!("`{MISMATCH_CODE}` has no effect in a case: the hook's is sent when none is met");
        let help = "write it beside `cases`, or remove it";
        reader.report_at_entry((own, MISMATCH_CODE), Kind::NeedlessKey, message, help);
    }
    let name = reader.text(own, "name").filter(|name| !name.is_empty()).unwrap_or_else(|| index.to_string());
    if !names.insert(name.clone()) {
        let message = format!("two cases are called `{name}`");
        reader.report_at_entry((own, "name"), Kind::BadCases, message, "give each its own name");
    }
    let record = own.with_defaults(of_hook, STEPS_TO_HOOK);
    let case = Hook { case: Some(name), ..read_hook(reader, record, hook.id.clone()) };
    examine(reader, record, &case, before);
    if own.has_itself("trigger-rule") {
        lint::rule_of_case(reader, own, hook, &case);
    }
    Some(case)
}
