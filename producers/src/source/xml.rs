//! One XML element as a row: attributes, inner elements and their text become columns named by their paths, `no`,
//! `vehicle.@type`, `vehicles.vehicle.1.number`.
//!
//! Names are without prefixes. A number picks one of several elements of a name, from 0; it may be left out where there is
//! one, and a path that leaves it out where there are more is refused, not guessed. Only the five entities that XML itself
//! defines and references to characters are known.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::language::column::Columns;
use crate::reason::{Problem, Reason};

/// Elements may be nested so deep.
const DEPTH_MAX: usize = 64;
/// A row may have so many elements and attributes together.
const NODES_MAX: usize = 20_000;

/// An element may have so many attributes.
const ATTRIBUTES_MAX: usize = 256;

/// Whether a document's declaration names an encoding other than UTF-8 or a part of it.
pub(super) fn foreign_encoding(prologue: &str) -> bool {
    let mut reader = Reader::from_str(prologue);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Decl(declaration) => {
                let Some(Ok(name)) = declaration.encoding() else { return false };
                return ![&b"utf-8"[..], b"utf8", b"us-ascii", b"ascii"]
                    .iter()
                    .any(|known| name.eq_ignore_ascii_case(known));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    false
}

/// The cells of a row, in the order of `columns`; columns that the element lacks are empty.
///
/// # Errors
/// When the row is not one well-formed element, or a path fits two of its elements.
pub(super) fn cells(row: &str, columns: &Columns) -> Result<Vec<Cow<'static, str>>, Problem> {
    let root = parse(row)?;
    columns.names().iter().map(|path| root.cell(path).map(Cow::Owned)).collect()
}

/// An element, or an attribute.
#[derive(Debug, Default)]
struct Node {
    name: String,
    text: String,
    inner: Vec<Node>,
}

impl Node {
    /// The text at a path.
    fn cell(&self, path: &str) -> Result<String, Problem> {
        let mut node = self;
        let mut parts = path.split('.').peekable();
        while let Some(name) = parts.next() {
            let mut fitting = node.inner.iter().filter(|inner| inner.name == name);
            let number = parts.peek().and_then(|part| part.parse::<usize>().ok());
            let found = match number {
                Some(number) => {
                    parts.next();
                    fitting.nth(number)
                }
                None => {
                    let first = fitting.next();
                    if fitting.next().is_some() {
                        let problem = format!("is in the row more than once: name which, as in {name}.0");
                        return Err(Problem::new(
                            Reason::BadXml,
                            format!("element of the column {path} {problem}"),
                        ));
                    }
                    first
                }
            };
            let Some(found) = found else { return Ok(String::new()) };
            node = found;
        }
        Ok(node.text.trim().to_owned())
    }
}

fn bad(what: &'static str) -> Problem {
    Problem::new(Reason::BadXml, what)
}

fn parse(row: &str) -> Result<Node, Problem> {
    // The parser's own words may quote the row; ours do not.
    let malformed = || bad("is no well-formed xml: a tag, attribute or reference is wrong");
    let mut reader = Reader::from_str(row);
    reader.config_mut().check_comments = true;
    let mut open: Vec<Node> = Vec::new();
    let mut nodes = 0;
    loop {
        let event = reader.read_event().map_err(|_| malformed())?;
        match event {
            Event::Start(tag) => {
                if open.len() == DEPTH_MAX {
                    return Err(bad("has elements nested deeper than 64"));
                }
                open.push(element(&tag, &mut nodes)?);
            }
            Event::Empty(tag) => {
                let node = element(&tag, &mut nodes)?;
                match open.last_mut() {
                    Some(parent) => parent.inner.push(node),
                    None => return only(node, &mut reader),
                }
            }
            Event::End(_) => {
                let node = open.pop().ok_or_else(malformed)?;
                match open.last_mut() {
                    Some(parent) => parent.inner.push(node),
                    None => return only(node, &mut reader),
                }
            }
            Event::Text(text) => {
                let text = text.xml10_content().map_err(|_| malformed())?;
                open.last_mut().ok_or_else(malformed)?.text.push_str(&text);
            }
            Event::CData(text) => {
                let text = text.xml10_content().map_err(|_| malformed())?;
                open.last_mut().ok_or_else(malformed)?.text.push_str(&text);
            }
            Event::GeneralRef(reference) => {
                let text = &mut open.last_mut().ok_or_else(malformed)?.text;
                match reference.resolve_char_ref().map_err(|_| malformed())? {
                    Some(letter) => text.push(letter),
                    None => text.push_str(predefined(&reference).ok_or_else(unknown_entity)?),
                }
            }
            Event::Comment(_) | Event::PI(_) => {}
            Event::DocType(_) | Event::Decl(_) | Event::Eof => return Err(malformed()),
        }
    }
}

fn unknown_entity() -> Problem {
    bad("names an entity that xml does not define: export the letter itself, or its number")
}

/// The element, if nothing follows it.
fn only(node: Node, reader: &mut Reader<&[u8]>) -> Result<Node, Problem> {
    match reader.read_event() {
        Ok(Event::Eof) => Ok(node),
        _ => Err(bad("is more than one element")),
    }
}

/// The entities of the XML recommendation, section 4.6.
fn predefined(name: &[u8]) -> Option<&'static str> {
    match name {
        b"lt" => Some("<"),
        b"gt" => Some(">"),
        b"amp" => Some("&"),
        b"apos" => Some("'"),
        b"quot" => Some("\""),
        _ => None,
    }
}

/// An element with its attributes, as `@name`. Declarations of namespaces are none.
fn element(tag: &BytesStart<'_>, nodes: &mut usize) -> Result<Node, Problem> {
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut node = Node { name: name(tag.local_name().as_ref()), ..Node::default() };
    *nodes += 1;
    for attribute in tag.attributes().with_checks(false) {
        *nodes += 1;
        if node.inner.len() == ATTRIBUTES_MAX {
            return Err(bad("has an element with more than 256 attributes"));
        }
        let attribute = attribute.map_err(|_| bad("has an attribute that is no xml"))?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let text = attribute.normalized_value(XmlVersion::Implicit1_0);
        let text = text.map_err(|_| bad("has an attribute with a reference that xml does not define"))?;
        let name = format!("@{}", name(attribute.key.local_name().as_ref()));
        if node.inner.iter().any(|other| other.name == name) {
            return Err(bad("has an attribute twice"));
        }
        node.inner.push(Node { name, text: text.into_owned(), inner: Vec::new() });
    }
    if *nodes > NODES_MAX {
        return Err(bad("has more than 20000 elements and attributes"));
    }
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(row: &str, columns: &[&str]) -> Result<Vec<String>, Reason> {
        let cells = cells(row, &Columns::new(columns)).map_err(|problem| problem.reason)?;
        Ok(cells.into_iter().map(Cow::into_owned).collect())
    }

    #[test]
    fn elements_attributes_and_repetitions_become_names() {
        let row = "<n:fir xmlns:n='u:r' n:id='7'>\n <no>0012/2024</no>\n <vehicles>\n  <vehicle type='car'><number>RJ 14</number></vehicle>\
                   <vehicle type=\"bus\"/></vehicles><station code='71'>सदर &amp; &#x915;&lt;</station><facts><![CDATA[a < b]]> &quot;c&quot;</facts></n:fir>";
        let columns = [
            "@id",
            "no",
            "vehicles.vehicle.0.@type",
            "vehicles.vehicle.1.@type",
            "vehicles.0.vehicle.0.number.0",
            "vehicles.vehicle.2.@type",
            "station",
            "station.@code",
            "facts",
            "absent.part",
        ];
        let wanted = ["7", "0012/2024", "car", "bus", "RJ 14", "", "सदर & क<", "71", "a < b \"c\"", ""];
        assert_eq!(read(row, &columns).unwrap(), wanted);
        assert_eq!(read("<fir/>", &["no"]).unwrap(), [""]);
    }

    #[test]
    fn other_encodings_are_noticed() {
        for (prologue, foreign) in [
            ("<?xml version=\"1.0\" encoding=\"UTF-8\"?><firs>", false),
            ("<?xml version='1.0'?><firs>", false),
            ("<firs>", false),
            ("<?xml version='1.0' encoding='ISO-8859-1'?>\n<firs>", true),
            ("\n<!-- x --><?xml version='1.0' encoding='windows-1252'?><firs>", true),
        ] {
            assert_eq!(foreign_encoding(prologue), foreign, "{prologue}");
        }
    }

    #[test]
    fn a_path_that_fits_two_elements_is_refused() {
        let row = "<fir><vehicle n='1'/><vehicle n='2'/></fir>";
        let problem = cells(row, &Columns::new(["vehicle.@n"])).unwrap_err();
        assert_eq!(
            problem.message,
            "element of the column vehicle.@n is in the row more than once: name which, as in vehicle.0"
        );
        assert_eq!(read(row, &["vehicle.1.@n"]).unwrap(), ["2"]);
    }

    #[test]
    fn what_is_not_well_formed_is_refused_and_not_quoted() {
        let deep = format!("<fir>{}{}</fir>", "<a>".repeat(100), "</a>".repeat(100));
        let wide = format!("<fir>{}</fir>", "<a/>".repeat(30_000));
        let attributes: String = (0..30_000).map(|n| format!(" a{n}='1'")).collect();
        for row in [
            "<fir><a></fir>",
            "<fir><a></b></fir>",
            "<fir>&secret;</fir>",
            "<fir a='&secret;'/>",
            "<fir>& </fir>",
            "<fir>&#0;</fir>",
            "<fir a='1' a='2'/>",
            "<fir a=1/>",
            "<fir a/>",
            "<fir/><fir/>",
            "<fir><!-- -- --></fir>",
            "text",
            "",
            "<fir>",
            &deep,
            &wide,
            &format!("<fir{attributes}/>"),
        ] {
            let problem = cells(row, &Columns::new(["a"])).unwrap_err();
            assert_eq!(problem.reason, Reason::BadXml, "{}", row.get(..20).unwrap_or(row));
            assert!(!problem.message.contains("secret"), "{}", problem.message);
        }
    }
}
