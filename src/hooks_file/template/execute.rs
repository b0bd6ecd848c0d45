//! Executes a parsed template.

use super::functions::{Function, Limited};
use super::problem::{Fault, Problem};
use super::syntax::{Command, Conditional, Definitions, MAIN, Node, Operand, Pipeline, Term};
use super::value::Value;
use super::{DEPTH_MAX, PRODUCED_BYTES_MAX, STEPS_MAX, Surroundings};

/// The bytes that the template writes.
pub(super) fn execute(definitions: &Definitions<'_>, surroundings: &Surroundings) -> Result<Vec<u8>, Fault> {
    let mut execution = Execution {
        definitions,
        surroundings,
        output: Limited::default(),
        variables: vec![("$", Value::Nil)],
        depth: 0,
        steps: 0,
        produced: 0,
    };
    if let Some(nodes) = definitions.get(MAIN.as_bytes()) {
        execution.nodes(nodes, &Value::Nil)?;
    }
    Ok(execution.output.bytes)
}

struct Execution<'e> {
    definitions: &'e Definitions<'e>,
    surroundings: &'e Surroundings,
    output: Limited,
    /// Those in scope of the template that runs; a later one hides an earlier one of its name.
    variables: Vec<(&'e str, Value)>,
    depth: usize,
    steps: usize,
    /// The bytes of all that functions returned.
    produced: usize,
}

/// How a list of nodes ended.
#[derive(PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl<'e> Execution<'e> {
    fn nodes(&mut self, nodes: &'e [Node<'e>], dot: &Value) -> Result<Flow, Fault> {
        for node in nodes {
            let flow = self.node(node, dot)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn node(&mut self, node: &'e Node<'e>, dot: &Value) -> Result<Flow, Fault> {
        match node {
            Node::Text { at, text } => {
                self.output.push(text.as_bytes()).map_err(|problem| problem.at(*at))?
            }
            Node::Action(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    self.output
                        .push(&value.or_no_value().text())
                        .map_err(|problem| problem.at(pipeline.at))?;
                }
            }
            Node::If(conditional) => return self.scoped(|run| run.conditional(conditional, dot, false)),
            Node::With(conditional) => return self.scoped(|run| run.conditional(conditional, dot, true)),
            Node::Range { pipeline, body, otherwise } => {
                return self.scoped(|run| run.range(pipeline, body, otherwise, dot));
            }
            Node::Call { at, name, argument } => self.call_template(*at, name, argument.as_ref(), dot)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    /// Forgets the variables that `run` adds.
    fn scoped<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let scope = self.variables.len();
        let result = run(self);
        self.variables.truncate(scope);
        result
    }

    fn deeper<T>(&mut self, at: usize, run: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == DEPTH_MAX {
            return Err(Problem::TooDeep { max: DEPTH_MAX }.at(at));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    fn step(&mut self, at: usize) -> Result<(), Fault> {
        self.steps += 1;
        match self.steps > STEPS_MAX {
            true => Err(Problem::TooManySteps { max: STEPS_MAX }.at(at)),
            false => Ok(()),
        }
    }

    /// `with` differs from `if` in that the dot of its body is the value.
    fn conditional(
        &mut self,
        conditional: &'e Conditional<'e>,
        dot: &Value,
        with: bool,
    ) -> Result<Flow, Fault> {
        let mut last = 0;
        for (pipeline, body) in &conditional.branches {
            last = pipeline.at;
            let value = self.pipeline(pipeline, dot)?;
            if value.is_true() {
                let dot = if with { &value } else { dot };
                return self.deeper(last, |run| run.nodes(body, dot));
            }
        }
        self.deeper(last, |run| run.nodes(&conditional.otherwise, dot))
    }

    /// Over a number `n`, from 0 to `n - 1`; nil is empty. There are no other things to go over.
    fn range(
        &mut self,
        pipeline: &'e Pipeline<'e>,
        body: &'e [Node<'e>],
        otherwise: &'e [Node<'e>],
        dot: &Value,
    ) -> Result<Flow, Fault> {
        let at = pipeline.at;
        let end = match self.pipeline(pipeline, dot)? {
            Value::Nil => 0,
            Value::Int(_) if pipeline.variables.len() > 1 => return Err(Problem::OneVariable.at(at)),
            Value::Int(end) => end,
            other => return Err(Problem::NoRange { kind: other.kind() }.at(at)),
        };
        if end <= 0 {
            return self.deeper(at, |run| run.nodes(otherwise, dot));
        }
        for index in 0..end {
            self.step(at)?;
            let element = Value::Int(index);
            if let [variable] = pipeline.variables.as_slice() {
                self.assign(variable, element.clone(), at)?;
            }
            let flow = self.scoped(|run| run.deeper(at, |run| run.nodes(body, &element)))?;
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::Next)
    }

    /// The template sees its argument as dot and `$`, and no variable of its caller.
    fn call_template(
        &mut self,
        at: usize,
        name: &[u8],
        argument: Option<&'e Pipeline<'e>>,
        dot: &Value,
    ) -> Result<(), Fault> {
        self.step(at)?;
        let nodes = self.definitions.get(name).ok_or_else(|| {
            Problem::UndefinedTemplate { name: String::from_utf8_lossy(name).into_owned() }.at(at)
        })?;
        let dot = match argument {
            Some(pipeline) => self.pipeline(pipeline, dot)?,
            None => Value::Nil,
        };
        let variables = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        self.deeper(at, |run| run.nodes(nodes, &dot))?;
        self.variables = variables;
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &'e Pipeline<'e>, dot: &Value) -> Result<Value, Fault> {
        let mut piped = None;
        for command in &pipeline.commands {
            piped = Some(self.command(command, piped, dot)?);
        }
        let value = piped.unwrap_or(Value::Nil);
        for variable in &pipeline.variables {
            match pipeline.assigns {
                true => self.assign(variable, value.clone(), pipeline.at)?,
                false => self.variables.push((variable, value.clone())),
            }
        }
        Ok(value)
    }

    fn assign(&mut self, name: &str, value: Value, at: usize) -> Result<(), Fault> {
        let variable = self.variables.iter_mut().rev().find(|(known, _)| *known == name);
        let (_, place) = variable.ok_or_else(|| Problem::UndefinedVariable { name: name.into() }.at(at))?;
        *place = value;
        Ok(())
    }

    /// `piped` is what comes from before the `|`: the last argument.
    fn command(
        &mut self,
        command: &'e Command<'e>,
        piped: Option<Value>,
        dot: &Value,
    ) -> Result<Value, Fault> {
        let first = &command.first;
        match first.term {
            Term::Function(function) if first.fields.is_empty() => {
                self.call(function, first.at, &command.arguments, piped, dot)
            }
            // A field of nothing is nothing, whatever its arguments.
            _ if !first.fields.is_empty() => self.operand(first, dot),
            _ if piped.is_some() || !command.arguments.is_empty() => Err(Problem::NotAFunction.at(first.at)),
            Term::Nil => Err(Problem::NilCommand.at(first.at)),
            _ => self.operand(first, dot),
        }
    }

    fn operand(&mut self, operand: &'e Operand<'e>, dot: &Value) -> Result<Value, Fault> {
        let at = operand.at;
        self.step(at)?;
        let value = match &operand.term {
            Term::Dot => dot.clone(),
            Term::Nil => Value::Nil,
            Term::Constant(value) => value.clone(),
            Term::Variable(name) => {
                let variable = self.variables.iter().rev().find(|(known, _)| known == name);
                let undefined = || Problem::UndefinedVariable { name: (*name).into() }.at(at);
                variable.ok_or_else(undefined)?.1.clone()
            }
            Term::Function(function) => self.call(*function, at, &[], None, dot)?,
            Term::Nested(pipeline) => self.deeper(at, |run| run.pipeline(pipeline, dot))?,
        };
        match (&value, operand.fields.first()) {
            (Value::Nil, _) | (_, None) => Ok(value),
            (_, Some(field)) => Err(Problem::NoField { field: (*field).into(), kind: value.kind() }.at(at)),
        }
    }

    fn call(
        &mut self,
        function: Function,
        at: usize,
        arguments: &'e [Operand<'e>],
        piped: Option<Value>,
        dot: &Value,
    ) -> Result<Value, Fault> {
        self.step(at)?;
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for argument in arguments {
            let value = self.operand(argument, dot)?;
            if function.is_decided_by(&value) {
                return Ok(value);
            }
            values.push(value);
        }
        values.extend(piped);
        let value = function.call(&values, self.surroundings).map_err(|problem| problem.at(at))?;
        if let Value::Text(text) = &value {
            self.produced += text.len();
        }
        match self.produced > PRODUCED_BYTES_MAX {
            true => Err(Problem::TooMuchText { max: PRODUCED_BYTES_MAX }.at(at)),
            false => Ok(value),
        }
    }
}
