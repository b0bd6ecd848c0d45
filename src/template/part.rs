//! A part of a request as minijinja sees it. What is looked up comes from the request's own values, so that
//! digits, keys and order are those of a reference; only scalars are turned into the engine's.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Value as Operand};

use super::Name;
use super::budget::Budget;
use crate::json_text;
use crate::reference::canonical_header_name;
use crate::value::Value;

/// A place below the value of a name.
pub(super) struct Part {
    root: Arc<Value<'static>>,
    steps: Vec<Step>,
    /// Keys are names of headers, in any case.
    has_headers: bool,
    /// Of the whole rendering. When it is spent, nothing is found any more, and the rendering fails.
    budget: Arc<Budget>,
}

/// What a step or a key costs besides its letters.
const ENTRY_BYTES: usize = 16;

#[derive(Clone)]
enum Step {
    Key(Box<[u8]>),
    Index(usize),
}

impl Part {
    pub(super) fn operand(name: Name, value: Value<'static>, budget: Arc<Budget>) -> Operand {
        let has_headers = name == Name::Header;
        Operand::from_object(Self { root: Arc::new(value), steps: Vec::new(), has_headers, budget })
    }

    /// `None` only when the budget is spent: the steps were there when they were taken.
    fn value(&self) -> Option<&Value<'static>> {
        let steps = self.steps.iter().map(|step| match step {
            Step::Key(key) => key.len() + ENTRY_BYTES,
            Step::Index(_) => ENTRY_BYTES,
        });
        self.budget.take(steps.sum())?;
        self.steps.iter().try_fold(&*self.root, |value, step| match (value, step) {
            (Value::Object(object), Step::Key(key)) => object.get(&**key),
            (Value::Array(array), Step::Index(index)) => array.get(*index),
            _ => None,
        })
    }

    fn below(&self, step: Step) -> Option<Operand> {
        let below = match (self.value()?, &step) {
            (Value::Object(object), Step::Key(key)) => object.get(&**key)?,
            (Value::Array(array), Step::Index(index)) => array.get(*index)?,
            _ => return None,
        };
        Some(match below {
            Value::Null | Value::NullObject => Operand::from(()),
            Value::Bool(truth) => Operand::from(*truth),
            Value::Number(digits) => {
                self.budget.take(digits.len())?;
                number(digits)
            }
            Value::Text(text) => {
                self.budget.take(text.len())?;
                Operand::from(&*String::from_utf8_lossy(text))
            }
            Value::Array(_) | Value::Object(_) => {
                let steps = self.steps.iter().cloned().chain([step]).collect();
                let (root, budget) = (self.root.clone(), self.budget.clone());
                Operand::from_object(Self { root, steps, has_headers: false, budget })
            }
        })
    }
}

/// A number where the engine's is written with the same digits, otherwise the digits as a text.
fn number(digits: &str) -> Operand {
    let number = match digits.parse::<i64>() {
        Ok(number) => Operand::from(number),
        Err(_) => match digits.parse::<i128>() {
            Ok(number) => Operand::from(number),
            Err(_) => digits.parse::<f64>().map_or_else(|_| Operand::from(digits), Operand::from),
        },
    };
    if number.to_string() == digits { number } else { Operand::from(digits) }
}

impl Object for Part {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.value() {
            Some(Value::Array(_)) => ObjectRepr::Seq,
            _ => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Operand) -> Option<Operand> {
        match key.as_str() {
            Some(key) => self.get_value_by_str(key),
            None => self.below(Step::Index(key.as_usize()?)),
        }
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Operand> {
        self.budget.take(key.len())?;
        let key = if self.has_headers { canonical_header_name(key) } else { key.to_owned() };
        self.below(Step::Key(key.into_bytes().into()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.value() {
            Some(Value::Array(array)) => Enumerator::Seq(array.len()),
            Some(Value::Object(object)) => {
                let bytes = object.keys().map(|key| key.len() + ENTRY_BYTES).sum();
                if self.budget.take(bytes).is_none() {
                    return Enumerator::Empty;
                }
                let keys = object.keys().map(|key| Operand::from(&*String::from_utf8_lossy(key)));
                Enumerator::Values(keys.collect())
            }
            _ => Enumerator::Empty,
        }
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        match self.value() {
            Some(Value::Array(array)) => Some(array.len()),
            Some(Value::Object(object)) => Some(object.len()),
            _ => Some(0),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(value) = self.value() else { return Ok(()) };
        let text = json_text::text_of(value);
        if self.budget.take(text.len()).is_none() {
            return Err(fmt::Error);
        }
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

/// What senders send is not for debug prints.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").finish_non_exhaustive()
    }
}
