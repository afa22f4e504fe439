//! Cobertura: which lines of which files ran, from its XML. The only file that knows quick-xml of coverage; a DTD is never looked up, and no
//! entity but XML's own is known.

use super::coverage::{Unread, Written};
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

/// Elements within each other, at most.
const DEPTH_MAX: usize = 64;

/// Reads a report.
///
/// # Errors
/// XML that is none, or is something else than Cobertura's.
pub(super) fn read(text: &str) -> Result<Written, Unread> {
    let mut reader = Reader::from_str(text);
    let mut walk = Walk::default();
    loop {
        let at = reader.buffer_position();
        let place = |why: Unread| match why {
            Unread::Malformed(why) => Unread::Malformed(format!("byte {at}: {why}")),
            other => other,
        };
        let event = reader.read_event().map_err(|error| place(Unread::Malformed(error.to_string())))?;
        if matches!(event, Event::Eof) {
            let is_whole = walk.depth == 0 && walk.has_root;
            return if is_whole { Ok(walk.written) } else { Err(place(malformed("it breaks off"))) };
        }
        walk.hear(event).map_err(place)?;
    }
}

/// Where the reading of a report stands.
#[derive(Default)]
struct Walk {
    written: Written,
    depth: usize,
    has_root: bool,
    in_class: bool,
    /// The text of the `source` that is open.
    source: Option<String>,
}

impl Walk {
    fn hear(&mut self, event: Event<'_>) -> Result<(), Unread> {
        match event {
            Event::Start(element) => {
                self.begin(&element)?;
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(malformed("elements are nested too deep"));
                }
                if element.local_name().as_ref() == "source" {
                    self.source = Some(String::new());
                }
            }
            Event::Empty(element) => {
                self.begin(&element)?;
                self.end(element.local_name().as_ref())?;
            }
            Event::End(element) => {
                self.depth = self.depth.saturating_sub(1);
                self.end(element.local_name().as_ref())?;
            }
            Event::Text(text) => self.say(&text.xml10_content()),
            Event::CData(text) => self.say(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let letter = entity.resolve_char_ref().map_err(|error| Unread::Malformed(error.to_string()))?;
                let known = quick_xml::escape::resolve_predefined_entity(&entity.xml10_content()).map(str::to_owned);
                let text = letter.map(String::from).or(known);
                self.say(&text.ok_or_else(|| malformed("an entity that XML does not have"))?);
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), Unread> {
        let name = element.local_name();
        if self.depth == 0 && (name.as_ref() != "coverage" || self.has_root) {
            return Err(malformed("it is no Cobertura report, whose outermost element is `coverage`"));
        }
        self.has_root = true;
        match name.as_ref() {
            "class" => {
                let file = value(element, "filename")?.ok_or_else(|| malformed("a class without `filename`"))?;
                self.written.begin(&file)?;
                self.in_class = true;
            }
            "line" if self.in_class => line(element, &mut self.written)?,
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), Unread> {
        match name {
            "class" => self.in_class = false,
            "source" => {
                if let Some(source) = self.source.take() {
                    self.written.source(source.trim())?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn say(&mut self, text: &str) {
        if let Some(source) = &mut self.source {
            source.push_str(text);
        }
    }
}

fn malformed(why: &str) -> Unread {
    Unread::Malformed(why.to_owned())
}

fn line(element: &BytesStart<'_>, written: &mut Written) -> Result<(), Unread> {
    let at = value(element, "number")?.and_then(|at| at.trim().parse().ok());
    let hits = value(element, "hits")?.filter(|hits| !hits.is_empty() && hits.bytes().all(|b| b.is_ascii_digit()));
    let (Some(at), Some(hits)) = (at, hits) else { return Err(malformed("a line without `number` or `hits`")) };
    written.line(at, hits.bytes().any(|b| b != b'0'))
}

fn value(element: &BytesStart<'_>, key: &str) -> Result<Option<String>, Unread> {
    let wrong = |error: &dyn std::fmt::Display| Unread::Malformed(error.to_string());
    let attribute = element.try_get_attribute(key).map_err(|error| wrong(&error))?;
    let value =
        attribute.map(|attribute| attribute.normalized_value(XmlVersion::Explicit1_0).map(|value| value.into_owned()));
    value.transpose().map_err(|error| wrong(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "<?xml version=\"1.0\" ?>\n<!DOCTYPE coverage SYSTEM 'http://cobertura.sourceforge.net/xml/coverage-04.dtd'>\n";

    #[test]
    fn lines_of_classes_are_read_and_those_of_their_methods_are_the_same() {
        let text = format!(
            "{HEAD}<coverage line-rate=\"0.5\"><sources><source>/a &amp; b/src</source></sources><packages><package name=\"p\"><classes>\
             <class name=\"A\" filename=\"p/A.java\"><methods><method name=\"f\"><lines><line number=\"3\" hits=\"0\"/></lines></method></methods>\
             <lines><line number=\"3\" hits=\"2\" branch=\"true\" condition-coverage=\"50% (1/2)\"/><line number=\"4\" hits=\"0\"/></lines></class>\
             </classes></package></packages></coverage>"
        );
        let written = read(&text).unwrap();
        assert_eq!(written.sources, ["/a & b/src"]);
        assert_eq!(written.lines("p/A.java"), [(3, true), (4, false)]);
    }

    #[test]
    fn what_is_no_report_of_cobertura_is_not_read() {
        let bomb = "<!DOCTYPE coverage [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><coverage><sources><source>&b;</source></sources></coverage>";
        let line = |line: &str| format!("<coverage><class filename=\"a\"><lines>{line}</lines></class></coverage>");
        for text in [
            "",
            "<report/>",
            "<coverage><class filename=\"a\"><lines><line number=\"1\" hits=\"1\"/>",
            "<coverage></packages></coverage>",
            bomb,
            &line("<line number=\"1\"/>"),
            &line("<line number=\"&b;\" hits=\"1\"/>"),
            &line("<line number=\"-1\" hits=\"1\"/>"),
            &format!("<coverage>{}</coverage>", "<a>".repeat(100)),
            "<coverage/><coverage/>",
        ] {
            assert!(matches!(read(text), Err(Unread::Malformed(_))), "{text}");
        }
    }
}
