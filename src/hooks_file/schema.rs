//! The JSON Schema of a hooks file, for editors, from the same tables of keys that the checker has.

use serde_json::{Map, Value, json};

use super::keys::{self, Key, Shape};
use crate::sender::{OPEN, table};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Spelled in lower case; the program takes keys in any case.
pub(crate) fn schema() -> Value {
    json!({
        "$schema": DRAFT,
        "title": "hookrunner hooks file",
        "description": "A list of hooks.",
        "type": ["array", "null"],
        "items": {"$ref": "#/$defs/hook"},
        "$defs": {
            "text": {"type": ["string", "number", "boolean"]},
            "flag": {"enum": [true, false, "yes", "no", "on", "off"]},
            "hook": hook(),
            "case": case(),
            "reference": record(keys::REFERENCE, &["source"]),
            "argument": record(keys::ARGUMENT, &["source"]),
            "header": record(keys::HEADER, &["name"]),
            "rule": rule(),
            "match": matching(),
            "secret": secret(),
            "verify": record(keys::VERIFY, &[]),
            "deduplicate": record(keys::DEDUPLICATE, &["by"]),
            "concurrency": record(keys::CONCURRENCY, &["max"]),
            "retry": record(keys::RETRY, &["attempts"]),
            "command-environment": record(keys::COMMAND_ENVIRONMENT, &["mode"]),
            "run-as": record(keys::RUN_AS, &["user"]),
            "limits": limits(),
            "duplicate-reference": record(keys::DUPLICATE_REFERENCE, &["source"]),
        },
    })
}

fn record(keys: &[Key], required: &[&str]) -> Value {
    let mut properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), described(key))).collect();
    // YAML's merge key, for editors that do not merge.
    properties.insert("<<".to_owned(), json!(true));
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Its cases may have the commands.
fn hook() -> Value {
    let mut hook = record(keys::HOOK, &["id"]);
    hook["anyOf"] = json!([{"required": ["execute-command"]}, {"required": ["cases"]}]);
    hook
}

fn case() -> Value {
    let is_of_hook = |key: &&Key| keys::OF_HOOK_ALONE.contains(&key.name);
    let keys: Vec<Key> = keys::CASE.iter().filter(|key| !is_of_hook(key)).copied().collect();
    record(&keys, &[])
}

fn described(key: &Key) -> Value {
    let mut value = shape(key.shape);
    if let Some(object) = value.as_object_mut() {
        object.insert("description".to_owned(), key.description.into());
    }
    value
}

fn shape(shape: Shape) -> Value {
    let of = |name: &str| json!({"$ref": format!("#/$defs/{name}")});
    let list = |name: &str| json!({"type": "array", "items": of(name)});
    match shape {
        Shape::Text => of("text"),
        Shape::Flag => of("flag"),
        Shape::Integer => json!({"type": "integer"}),
        Shape::Count => json!({"type": "integer", "minimum": 1}),
        Shape::Words(words) => json!({"enum": words}),
        Shape::MatchType => {
            let types = keys::MATCH_TYPES.into_iter().chain(keys::OLD_MATCH_TYPES);
            // YAML's `type: null` is no text.
            let types: Vec<Value> = types.map(Value::from).chain([Value::Null]).collect();
            json!({"enum": types})
        }
        Shape::Methods => list("text"),
        Shape::Names => json!({"type": "array", "items": {"type": "string"}}),
        Shape::ExitCodes => json!({
            "type": "object",
            "propertyNames": {"pattern": "^(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]|<<)$"},
            "additionalProperties": {"type": "integer", "minimum": 200, "maximum": 599},
        }),
        Shape::Texts => texts(),
        Shape::TextOrTexts => json!({"anyOf": [of("text"), texts()]}),
        Shape::Reference => of("reference"),
        Shape::References => list("reference"),
        Shape::Arguments => list("argument"),
        Shape::Headers => list("header"),
        Shape::Secrets => {
            json!({"anyOf": [of("secret"), {"type": "array", "minItems": 1, "items": of("secret")}]})
        }
        Shape::Sender => json!({"enum": senders()}),
        Shape::Verify => of("verify"),
        Shape::Deduplicate => of("deduplicate"),
        Shape::DuplicateKey => {
            json!({"anyOf": [{"enum": ["delivery-id", "signature"]}, of("duplicate-reference")]})
        }
        Shape::Concurrency => of("concurrency"),
        Shape::Retry => of("retry"),
        Shape::RetryCauses => {
            let code = json!({"type": "integer", "minimum": 1, "maximum": 255});
            let cause = json!({"anyOf": [{"enum": keys::RETRY_CAUSES}, code]});
            json!({"type": "array", "minItems": 1, "items": cause})
        }
        Shape::Rule => of("rule"),
        Shape::Rules => json!({"type": "array", "minItems": 1, "items": of("rule")}),
        Shape::Match => of("match"),
        Shape::CommandEnvironment => {
            json!({"anyOf": [{"enum": ["inherit", "clean"]}, of("command-environment")]})
        }
        Shape::RunAs => of("run-as"),
        Shape::Limits => of("limits"),
        Shape::Cases => json!({"type": "array", "minItems": 1, "items": of("case")}),
    }
}

fn texts() -> Value {
    json!({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/text"}})
}

fn senders() -> Vec<&'static str> {
    table().iter().map(|row| row.name.as_str()).chain([OPEN]).collect()
}

/// One operator, and no more.
fn rule() -> Value {
    let mut rule = record(keys::RULE, &[]);
    if let Some(object) = rule.as_object_mut() {
        object.insert("minProperties".to_owned(), 1.into());
        object.insert("maxProperties".to_owned(), 1.into());
    }
    rule
}

/// Each type needs keys of its own.
fn matching() -> Value {
    let mut matching = record(keys::MATCH, &["type"]);
    let types = keys::MATCH_TYPES.iter().chain(&keys::OLD_MATCH_TYPES);
    let conditions: Vec<Value> = types
        .map(|kind| json!({"if": {"properties": {"type": {"const": kind}}}, "then": needed_by(kind)}))
        .collect();
    if let Some(object) = matching.as_object_mut() {
        object.insert("allOf".to_owned(), conditions.into());
    }
    matching
}

fn needed_by(kind: &str) -> Value {
    let needs = |keys: &[&str]| json!({"required": keys});
    let parameter_and = |one_of: &[&str]| {
        let one_of: Vec<Value> = one_of.iter().map(|key| needs(&[key])).collect();
        json!({"required": ["parameter"], "oneOf": one_of})
    };
    match kind {
        "regex" => needs(&["parameter", "regex"]),
        "exists" | "null" => needs(&["parameter"]),
        "ip-whitelist" => json!({"anyOf": [needs(&["ip-range"]), needs(&["ip-file"])]}),
        "scalr-signature" => needs(&["secret"]),
        "in" => {
            let mut needed = parameter_and(&["values", "value", "other-parameter"]);
            needed["properties"] = json!({"value": texts()});
            needed
        }
        kind if kind.starts_with("payload-") => needs(&["parameter", "secret"]),
        _ => {
            let mut needed = parameter_and(&["value", "other-parameter"]);
            needed["properties"] = json!({"value": {"$ref": "#/$defs/text"}});
            needed
        }
    }
}

/// At least one.
fn limits() -> Value {
    let mut limits = record(keys::LIMITS, &[]);
    if let Some(object) = limits.as_object_mut() {
        object.insert("minProperties".to_owned(), 1.into());
    }
    limits
}

fn secret() -> Value {
    let mut source = record(keys::SECRET, &[]);
    if let Some(object) = source.as_object_mut() {
        object.insert("minProperties".to_owned(), 1.into());
        object.insert("maxProperties".to_owned(), 1.into());
    }
    json!({"anyOf": [{"type": ["string", "number"], "description": "The secret itself."}, source]})
}

#[cfg(test)]
mod tests;
