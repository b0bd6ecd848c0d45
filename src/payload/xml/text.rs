//! Names, text and references as Go's decoder reads them in its strict mode.

/// Why a piece is refused; whoever reads the piece knows where it is.
pub(super) struct Malformed;

/// What follows the prefix of a name. With two colons or an empty half there is no prefix.
pub(super) fn local_name(name: &str) -> Result<&str, Malformed> {
    let is_name = name.starts_with(is_name_start)
        && name
            .chars()
            .all(|character| is_name_start(character) || matches!(character, '0'..='9' | '-' | '.'));
    if !is_name {
        return Err(Malformed);
    }
    match name.split_once(':') {
        Some((prefix, local)) if !prefix.is_empty() && !local.is_empty() && !local.contains(':') => Ok(local),
        _ => Ok(name),
    }
}

pub(super) fn is_name_start(character: char) -> bool {
    character.is_ascii_alphabetic() || matches!(character, '_' | ':') || !character.is_ascii()
}

/// An attribute's value.
pub(super) fn decoded(value: &str) -> Result<String, Malformed> {
    let mut decoded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((plain, reference)) = rest.split_once('&') {
        push_plain(plain, &mut decoded)?;
        let (name, after) = reference.split_once(';').ok_or(Malformed)?;
        decoded.push(referenced(name)?);
        rest = after;
    }
    push_plain(rest, &mut decoded)?;
    Ok(decoded)
}

/// Appends what stands between references.
pub(super) fn push_plain(raw: &str, out: &mut String) -> Result<(), Malformed> {
    if raw.contains('<') || raw.contains("]]>") {
        return Err(Malformed);
    }
    push_characters(raw, out)
}

/// Appends `raw` with its line ends as `\n`.
pub(super) fn push_characters(raw: &str, out: &mut String) -> Result<(), Malformed> {
    if !raw.chars().all(is_allowed) {
        return Err(Malformed);
    }
    let mut lines = raw.split('\r');
    out.push_str(lines.next().unwrap_or_default());
    for line in lines {
        out.push('\n');
        out.push_str(line.strip_prefix('\n').unwrap_or(line));
    }
    Ok(())
}

/// The character that `&name;` stands for; entities of the document's own are not known.
pub(super) fn referenced(name: &str) -> Result<char, Malformed> {
    let character = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => {
            let number = name.strip_prefix('#').ok_or(Malformed)?;
            let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
            if !digits.chars().all(|digit| digit.is_digit(radix)) {
                return Err(Malformed);
            }
            let code = u32::from_str_radix(digits, radix).map_err(|_| Malformed)?;
            if code > u32::from(char::MAX) {
                return Err(Malformed);
            }
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
    };
    if is_allowed(character) { Ok(character) } else { Err(Malformed) }
}

/// The `Char` production of XML 1.0.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}
