//! Builds the tree of a template: texts, blocks and definitions.

use super::expression::{ACTION, Reader, unexpected};
use super::lexer::Kind;
use super::problem::{Fault, Problem};
use super::syntax::{Conditional, Definitions, MAIN, Node};

pub(super) fn parse(text: &str) -> Result<Definitions<'_>, Fault> {
    let mut parser = Parser { reader: Reader::new(text), ranges: 0, definitions: Definitions::new() };
    let main = parser.main()?;
    parser.define(text.len(), MAIN.into(), main)?;
    Ok(parser.definitions)
}

struct Parser<'t> {
    reader: Reader<'t>,
    /// The `range` blocks around this place.
    ranges: usize,
    definitions: Definitions<'t>,
}

/// What ended a list of nodes.
enum Ending {
    End,
    Else,
    /// `else if`, `else with`: the second keyword and its place.
    ElseAgain(&'static str, usize),
}

impl<'t> Parser<'t> {
    fn main(&mut self) -> Result<Vec<Node<'t>>, Fault> {
        let mut nodes = Vec::new();
        loop {
            let token = self.reader.take();
            match token.kind {
                Kind::Text(text) => nodes.push(Node::Text { at: token.at, text }),
                Kind::Open if self.reader.take_word("define") => self.definition(token.at)?,
                Kind::Open => nodes.push(self.action(token.at)?),
                Kind::End => return Ok(nodes),
                _ => return Err(unexpected(token, ACTION)),
            }
        }
    }

    /// The nodes up to the `end` or `else` that belongs to `keyword`.
    fn body(&mut self, at: usize, keyword: &'static str) -> Result<(Vec<Node<'t>>, Ending), Fault> {
        self.reader.enter(at)?;
        let mut nodes = Vec::new();
        let ending = loop {
            let token = self.reader.take();
            match token.kind {
                Kind::Text(text) => nodes.push(Node::Text { at: token.at, text }),
                Kind::Open if self.reader.take_word("end") => {
                    break self.reader.expect_close("end").map(|()| Ending::End)?;
                }
                Kind::Open if self.reader.take_word("else") => break self.after_else()?,
                Kind::Open => nodes.push(self.action(token.at)?),
                Kind::End => return Err(Problem::NoEnd { keyword }.at(at)),
                _ => return Err(unexpected(token, ACTION)),
            }
        };
        self.reader.leave();
        Ok((nodes, ending))
    }

    fn after_else(&mut self) -> Result<Ending, Fault> {
        let at = self.reader.peek().at;
        for keyword in ["if", "with"] {
            if self.reader.take_word(keyword) {
                return Ok(Ending::ElseAgain(keyword, at));
            }
        }
        self.reader.expect_close("else").map(|()| Ending::Else)
    }

    /// What stands after `{{`, with its `}}` and, for a block, up to its `{{end}}`.
    fn action(&mut self, at: usize) -> Result<Node<'t>, Fault> {
        let scope = self.reader.variables.len();
        let word = self.reader.take_keyword();
        let node = match word {
            "if" => Node::If(self.conditional(at, "if")?),
            "with" => Node::With(self.conditional(at, "with")?),
            "range" => self.range(at)?,
            "template" => return self.call(at),
            "block" => return self.block(at),
            "break" | "continue" => return self.jump(word, at),
            "define" => return Err(Problem::DefineInside.at(at)),
            "end" | "else" => return Err(Problem::WithoutBlock { keyword: word.into() }.at(at)),
            // Its variables stay until the end of the block around it.
            _ => return self.reader.pipeline(ACTION).map(Node::Action),
        };
        self.reader.variables.truncate(scope);
        Ok(node)
    }

    fn conditional(&mut self, at: usize, keyword: &'static str) -> Result<Conditional<'t>, Fault> {
        let mut branches = Vec::new();
        loop {
            let pipeline = self.reader.pipeline(keyword)?;
            let (body, ending) = self.body(at, keyword)?;
            branches.push((pipeline, body));
            match ending {
                Ending::ElseAgain(again, _) if again == keyword => {}
                _ => {
                    return Ok(Conditional { branches, otherwise: self.otherwise(at, keyword, ending)? });
                }
            }
        }
    }

    fn otherwise(
        &mut self,
        at: usize,
        keyword: &'static str,
        ending: Ending,
    ) -> Result<Vec<Node<'t>>, Fault> {
        match ending {
            Ending::End => Ok(Vec::new()),
            Ending::ElseAgain(found, place) => {
                Err(Problem::Unexpected { found: format!("`{found}`"), context: "else" }.at(place))
            }
            Ending::Else => match self.body(at, keyword)? {
                (nodes, Ending::End) => Ok(nodes),
                _ => Err(Problem::Unexpected { found: "second `else`".into(), context: keyword }.at(at)),
            },
        }
    }

    fn range(&mut self, at: usize) -> Result<Node<'t>, Fault> {
        let pipeline = self.reader.pipeline("range")?;
        self.ranges += 1;
        let (body, ending) = self.body(at, "range")?;
        self.ranges -= 1;
        let otherwise = self.otherwise(at, "range", ending)?;
        Ok(Node::Range { pipeline, body, otherwise })
    }

    fn jump(&mut self, word: &str, at: usize) -> Result<Node<'t>, Fault> {
        let (keyword, node) =
            if word == "break" { ("break", Node::Break) } else { ("continue", Node::Continue) };
        self.reader.expect_close(keyword)?;
        if self.ranges == 0 {
            return Err(Problem::OutsideRange { keyword }.at(at));
        }
        Ok(node)
    }

    fn call(&mut self, at: usize) -> Result<Node<'t>, Fault> {
        let name = self.reader.template_name("template")?;
        let argument = match self.reader.peek().kind {
            Kind::Close => self.reader.expect_close("template").map(|()| None)?,
            _ => Some(self.reader.pipeline("template")?),
        };
        Ok(Node::Call { at, name, argument })
    }

    /// `block` defines a template and calls it in its own place.
    fn block(&mut self, at: usize) -> Result<Node<'t>, Fault> {
        let name = self.reader.template_name("block")?;
        let argument = self.reader.pipeline("block")?;
        self.definition_body(at, name.clone(), "block")?;
        Ok(Node::Call { at, name, argument: Some(argument) })
    }

    fn definition(&mut self, at: usize) -> Result<(), Fault> {
        let name = self.reader.template_name("define")?;
        self.reader.expect_close("define")?;
        self.definition_body(at, name, "define")
    }

    /// A definition sees neither the variables nor the `range` around it.
    fn definition_body(&mut self, at: usize, name: Vec<u8>, keyword: &'static str) -> Result<(), Fault> {
        let variables = std::mem::replace(&mut self.reader.variables, vec!["$"]);
        let ranges = std::mem::take(&mut self.ranges);
        let (body, ending) = self.body(at, keyword)?;
        self.reader.variables = variables;
        self.ranges = ranges;
        if !matches!(ending, Ending::End) {
            return Err(Problem::Unexpected { found: "`else`".into(), context: keyword }.at(at));
        }
        self.define(at, name, body)
    }

    /// A definition of nothing but white space gives way to another one of its name.
    fn define(&mut self, at: usize, name: Vec<u8>, body: Vec<Node<'t>>) -> Result<(), Fault> {
        let is_blank = |body: &[Node]| {
            body.iter().all(|node| matches!(node, Node::Text { text, .. } if text.trim().is_empty()))
        };
        if self.definitions.get(&name).is_none_or(|existing| is_blank(existing)) {
            self.definitions.insert(name, body);
        } else if !is_blank(&body) {
            let name = String::from_utf8_lossy(&name).into_owned();
            return Err(Problem::DefinedTwice { name }.at(at));
        }
        Ok(())
    }
}
