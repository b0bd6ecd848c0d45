//! Reads the tokens inside `{{…}}`: pipelines, commands, operands.

use super::NESTING_MAX;
use super::escape::unquote;
use super::functions::{self, Function};
use super::lexer::{Kind, Token, tokens};
use super::problem::{Fault, Problem};
use super::syntax::{Command, Operand, Pipeline, Term};
use super::value::{Value, number};

/// These words are no functions.
const KEYWORDS: [&str; 10] =
    ["if", "else", "end", "range", "with", "template", "block", "define", "break", "continue"];

/// Contexts that are no keyword, for messages.
pub(super) const ACTION: &str = "{{…}}";
const PARENTHESES: &str = "(…)";

const END: Token<'static> = Token { at: 0, spaced: false, kind: Kind::End };

pub(super) struct Reader<'t> {
    tokens: Vec<Token<'t>>,
    next: usize,
    /// Those in scope, by name.
    pub(super) variables: Vec<&'t str>,
    nesting: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { tokens: tokens(text), next: 0, variables: vec!["$"], nesting: 0 }
    }

    pub(super) fn peek(&self) -> Token<'t> {
        self.tokens.get(self.next).cloned().unwrap_or(END)
    }

    pub(super) fn take(&mut self) -> Token<'t> {
        let token = self.peek();
        self.next += 1;
        token
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek().kind, Kind::Word(found) if found == word);
        self.next += usize::from(found);
        found
    }

    pub(super) fn expect_close(&mut self, context: &'static str) -> Result<(), Fault> {
        match self.take() {
            Token { kind: Kind::Close, .. } => Ok(()),
            token => Err(unexpected(token, context)),
        }
    }

    /// The keyword that comes next, or nothing.
    pub(super) fn take_keyword(&mut self) -> &'t str {
        match self.peek().kind {
            Kind::Word(word) if KEYWORDS.contains(&word) => {
                self.next += 1;
                word
            }
            _ => "",
        }
    }

    /// Goes into a block or a parenthesis; `leave` goes out. The depth is bounded, since blocks
    /// are read by recursion.
    pub(super) fn enter(&mut self, at: usize) -> Result<(), Fault> {
        if self.nesting == NESTING_MAX {
            return Err(Problem::TooNested { max: NESTING_MAX }.at(at));
        }
        self.nesting += 1;
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.nesting -= 1;
    }

    pub(super) fn template_name(&mut self, context: &'static str) -> Result<Vec<u8>, Fault> {
        let token = self.take();
        match token.kind {
            Kind::Quoted(text) | Kind::Raw(text) => {
                unquote(text).ok_or_else(|| Problem::BadQuote.at(token.at))
            }
            _ => Err(unexpected(token, context)),
        }
    }

    /// `[$x :=] command | command …` with the `}}`, or with the `)` when it stands in parentheses.
    pub(super) fn pipeline(&mut self, context: &'static str) -> Result<Pipeline<'t>, Fault> {
        let at = self.peek().at;
        let (variables, assigns) = self.declared(context)?;
        let mut commands: Vec<Command<'t>> = Vec::new();
        loop {
            let token = self.peek();
            match token.kind {
                Kind::Close | Kind::RightParenthesis if commands.is_empty() => {
                    return Err(Problem::MissingValue { context }.at(token.at));
                }
                Kind::Close | Kind::RightParenthesis => break,
                _ => {
                    let command = self.command(context)?;
                    if !commands.is_empty() && command.first.is_constant() {
                        return Err(Problem::ValueInPipe.at(command.first.at));
                    }
                    commands.push(command);
                }
            }
        }
        self.next += 1;
        Ok(Pipeline { at, variables, assigns, commands })
    }

    fn declared(&mut self, context: &'static str) -> Result<(Vec<&'t str>, bool), Fault> {
        let mut variables = Vec::new();
        loop {
            let before = self.next;
            let Token { kind: Kind::Variable(name), at, .. } = self.take() else {
                self.next = before;
                break;
            };
            let assigns = match self.peek().kind {
                Kind::Declare => Some(false),
                Kind::Assign => Some(true),
                Kind::Comma if context == "range" && variables.is_empty() => None,
                Kind::Comma => return Err(Problem::TooManyVariables.at(at)),
                _ => {
                    self.next = before;
                    break;
                }
            };
            self.next += 1;
            variables.push(name);
            self.variables.push(name);
            if let Some(assigns) = assigns {
                return Ok((variables, assigns));
            }
            let token = self.peek();
            if !matches!(token.kind, Kind::Variable(_)) {
                return Err(unexpected(token, context));
            }
        }
        Ok((variables, false))
    }

    /// A function or a value with its arguments, up to a `|`, which is taken too.
    fn command(&mut self, context: &'static str) -> Result<Command<'t>, Fault> {
        let first = self.operand(context)?;
        let mut arguments = Vec::new();
        loop {
            let token = self.peek();
            match token.kind {
                Kind::Close | Kind::RightParenthesis => break,
                Kind::Pipe => {
                    self.next += 1;
                    break;
                }
                _ if token.spaced => arguments.push(self.operand(context)?),
                _ => return Err(unexpected(token, context)),
            }
        }
        Ok(Command { first, arguments })
    }

    fn operand(&mut self, context: &'static str) -> Result<Operand<'t>, Fault> {
        let token = self.take();
        let at = token.at;
        let mut fields = Vec::new();
        let term = match token.kind {
            Kind::Field(name) => {
                fields.push(name);
                Term::Dot
            }
            _ => self.term(token, context)?,
        };
        let mut operand = Operand { at, term, fields };
        let is_constant = operand.is_constant();
        while let token @ Token { kind: Kind::Field(name), spaced: false, .. } = self.peek() {
            if is_constant {
                return Err(unexpected(token, context));
            }
            self.next += 1;
            operand.fields.push(name);
        }
        Ok(operand)
    }

    fn term(&mut self, token: Token<'t>, context: &'static str) -> Result<Term<'t>, Fault> {
        let at = token.at;
        Ok(match token.kind {
            Kind::Dot => Term::Dot,
            Kind::Word("nil") => Term::Nil,
            Kind::Word("true") => Term::Constant(Value::Bool(true)),
            Kind::Word("false") => Term::Constant(Value::Bool(false)),
            Kind::Word(name) if !KEYWORDS.contains(&name) => {
                Term::Function(Function::named(name).ok_or_else(|| {
                    Problem::UnknownFunction { name: name.into(), known: functions::known() }.at(at)
                })?)
            }
            Kind::Variable(name) if self.variables.contains(&name) => Term::Variable(name),
            Kind::Variable(name) => return Err(Problem::UndefinedVariable { name: name.into() }.at(at)),
            Kind::Number(text) => Term::Constant(number(text).map_err(|problem| problem.at(at))?),
            Kind::Quoted(text) | Kind::Raw(text) | Kind::Character(text) => {
                let value = unquote(text).and_then(|content| match token.kind {
                    Kind::Character(_) => only_character(&content),
                    _ => Some(Value::Text(content.into())),
                });
                Term::Constant(value.ok_or_else(|| Problem::BadQuote.at(at))?)
            }
            Kind::LeftParenthesis => {
                self.enter(at)?;
                let pipeline = self.pipeline(PARENTHESES)?;
                self.leave();
                Term::Nested(pipeline)
            }
            _ => return Err(unexpected(token, context)),
        })
    }
}

fn only_character(content: &[u8]) -> Option<Value> {
    let mut characters = std::str::from_utf8(content).ok()?.chars();
    let character = characters.next()?;
    characters.next().is_none().then(|| Value::Int(u32::from(character).into()))
}

pub(super) fn unexpected(token: Token<'_>, context: &'static str) -> Fault {
    match token.kind {
        Kind::Bad(problem) => problem.at(token.at),
        kind => Problem::Unexpected { found: kind.to_string(), context }.at(token.at),
    }
}
