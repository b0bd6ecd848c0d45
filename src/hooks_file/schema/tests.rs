//! The schema against a library that knows the draft, the checker, and the files in this repository.

use std::fs::read_to_string;
use std::path::Path;

use jsonschema::Validator;
use serde_json::Map;

use super::*;
use crate::hooks_file::template::{self, Surroundings};
use crate::hooks_file::{Reading, load};

fn repository(path: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

/// Keys in lower case, as the schema has them.
fn lower_case(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(lower_case).collect(),
        Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key.to_lowercase(), lower_case(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        other => other,
    }
}

fn faults(validator: &Validator, yaml: &str) -> Vec<String> {
    let value: Value = serde_yaml::from_str(yaml).unwrap();
    let value = lower_case(value);
    validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schema_is_one() {
    jsonschema::meta::validate(&schema()).unwrap();
}

#[test]
fn the_repository_has_the_schema() {
    let written: Value = serde_json::from_str(&repository("docs/hooks.schema.json")).unwrap();
    assert!(written == schema(), "run `hookrunner schema > docs/hooks.schema.json`");
}

#[test]
fn the_example_fits_and_names_the_schema() {
    let example = repository("hooks.example.yaml");
    assert!(example.contains("# yaml-language-server: $schema=docs/hooks.schema.json\n"));
    // Secrets are left open in it.
    assert_eq!(faults(&validator(), &example), Vec::<String>::new());
}

#[test]
fn every_key_is_described() {
    fn check(value: &Value) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (key, property) in properties.iter().filter(|(key, _)| *key != "<<") {
                let described = property.get("description").and_then(Value::as_str);
                assert!(described.is_some_and(|text| text.ends_with(['.', ':'])), "{key}");
            }
        }
        value.get("anyOf").and_then(Value::as_array).into_iter().flatten().for_each(check);
    }
    schema()["$defs"].as_object().unwrap().values().for_each(check);
}

/// What the checker loads without a word, the schema takes.
#[test]
fn recorded_files_that_load_fit() {
    let validator = validator();
    let directory = tempfile::tempdir().unwrap();
    let groups: Vec<Value> = serde_json::from_str(&repository("tests/data/compat/cases.json")).unwrap();
    let mut hooks_seen = 0;
    for group in &groups {
        let (name, text) = (group["name"].as_str().unwrap(), group["hooks_text"].as_str().unwrap());
        let mut surroundings = Surroundings::default();
        for (name, value) in group["env"].as_object().unwrap() {
            surroundings.environment.insert(name.clone(), value.as_str().unwrap().to_owned());
        }
        let text = match group["flags"].as_array().unwrap().iter().any(|flag| flag == "-template") {
            true => template::render(text, &surroundings).unwrap(),
            false => text.to_owned(),
        };
        let path = directory.path().join(name);
        std::fs::write(&path, &text).unwrap();
        let loaded = load(&path, &Reading::default(), true);
        if loaded.is_refused {
            continue;
        }
        let value: Value = serde_yaml::from_str(&text).unwrap();
        let items = value.as_array().unwrap();
        for (index, entry) in &loaded.hooks {
            if loaded.problems.iter().any(|problem| problem.hook.as_deref() == Some(entry.id())) {
                continue;
            }
            hooks_seen += 1;
            let one = Value::Array(vec![lower_case(items[*index].clone())]);
            let fault = validator.iter_errors(&one).next();
            assert!(fault.is_none(), "{name} {}: {fault:?}", entry.id());
        }
    }
    assert!(hooks_seen > 500, "{hooks_seen}");
}

#[test]
fn mistakes_do_not_fit() {
    let validator = validator();
    let check = |keys: &str| {
        let yaml = format!("- id: a\n  execute-command: b\n  {keys}\n");
        assert!(!faults(&validator, &yaml).is_empty(), "{keys}");
    };
    check("trigger_rule: {}");
    check("http-methods: POST");
    check("response-message: [a]");
    check("success-http-response-code: ok");
    check("response-on-exit: {256: 503}");
    check("response-on-exit: {75: 'no'}");
    check("response-on-exit: {75: 199}");
    check("command-output: stderr");
    check("trigger-rule: {}");
    check("trigger-rule: {and: []}");
    check("trigger-rule: {match: {type: value, parameter: {source: header, name: x}}}");
    check("trigger-rule: {match: {type: valeu}}");
    check("trigger-rule: {match: {type: value, value: [a], parameter: {source: header, name: x}}}");
    check("trigger-rule: {match: {type: greater, parameter: {source: header, name: x}}}");
    check("trigger-rule: {match: {type: in, values: [], parameter: {source: header, name: x}}}");
    check("trigger-rule: {match: {type: exists}}");
    check("trigger-rule: {match: {type: ip-whitelist}}");
    check("trigger-rule: {match: {type: payload-hmac-sha1, parameter: {source: header, name: x}}}");
    check("pass-arguments-to-command: [{source: haeder, name: x}]");
    check("verify: {sender: githbu}");
    check("verify: {secret: {env: A, file: b}}");
    check("deduplicate: {for: 1h}");
    check("cases: []");
    check("cases: [{verify: {sender: none}}]");
    check("cases: [{trigger-rule: {}}]");
    assert!(!faults(&validator, "- id: a\n").is_empty());
    assert!(
        faults(&validator, "- id: a\n  cases: [{name: b, execute-command: c, timeout: 5m}]\n").is_empty()
    );
    assert!(!faults(&validator, "id: a\nexecute-command: b\n").is_empty());
    assert!(!faults(&validator, "- execute-command: b\n").is_empty());
}
