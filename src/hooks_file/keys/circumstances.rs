//! What a command runs under.

use super::{Key, Shape, key};

pub(in crate::hooks_file) const COMMAND_ENVIRONMENT: &[Key] = &[
    key(
        "mode",
        Shape::Words(&["inherit", "clean"]),
        "`clean` leaves PATH, HOME, USER, LOGNAME, LANG, TZ and TMPDIR.",
    ),
    key("keep", Shape::Names, "With `clean`: further variables of the server's."),
];

pub(in crate::hooks_file) const RUN_AS: &[Key] = &[
    key("user", Shape::Text, "Its name or number."),
    key("group", Shape::Text, "The name or number of its group. Without it: the user's own."),
];

pub(in crate::hooks_file) const LIMITS: &[Key] = &[
    key("memory", Shape::Text, "Address space, as 1GiB."),
    key("cpu-time", Shape::Text, "CPU time, as 5m. Then SIGXCPU, and SIGKILL 5 s of CPU time later."),
    key("open-files", Shape::Integer, "Descriptors."),
    key("file-size", Shape::Text, "The size of a file that is written, as 1GiB. Then SIGXFSZ."),
    key("processes", Shape::Integer, "Processes and threads of the user. Root has no limit."),
];
