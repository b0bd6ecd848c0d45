//! A template as parsed. Every `at` is the byte of the template where the thing begins.

use std::collections::BTreeMap;

use super::functions::Function;
use super::value::Value;

/// The name that the reference gives to the file's own text.
pub(super) const MAIN: &str = "hooks";

pub(super) type Definitions<'t> = BTreeMap<Vec<u8>, Vec<Node<'t>>>;

#[derive(Debug)]
pub(super) enum Node<'t> {
    Text { at: usize, text: &'t str },
    Action(Pipeline<'t>),
    If(Conditional<'t>),
    With(Conditional<'t>),
    Range { pipeline: Pipeline<'t>, body: Vec<Node<'t>>, otherwise: Vec<Node<'t>> },
    Call { at: usize, name: Vec<u8>, argument: Option<Pipeline<'t>> },
    Break,
    Continue,
}

/// `if … else if … else`: the first branch that is true, in order.
#[derive(Debug)]
pub(super) struct Conditional<'t> {
    pub(super) branches: Vec<(Pipeline<'t>, Vec<Node<'t>>)>,
    pub(super) otherwise: Vec<Node<'t>>,
}

#[derive(Debug)]
pub(super) struct Pipeline<'t> {
    pub(super) at: usize,
    /// The variables before `:=` or `=`, with their `$`.
    pub(super) variables: Vec<&'t str>,
    /// `=`: the variables exist already.
    pub(super) assigns: bool,
    pub(super) commands: Vec<Command<'t>>,
}

#[derive(Debug)]
pub(super) struct Command<'t> {
    pub(super) first: Operand<'t>,
    pub(super) arguments: Vec<Operand<'t>>,
}

#[derive(Debug)]
pub(super) struct Operand<'t> {
    pub(super) at: usize,
    pub(super) term: Term<'t>,
    pub(super) fields: Vec<&'t str>,
}

impl Operand<'_> {
    /// It has its value from nothing but itself; such a thing has no fields and takes no input.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self.term, Term::Dot | Term::Nil | Term::Constant(_)) && self.fields.is_empty()
    }
}

#[derive(Debug)]
pub(super) enum Term<'t> {
    Dot,
    Nil,
    Constant(Value),
    Variable(&'t str),
    Function(Function),
    Nested(Pipeline<'t>),
}
