//! The keys of a case.

use std::sync::LazyLock;

use super::{HOOK, Key, Shape, key};

/// Of a case: its name, and the keys of a hook, which are its defaults.
pub(in crate::hooks_file) static CASE: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let name =
        key("name", Shape::Text, "What the log calls the case. Without it: its place in the list, from 0.");
    std::iter::once(name).chain(HOOK.iter().copied()).collect()
});

/// Keys of a hook that its cases cannot have: they count whichever case it is.
pub(in crate::hooks_file) const OF_HOOK_ALONE: [&str; 9] = [
    "id",
    "cases",
    "verify",
    "deduplicate",
    "concurrency",
    "maximum-concurrent-executions",
    "http-methods",
    "incoming-payload-content-type",
    "parse-parameters-as-json",
];
