//! What can be wrong with a template, as its author reads it.

/// A problem and the byte of the template where it is.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) problem: Problem,
}

impl Problem {
    pub(super) fn at(self, at: usize) -> Fault {
        Fault { at, problem: self }
    }
}

#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Problem {
    // As read.
    #[error("action is not closed with `}}}}`")]
    UnclosedAction,
    #[error("comment is not closed with `*/`")]
    UnclosedComment,
    #[error("comment must end with `*/}}}}` or `*/ -}}}}`")]
    CommentNotAlone,
    #[error("quotation mark {mark} has no end on this line")]
    UnclosedQuote { mark: char },
    #[error("raw text is not closed with a backquote")]
    UnclosedRaw,
    #[error("`(` is not closed")]
    UnclosedParenthesis,
    #[error("`)` without `(`")]
    ParenthesisWithoutOpening,
    #[error("`:` must be followed by `=`")]
    ColonWithoutEquals,
    #[error("unexpected character {character:?}")]
    BadCharacter { character: char },
    #[error("`{text}` is not a number")]
    BadNumber { text: String },
    #[error("`{text}` does not fit in 64 bits")]
    NumberTooLarge { text: String },
    #[error("`{text}` is a kind of number that is not supported")]
    UnsupportedNumber { text: String },
    #[error("unknown escape between the quotation marks, or not one character between `'`")]
    BadQuote,
    // As parsed.
    #[error("unexpected {found} in `{context}`")]
    Unexpected { found: String, context: &'static str },
    #[error("missing value in `{context}`")]
    MissingValue { context: &'static str },
    #[error("unknown function `{name}`, known are {known}")]
    UnknownFunction { name: String, known: String },
    #[error("undefined variable `{name}`")]
    UndefinedVariable { name: String },
    #[error("`{keyword}` has no `{{{{end}}}}`")]
    NoEnd { keyword: &'static str },
    #[error("`{keyword}` without a block that it belongs to")]
    WithoutBlock { keyword: String },
    #[error("`define` inside another block")]
    DefineInside,
    #[error("`{keyword}` outside `range`")]
    OutsideRange { keyword: &'static str },
    #[error("only `range` takes two variables")]
    TooManyVariables,
    #[error("a value cannot receive what comes before the `|`, only a function can")]
    ValueInPipe,
    #[error("template `{name}` is defined twice")]
    DefinedTwice { name: String },
    #[error("more than {max} blocks and parentheses inside each other")]
    TooNested { max: usize },
    // As executed.
    #[error("a value takes no arguments, only a function does")]
    NotAFunction,
    #[error("`nil` alone is not a command")]
    NilCommand,
    #[error("template `{name}` is not defined")]
    UndefinedTemplate { name: String },
    #[error("more than {max} template calls and blocks inside each other")]
    TooDeep { max: usize },
    #[error("more than {max} steps")]
    TooManySteps { max: usize },
    #[error("more than {max} bytes of text")]
    TooMuchText { max: usize },
    #[error("cannot look up `.{field}` in {kind}")]
    NoField { field: String, kind: &'static str },
    #[error("`range` cannot go over {kind}")]
    NoRange { kind: &'static str },
    #[error("`range` over a number takes one variable")]
    OneVariable,
    #[error("`{function}` takes {wanted}, got {found}")]
    WrongCount { function: &'static str, wanted: &'static str, found: usize },
    #[error("`{function}` wants {wanted}, got {found}")]
    WrongKind { function: &'static str, wanted: &'static str, found: &'static str },
    #[error("cannot compare {left} with {right}")]
    Incomparable { left: &'static str, right: &'static str },
    #[error("index {index} is out of range")]
    OutOfRange { index: i64 },
    #[error("slice from {from} to {to} is not possible")]
    BadSlice { from: usize, to: usize },
    #[error("`printf` does not support `{verb}` of a float here")]
    UnsupportedFormat { verb: char },
    #[error("file is larger than {max} bytes")]
    FileTooLarge { max: usize },
    #[error("name leads out of the credentials directory")]
    CredentialOutside,
    #[error("rendered text is not valid UTF-8")]
    OutputNotUtf8,
}
