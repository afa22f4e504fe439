//! Lines that only say what a package has: `mod x;` in Rust, `from .x import y` in an `__init__.py`, `export * from './x'` in an index file.

/// The files that a line of this file names, of which one has to be declared; `None` for a line that does something else. Empty: the line
/// goes with its neighbours and names none.
pub(super) fn files_named(path: &str, line: &str) -> Option<Vec<String>> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.split('.').next().unwrap_or(file);
    match file.rsplit('.').next().unwrap_or_default() {
        "rs" => rust_module(line).map(|module| rust_files(path, &module).to_vec()),
        "py" if file == "__init__.py" => python(folder, line),
        "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" | "jsx" | "tsx" if matches!(stem, "index" | "mod") => {
            javascript(folder, line)
        }
        _ => None,
    }
}

/// Whether a file may hold such lines.
pub(super) fn may_hold(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.ends_with(".rs") || file == "__init__.py" || file.starts_with("index.") || file.starts_with("mod.")
}

fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// `from .x import A, B`, `from . import x`, `__all__ = ["A", "B"]`, `"A",`.
fn python(folder: &str, line: &str) -> Option<Vec<String>> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let files = |module: &str| -> Vec<String> {
        let path = if folder.is_empty() { module.to_owned() } else { format!("{folder}/{module}") };
        vec![format!("{path}.py"), format!("{path}/__init__.py")]
    };
    if let Some(rest) = line.strip_prefix("from .") {
        let (module, what) = rest.split_once(" import ")?;
        let (module, what) = (module.trim(), what.trim());
        if what.contains(['(', ')', ';', '#']) || module.starts_with('.') || !module.chars().all(is_name) {
            return None;
        }
        let names = what.split(',').map(|name| name.split(" as ").next().unwrap_or(name).trim());
        return Some(match module {
            "" => names.flat_map(files).collect(),
            module => files(&module.replace('.', "/")),
        });
    }
    let is_part = |c: char| is_name(c) || matches!(c, '"' | '\'' | ',' | ' ');
    let is_list = match line.strip_prefix("__all__") {
        Some(list) => list.chars().all(|c| is_part(c) || matches!(c, '=' | '+' | '[' | ']')),
        // A line of names alone is one of the list.
        None => matches!(line, "]" | "],") || (line.starts_with(['"', '\'']) && line.chars().all(is_part)),
    };
    is_list.then(Vec::new)
}

/// `export * from './x'`, `export { a } from "./x.js"`, `import x from './x'`, `module.exports.x = require('./x')`.
fn javascript(folder: &str, line: &str) -> Option<Vec<String>> {
    let line = line.trim_end_matches(';');
    let begins = line.starts_with("export ") || line.starts_with("import ");
    let from = match line.rsplit_once(" from ").filter(|_| begins) {
        Some((head, from)) => {
            let is_plain = |c: char| c.is_alphanumeric() || "_$*{}, ".contains(c);
            head.chars().all(is_plain).then_some(from)?
        }
        None => return is_export_list(line).then(Vec::new),
    };
    let quote = from.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let path = from.strip_prefix(quote)?.strip_suffix(quote)?;
    if !path.starts_with("./") && !path.starts_with("../") {
        return None;
    }
    let path = joined(folder, path)?;
    let bare = path.rsplit_once('.').filter(|(_, end)| ENDS.contains(end)).map_or(&*path, |(bare, _)| bare);
    let here = ENDS.iter().map(|end| format!("{bare}.{end}"));
    Some(here.chain(ENDS.iter().map(|end| format!("{bare}/index.{end}"))).collect())
}

const ENDS: [&str; 8] = ["ts", "tsx", "js", "jsx", "mjs", "cjs", "mts", "cts"];

/// `export { a, b }`, and a line of it.
fn is_export_list(line: &str) -> bool {
    let names = line.strip_prefix("export ").unwrap_or(line).trim();
    let is_braced = names.starts_with('{') && names.ends_with('}');
    is_braced && names.chars().all(|c| c.is_alphanumeric() || "_$, {}".contains(c))
}

/// The module that a line declares or exports: `pub mod x;`, `pub use x::Y;`, `pub use self::x::{A, B};`.
pub(super) fn rust_module(line: &str) -> Option<String> {
    let line = line.trim().strip_suffix(';')?;
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')').map(|(_, rest)| rest.trim_start())?,
        Some(rest) => rest.trim_start(),
        None => line,
    };
    let (keyword, rest) = line.split_once(' ')?;
    let rest = rest.trim();
    let path = match keyword {
        "mod" => rest,
        "use" => rest.strip_prefix("self::").or_else(|| rest.strip_prefix("crate::")).unwrap_or(rest),
        _ => return None,
    };
    let name: String = path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let is_whole = path[name.len()..].is_empty() || (keyword == "use" && path[name.len()..].starts_with("::"));
    (is_whole && !name.is_empty()).then_some(name)
}

/// Where the file of a module may stand that is declared in `path`.
fn rust_files(path: &str, module: &str) -> [String; 2] {
    let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let own = if matches!(stem, "lib" | "main" | "mod") { String::new() } else { format!("{stem}/") };
    let base = if folder.is_empty() { own } else { format!("{folder}/{own}") };
    [format!("{base}{module}.rs"), format!("{base}{module}/mod.rs")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_says_what_a_package_has_names_its_files() {
        for (path, line, file) in [
            ("src/lib.rs", "pub mod x;", Some("src/x.rs")),
            ("app/__init__.py", "from .x import A, B as C", Some("app/x.py")),
            ("app/__init__.py", "from . import x", Some("app/x.py")),
            ("app/__init__.py", "from .x.y import A", Some("app/x/y/__init__.py")),
            ("app/__init__.py", "__all__ = [\"A\", \"B\"]", None),
            ("web/index.ts", "export * from './x';", Some("web/x.ts")),
            ("web/index.js", "export { a, b } from \"./x.js\"", Some("web/x.js")),
            ("web/index.js", "export { default as a } from '../y'", Some("y/index.js")),
        ] {
            let named = files_named(path, line).unwrap_or_else(|| panic!("{line}"));
            match file {
                Some(file) => assert!(named.contains(&file.to_owned()), "{line}: {named:?}"),
                None => assert_eq!(named, [""; 0], "{line}"),
            }
        }
        for (path, line) in [
            ("src/lib.rs", "fn x() {}"),
            ("app/__init__.py", "import os"),
            ("app/__init__.py", "from .x import A; evil()"),
            ("app/__init__.py", "print(\"x\")"),
            ("app/x.py", "from .y import A"),
            ("web/index.ts", "evil()"),
            ("web/index.ts", "export * from 'left-pad'"),
            ("web/index.ts", "export const x = f() from './x'"),
            ("web/app.ts", "export * from './x'"),
        ] {
            assert_eq!(files_named(path, line), None, "{line}");
        }
    }
}
