//! The addresses of an `ip-whitelist`: in the hooks file, and in a file of their own that is read when the
//! hooks file is.

use std::io::Read;
use std::path::Path;

use ipnet::IpNet;

use super::inspect;
use super::node::Node;
use super::problem::Kind;
use super::record::{Reader, Record};
use crate::network::network;
use crate::rule::Match;

/// Sixty thousand addresses. Each request is compared with all of them, which takes a fraction of a
/// millisecond.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Bad lines of one file that are reported; more do not help.
const LINES_REPORTED_MAX: usize = 20;

const HELP: &str = "write `192.0.2.7` or `192.0.2.0/24`";

pub(super) fn ip_whitelist(reader: &mut Reader<'_>, record: Record<'_>) -> Option<Match> {
    let (of_range, of_file) = (record.get("ip-range"), record.get("ip-file"));
    if of_range.is_none() && of_file.is_none() {
        let help = "write addresses or networks, separated by spaces, or `ip-file` with the path of a list";
        reader.report(Kind::IncompleteMatch, "the match has no `ip-range`", help);
        return None;
    }
    let of_range = of_range.map(|(index, node)| {
        reader.entry(index, "ip-range", |reader| {
            let networks = match node {
                Node::Sequence(items) => {
                    let items = items.iter().enumerate();
                    let read = items.map(|(index, item)| reader.item(index, |reader| range(reader, item)));
                    read.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>().map(|read| read.concat())
                }
                node => range(reader, node),
            };
            if networks.as_ref().is_some_and(Vec::is_empty) {
                reader.report(Kind::BadNetwork, "`ip-range` is empty", HELP);
            }
            networks.filter(|networks| !networks.is_empty())
        })
    });
    let of_file = of_file.map(|(index, _)| {
        let path = reader.text(record, "ip-file")?;
        reader.entry(index, "ip-file", |reader| file(reader, Path::new(&path)))
    });
    let networks = [of_range, of_file].into_iter().flatten().collect::<Option<Vec<_>>>()?.concat();
    Some(Match::IpWhitelist { networks })
}

/// Addresses and networks with spaces between. What is none refuses the hook.
fn range(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<IpNet>> {
    let (Node::Text(ranges) | Node::Number { text: ranges, .. }) = node else {
        return reader.wrong_type(node, "a text, or a list of texts");
    };
    let read = ranges.split_ascii_whitespace().map(|range| {
        let network = network(range);
        if network.is_none() {
            let at = (ranges.as_str(), range.as_ptr() as usize - ranges.as_ptr() as usize);
            let message = format!("`{range}` is neither an address nor a network");
            let help = match range.contains([',', ';']) {
                true => "separate them by spaces alone: `192.0.2.7 192.0.2.0/24`",
                false => HELP,
            };
            reader.report_inside(at, Kind::BadNetwork, message, help);
        }
        network
    });
    read.collect::<Vec<_>>().into_iter().collect()
}

/// One address or network a line; what follows a `#` is a comment.
fn file(reader: &mut Reader<'_>, path: &Path) -> Option<Vec<IpNet>> {
    if reader.reading.examination.is_some() {
        inspect::address_file(reader, path);
    }
    let name = path.display();
    let text = match read_file(path) {
        Ok(text) => text,
        Err(reason) => {
            let help = "name a file of addresses and networks, one a line, and reload";
            reader.report(Kind::UnreadableNetworks, format!("the file {name} {reason}"), help);
            return None;
        }
    };
    let mut networks = Vec::new();
    let mut bad_lines = 0;
    for (index, line) in text.lines().enumerate() {
        let written = line.split('#').next().unwrap_or_default().trim();
        if written.is_empty() {
            continue;
        }
        match network(written) {
            Some(network) => networks.push(network),
            None => {
                bad_lines += 1;
                if bad_lines <= LINES_REPORTED_MAX {
                    let line = index + 1;
                    let message = format!("{name}:{line}: `{written}` is neither an address nor a network");
                    let help = "write one a line, as `192.0.2.7` or `192.0.2.0/24`, and reload";
                    reader.report(Kind::BadNetwork, message, help);
                }
            }
        }
    }
    if networks.is_empty() && bad_lines == 0 {
        reader.report(Kind::BadNetwork, format!("the file {name} has no address in it"), HELP);
    }
    (!networks.is_empty() && bad_lines == 0).then_some(networks)
}

fn read_file(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    // Opening a pipe would wait for a writer, perhaps for ever.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err("is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("is larger than {FILE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}
