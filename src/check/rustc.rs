//! What cargo and rustc say in JSON: errors with codes and places, and the test executables that were built.

use crate::rules::{BuildError, ErrorKind};
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

/// Errors beyond these are not kept.
const MOST_ERRORS: usize = 200;

/// What a build with `--message-format=json` said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub errors: Vec<BuildError>,
    /// Each test executable with its binary id (`demo::it`).
    pub executables: BTreeMap<String, String>,
    /// The same errors as rustc shows them.
    pub rendered: String,
}

#[derive(Deserialize)]
struct Line {
    reason: String,
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    target: Option<Target>,
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    executable: Option<String>,
    #[serde(default)]
    profile: Option<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    #[serde(default)]
    test: bool,
}

#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    kind: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
struct Message {
    message: String,
    #[serde(default)]
    code: Option<ErrorCode>,
    level: String,
    #[serde(default)]
    spans: Vec<Span>,
    #[serde(default)]
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct ErrorCode {
    code: String,
}

#[derive(Clone, Deserialize)]
struct Span {
    file_name: String,
    line_start: u32,
    #[serde(default)]
    is_primary: bool,
    #[serde(default)]
    expansion: Option<Box<Expansion>>,
}

#[derive(Clone, Deserialize)]
struct Expansion {
    span: Span,
}

/// Reads the lines. `cwd` is the checkout: places outside it are no places. `folder` is where in it cargo's own places begin.
pub(super) fn said(json: &str, cwd: &Path, folder: &str) -> Said {
    let mut said = Said::default();
    for line in json.lines().filter(|line| line.starts_with('{')) {
        let Ok(line) = serde_json::from_str::<Line>(line) else { continue };
        let target = line.target.as_ref().map(|target| binary_id(&package_name(&line.package_id), target));
        match (line.reason.as_str(), line.message) {
            ("compiler-message", Some(message)) if message.level.starts_with("error") && !is_summary(&message) => {
                take_in(&mut said, message, (cwd, folder), target);
            }
            ("compiler-artifact", _) if line.profile.is_some_and(|profile| profile.test) => {
                if let (Some(executable), Some(id)) = (line.executable, target) {
                    said.executables.insert(executable, id);
                }
            }
            _ => {}
        }
    }
    said
}

/// A library is compiled twice, for itself and for its tests: the same error is one.
fn take_in(said: &mut Said, message: Message, at: (&Path, &str), target: Option<String>) {
    let rendered = message.rendered.clone().unwrap_or_default();
    let error = error(message, at, target);
    let is_same =
        |held: &BuildError| (&held.file, held.line, &held.message) == (&error.file, error.line, &error.message);
    if said.errors.len() < MOST_ERRORS && !said.errors.iter().any(is_same) {
        said.rendered.push_str(&rendered);
        said.errors.push(error);
    }
}

/// "aborting due to 2 previous errors": no error of its own.
fn is_summary(message: &Message) -> bool {
    message.code.is_none()
        && message.spans.is_empty()
        && (message.message.starts_with("aborting due to") || message.message.starts_with("could not compile"))
}

/// `path+file:///a/demo#0.1.0` and `path+file:///a#demo@0.1.0` are `demo`.
fn package_name(id: &str) -> String {
    let (place, version) = id.rsplit_once('#').unwrap_or((id, ""));
    match version.rsplit_once('@') {
        Some((name, _)) => name.to_owned(),
        None => place.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

/// A binary's id: `demo` for the library, `demo::it` for a test, `demo::bin/x` for a program. Stable between trees.
fn binary_id(package: &str, target: &Target) -> String {
    match target.kind.first().map(String::as_str) {
        Some("test") => format!("{package}::{}", target.name),
        Some(kind @ ("bin" | "example" | "bench")) => format!("{package}::{kind}/{}", target.name),
        _ => package.to_owned(),
    }
}

fn error(message: Message, at: (&Path, &str), target: Option<String>) -> BuildError {
    let span = message.spans.iter().find(|span| span.is_primary).or_else(|| message.spans.first());
    let place = span.and_then(|span| place(span, at));
    let code = message.code.map(|code| code.code);
    BuildError {
        kind: kind(code.as_deref(), &message.message, span.is_some()),
        code: code.map(Into::into),
        message: crate::text::shortened(&message.message.replace('\n', " "), 500).into(),
        line: place.as_ref().map(|(_, line)| *line),
        file: place.map(|(file, _)| file.into()),
        target: target.map(Into::into),
    }
}

/// Where the author wrote it: inside the checkout, or the call of the macro that did.
fn place(span: &Span, (cwd, folder): (&Path, &str)) -> Option<(String, u32)> {
    let mut at = Some(span);
    for _ in 0..64 {
        let span = at?;
        let name = Path::new(&span.file_name);
        let inside = if name.is_absolute() { name.strip_prefix(cwd).ok() } else { Some(name) };
        let is_ours = !span.file_name.starts_with('<') && inside.is_some_and(|path| !path.starts_with(".."));
        if let (true, Some(path)) = (is_ours, inside.and_then(Path::to_str)) {
            let is_relative = !name.is_absolute() && !folder.is_empty();
            let path = if is_relative { format!("{folder}/{path}") } else { path.to_owned() };
            return Some((path, span.line_start));
        }
        at = span.expansion.as_ref().map(|expansion| &expansion.span);
    }
    None
}

/// Something of that name is not there.
const NAME: [&str; 22] = [
    "E0405", "E0407", "E0408", "E0412", "E0422", "E0423", "E0424", "E0425", "E0426", "E0432", "E0433", "E0437",
    "E0438", "E0531", "E0532", "E0559", "E0560", "E0574", "E0599", "E0609", "E0610", "E0576",
];

/// It is there and has another shape.
const TYPE: [&str; 38] = [
    "E0004", "E0023", "E0026", "E0027", "E0029", "E0046", "E0050", "E0053", "E0057", "E0060", "E0061", "E0062",
    "E0063", "E0069", "E0107", "E0117", "E0191", "E0195", "E0220", "E0221", "E0223", "E0271", "E0277", "E0282",
    "E0283", "E0284", "E0308", "E0369", "E0600", "E0603", "E0604", "E0605", "E0606", "E0607", "E0608", "E0614",
    "E0616", "E0618",
];

fn kind(code: Option<&str>, message: &str, has_place: bool) -> ErrorKind {
    let Some(code) = code else {
        let names = [
            "cannot find macro",
            "cannot find attribute",
            "cannot find derive macro",
            "unresolved import",
            "no rules expected",
        ];
        return if names.iter().any(|start| message.starts_with(start)) {
            ErrorKind::Name
        } else if has_place && !message.starts_with("environment variable") && !message.contains("proc macro panicked")
        {
            ErrorKind::Syntax
        } else {
            ErrorKind::Other
        };
    };
    match code {
        _ if NAME.contains(&code) => ErrorKind::Name,
        _ if TYPE.contains(&code) || code == "E0624" => ErrorKind::Type,
        // Literals and comments that do not end, a number too long for its type to be read.
        "E0758" | "E0762" | "E0763" | "E0765" | "E0766" | "E0748" | "E0768" => ErrorKind::Syntax,
        _ => ErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_their_kind_by_code_and_those_without_code_by_their_words() {
        for (code, message, expected) in [
            (Some("E0432"), "unresolved import `demo::x`", ErrorKind::Name),
            (Some("E0308"), "mismatched types", ErrorKind::Type),
            (None, "cannot find macro `x` in this scope", ErrorKind::Name),
            (None, "expected `;`, found `}`", ErrorKind::Syntax),
            (None, "this file contains an unclosed delimiter", ErrorKind::Syntax),
            (Some("E0765"), "unterminated double quote string", ErrorKind::Syntax),
            (Some("E0382"), "use of moved value", ErrorKind::Other),
            (Some("unused_imports"), "unused import", ErrorKind::Other),
        ] {
            assert_eq!(kind(code, message, true), expected, "{message}");
        }
    }

    #[test]
    fn an_error_inside_a_foreign_macro_stands_where_it_was_called() {
        let json = r#"{"reason":"compiler-message","package_id":"path+file:///w#demo@0.1.0","target":{"kind":["test"],"name":"it"},"message":{"message":"m","code":{"code":"E0425"},"level":"error","spans":[{"file_name":"/rustc/x/macros.rs","line_start":1,"is_primary":true,"expansion":{"span":{"file_name":"tests/it.rs","line_start":7}}}]}}
{"reason":"compiler-artifact","package_id":"path+file:///w/demo#0.1.0","target":{"kind":["bin"],"name":"x"},"profile":{"test":true},"executable":"/t/x-1"}
{"reason":"compiler-message","message":{"message":"aborting due to 1 previous error","code":null,"level":"error","spans":[]}}
not json"#;
        let said = said(json, Path::new("/w"), "");
        assert_eq!(said.errors.len(), 1);
        assert_eq!((said.errors[0].file.as_deref(), said.errors[0].line), (Some("tests/it.rs"), Some(7)));
        assert_eq!(said.errors[0].target.as_deref(), Some("demo::it"));
        assert_eq!(said.executables["/t/x-1"], "demo::bin/x");
    }
}
