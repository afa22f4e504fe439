//! What kept a file of JavaScript or TypeScript from being loaded, read from the words of the engine or the bundler.

use super::{compiler::inside, events::Fault};
use crate::rules::{BuildError, ErrorKind, regex};
use regex::Regex;
use std::{path::Path, sync::LazyLock};

/// Characters of an error that are looked at.
const LONGEST: usize = 20_000;

/// `ReferenceError: x is not defined`, `Error [ERR_MODULE_NOT_FOUND]: Cannot find ...`.
static HEAD: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?m)^[ \t]*(?:\x{25cf} )?(?:Uncaught )?((?:[A-Z]\w*)?(?:Error|Exception))(?: \[\w+\])?: ?(.*)$")
});

/// Something of that name is not there.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"Cannot find (?:module|package|name)|ERR_MODULE_NOT_FOUND|Failed to resolve import|Failed to load url|does not provide an export named|Named export '|Could not resolve|Cannot resolve|is not exported by|has no exported member|does not exist on type|ERR_PACKAGE_PATH_NOT_EXPORTED|is not exported from",
    )
});

static SYNTAX: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"Failed to parse source|Transform failed|Parse failure|PARSE_ERROR|unexpected token|Unexpected token|error TS1\d{3}\b",
    )
});

/// The compiler's own check of types: what is not a name is a shape.
static TYPES: LazyLock<Regex> = LazyLock::new(|| regex(r"error TS2\d{3}\b|TS2\d{3}:"));

/// Who asked for what is not there.
static ASKED_BY: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"imported from '?([^\s'"]+)|Require stack:\s+- (\S+)|(?m:^|\s)from '([^'\n]+)'\s*$|Failed to resolve import "[^"]*" from "([^"]+)""#,
    )
});

/// `file:///w/a.test.js:3:1`, `(tests/a.test.js:1:15)`, `/w/tests/a.test.ts:3:5: ERROR`.
static PLACE: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"((?:file://)?[^\s()'":]+\.[cm]?[jt]sx?):(?:(\d+)|\s.*?\((\d+):\d+\))"#));

/// The error of a build that a fault is. `root` is the checkout.
pub(super) fn error(fault: Fault, root: &Path) -> BuildError {
    let all = if fault.stack.contains(&fault.message) {
        fault.stack.clone()
    } else {
        format!("{}: {}\n{}", fault.class, fault.message, fault.stack)
    };
    let text = crate::text::shortened(&all, LONGEST);
    let head = HEAD.captures(&text);
    let group = |at: usize| head.as_ref().and_then(|head| head.get(at)).map(|found| found.as_str().trim().to_owned());
    let class = group(1).unwrap_or_else(|| fault.class.clone());
    let first = || text.lines().map(str::trim).find(|line| line.len() > 3).unwrap_or_default().to_owned();
    let message = if fault.message.is_empty() { group(2).unwrap_or_else(first) } else { fault.message.clone() };
    let kind = kind(&class, &message, &text);
    let base = fault.base.clone().unwrap_or_default();
    let inside = |path: &str| inside(path, root, &base);
    let asked = ASKED_BY.captures(&text).and_then(|found| found.iter().skip(1).flatten().next());
    let asked = asked.filter(|_| kind == ErrorKind::Name).and_then(|path| inside(path.as_str()));
    let frame = || {
        PLACE.captures_iter(&text).find_map(|found| {
            let line = found.get(2).or_else(|| found.get(3)).and_then(|line| line.as_str().parse().ok());
            Some((inside(&found[1])?, line))
        })
    };
    let of = |file: &String, frame: Option<(String, Option<u32>)>| {
        frame.filter(|(at, _)| at == file).and_then(|(_, line)| line)
    };
    let (file, line) = match (fault.file.clone(), asked) {
        (Some(file), _) => (Some(file), fault.line),
        (None, Some(file)) => {
            let line = of(&file, frame());
            (Some(file), line)
        }
        (None, None) => match frame() {
            Some((file, line)) => (Some(file), line),
            None => (fault.target.clone(), None),
        },
    };
    Fault { class, message, ..fault }.into_error(kind, file, line)
}

fn kind(class: &str, message: &str, text: &str) -> ErrorKind {
    if NAME.is_match(message) || class == "ReferenceError" {
        ErrorKind::Name
    } else if SYNTAX.is_match(message) || class == "SyntaxError" {
        if NAME.is_match(text) && !SYNTAX.is_match(message) { ErrorKind::Name } else { ErrorKind::Syntax }
    } else if class == "TypeError" || TYPES.is_match(message) {
        ErrorKind::Type
    } else if NAME.is_match(text) {
        ErrorKind::Name
    } else if SYNTAX.is_match(text) {
        ErrorKind::Syntax
    } else if TYPES.is_match(text) {
        ErrorKind::Type
    } else {
        ErrorKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(stack: &str) -> (ErrorKind, Option<String>, Option<u32>) {
        let root = tempfile::tempdir().unwrap();
        for file in ["tests/a.test.js", "src/b.ts"] {
            let at = root.path().join(file);
            std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            std::fs::write(at, "").unwrap();
        }
        let stack = stack.replace("/w/", &format!("{}/", root.path().display()));
        let error = error(Fault { stack, target: Some("tests/a.test.js".into()), ..Fault::default() }, root.path());
        (error.kind, error.file.map(Into::into), error.line)
    }

    #[test]
    fn what_is_not_there_yet_is_told_from_what_does_not_parse_and_stands_where_it_was_asked_for() {
        use ErrorKind::{Name, Other, Syntax, Type};
        let (test, product) = ("tests/a.test.js", "src/b.ts");
        for (stack, kind, file, line) in [
            (
                "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/w/src/s.js' imported from /w/tests/a.test.js\n    at x (node:internal:1:2)",
                Name,
                test,
                None,
            ),
            (
                "file:///w/tests/a.test.js:2\nimport { put } from '../src/b.js';\n         ^^^\nSyntaxError: The requested module '../src/b.js' does not provide an export named 'put'\n    at y",
                Name,
                test,
                Some(2),
            ),
            (
                "/w/tests/a.test.js:4\nconst x = ;\n\nSyntaxError: Unexpected token ';'\n    at wrapSafe (node:internal/modules/cjs/loader:1378:20)",
                Syntax,
                test,
                Some(4),
            ),
            ("ReferenceError: nothing is not defined\n    at /w/tests/a.test.js:2:1", Name, test, Some(2)),
            (
                "TypeError: put is not a function\n    at f (file:///w/node_modules/x/i.js:9:9)\n    at file:///w/src/b.ts:7:1",
                Type,
                product,
                Some(7),
            ),
            (
                "  \u{25cf} Test suite failed to run\n\n    Cannot find module '../src/s' from 'tests/a.test.js'\n\n    > 1 | const s = require('../src/s');\n\n      at Resolver._throw (node_modules/jest-resolve/build/index.js:863:11)\n      at Object.require (tests/a.test.js:1:15)",
                Name,
                test,
                Some(1),
            ),
            ("SyntaxError: /w/tests/a.test.js: Unexpected token (3:5)\n\n  1 |", Syntax, test, Some(3)),
            (
                "Error: Failed to resolve import \"../src/s\" from \"tests/a.test.js\". Does the file exist?",
                Name,
                test,
                None,
            ),
            ("tests/a.test.js:5:3 - error TS2339: Property 'put' does not exist on type 'Store'.", Name, test, Some(5)),
            ("tests/a.test.js:5:3 - error TS2345: Argument of type 'string' is not assignable", Type, test, Some(5)),
            ("Error: boom\n    at /w/tests/a.test.js:3:7", Other, test, Some(3)),
        ] {
            assert_eq!(told(stack), (kind, Some(file.to_owned()), line), "{stack}");
        }
    }

    #[test]
    fn hostile_words_neither_panic_nor_take_long() {
        for piece in ["Error: ", "from '", "(a.js:1", "\u{25cf} ", "é.ts:", "imported from "] {
            let _ = told(&piece.repeat(50_000));
        }
    }
}
