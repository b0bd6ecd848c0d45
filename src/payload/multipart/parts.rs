//! The parts of a multipart body, one after the other.

use memchr::memmem;

use super::MultipartError;

/// What the headers of one part may take; they are a line or two.
pub(super) const HEAD_BYTES_MAX: usize = 64 * 1024;

pub(super) struct Parts<'b> {
    rest: &'b [u8],
    /// `--` and the boundary, as each delimiter begins.
    delimiter: Vec<u8>,
    /// The line break before a delimiter: a form may have bare line feeds instead, which its first line tells.
    line_break: &'static [u8],
    is_begun: bool,
}

/// Names and values.
type Head<'b> = Vec<(&'b [u8], Vec<u8>)>;

pub(super) struct Part<'b> {
    head: Head<'b>,
    pub(super) content: &'b [u8],
}

impl Part<'_> {
    /// The values of a header, in their order.
    pub(super) fn headers(&self, wanted: &str) -> impl Iterator<Item = &[u8]> {
        let is_wanted = move |name: &[u8]| name.eq_ignore_ascii_case(wanted.as_bytes());
        self.head.iter().filter(move |(name, _)| is_wanted(name)).map(|(_, value)| value.as_slice())
    }
}

impl<'b> Parts<'b> {
    pub(super) fn new(body: &'b [u8], boundary: &[u8]) -> Self {
        let delimiter = [b"--", boundary].concat();
        Self { rest: body, delimiter, line_break: b"\r\n", is_begun: false }
    }

    /// The next part. A form may end within the headers of a part, which then is none.
    pub(super) fn next(&mut self) -> Result<Option<Part<'b>>, MultipartError> {
        let mut is_due = false;
        loop {
            let line = self.line();
            if self.is_end(line) {
                return Ok(None);
            }
            if !line.ends_with(b"\n") {
                return Err(MultipartError::EndsEarly);
            }
            if self.is_delimiter(line) {
                self.is_begun = true;
                let Some(head) = self.head()? else { return Ok(None) };
                return Ok(Some(Part { head, content: self.content()? }));
            }
            match self.is_begun {
                // What stands before the first delimiter is skipped.
                false => {}
                true if !is_due && line == self.line_break => is_due = true,
                true => return Err(MultipartError::NoPart),
            }
        }
    }

    /// The next line with its line break, which only the last may lack.
    fn line(&mut self) -> &'b [u8] {
        let end = memchr::memchr(b'\n', self.rest).map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        line
    }

    fn is_delimiter(&mut self, line: &[u8]) -> bool {
        let Some(rest) = line.strip_prefix(&*self.delimiter) else { return false };
        let rest = without_blanks(rest);
        if !self.is_begun && rest == b"\n" {
            self.line_break = b"\n";
        }
        rest == self.line_break
    }

    fn is_end(&self, line: &[u8]) -> bool {
        let rest = line.strip_prefix(&*self.delimiter).and_then(|rest| rest.strip_prefix(b"--"));
        rest.is_some_and(|rest| [b"", self.line_break].contains(&without_blanks(rest)))
    }

    /// The headers up to the empty line after them; `None` when the form ends before.
    fn head(&mut self) -> Result<Option<Head<'b>>, MultipartError> {
        if self.rest.starts_with(b" ") || self.rest.starts_with(b"\t") {
            return Err(MultipartError::BrokenHead);
        }
        let before = self.rest.len();
        let mut head = Vec::new();
        while !self.rest.is_empty() {
            let line = without_line_break(self.line());
            if line.is_empty() {
                return Ok(Some(head));
            }
            let colon = memchr::memchr(b':', line).ok_or(MultipartError::BrokenHead)?;
            let (name, value) = line.split_at(colon);
            let mut value = value.get(1..).unwrap_or_default().trim_ascii().to_vec();
            // A line that begins with a blank goes on with the one before.
            while self.rest.starts_with(b" ") || self.rest.starts_with(b"\t") {
                value.push(b' ');
                value.extend_from_slice(without_line_break(self.line()).trim_ascii());
            }
            if before - self.rest.len() > HEAD_BYTES_MAX {
                return Err(MultipartError::LongHead);
            }
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~ ".contains(byte);
            if !name.trim_ascii_start().iter().all(is_name) {
                return Err(MultipartError::BrokenHead);
            }
            head.push((name, value));
        }
        Ok(None)
    }

    /// What stands before the next delimiter, whose line is the next one to read.
    fn content(&mut self) -> Result<&'b [u8], MultipartError> {
        let ends_at = |from: usize| {
            let after = self.rest.get(from..).unwrap_or_default();
            matches!(after, [] | [b' ' | b'\t' | b'\r' | b'\n', ..] | [b'-', b'-', ..])
        };
        if self.rest.starts_with(&self.delimiter) && ends_at(self.delimiter.len()) {
            return Ok(b"");
        }
        let delimiter = [self.line_break, &self.delimiter].concat();
        let mut found = memmem::find_iter(self.rest, &delimiter);
        let end = found.find(|at| ends_at(at + delimiter.len())).ok_or(MultipartError::EndsEarly)?;
        let (content, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(content)
    }
}

fn without_blanks(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    line.get(blanks..).unwrap_or_default()
}

fn without_line_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
