//! Entries of dependencies in manifests that are programs, markup or lists of their own: `go.mod`, `mix.exs`, `pom.xml`, `build.gradle`.

use super::shape::regex;
use super::wiring::{For, Wiring};
use regex::Regex;
use std::{collections::BTreeMap, sync::LazyLock};

static MIX: LazyLock<Regex> = LazyLock::new(|| regex(r##"^\{:\w+(?:, *(?:"[^"#]*"|\w+: [^()`#]*))+\},?$"##));
static GRADLE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"^\w+[ (]+(?:(?:platform|kotlin|project|enforcedPlatform)\()?(?:["'][^"'$]*["']|libs[\w.]+)(?:, *["'][^"'$]*["'])?\)*$"#,
    )
});
static POM: LazyLock<Regex> = LazyLock::new(|| regex(r"(?s)<dependency>.*?</dependency>"));

/// What of a Maven project is no list of its own dependencies: these configure what builds and tests.
static POM_BUILD: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?s)<build>.*?</build>|<profiles>.*?</profiles>|<reporting>.*?</reporting>|<dependencyManagement>.*?</dependencyManagement>|<!--.*?-->",
    )
});

/// A manifest in two.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    /// Entries of dependencies, and how often each.
    entries: BTreeMap<String, u32>,
    /// Everything else, without blanks around its lines.
    rest: Vec<String>,
}

impl Parts {
    fn entry(&mut self, text: &str) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        *self.entries.entry(text.trim_end_matches(',').to_owned()).or_default() += 1;
    }

    fn other(&mut self, text: &str) {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        self.rest.extend(lines.map(str::to_owned));
    }
}

/// `None`: a file of another kind.
fn parts(file: &str, text: &str) -> Option<Parts> {
    match file {
        "go.mod" => Some(by_block(
            text,
            "require (",
            ")",
            |line| line.strip_prefix("require "),
            |line| {
                !line.contains("=>") && line.split_whitespace().nth(1).is_some_and(|version| version.starts_with('v'))
            },
        )),
        "mix.exs" => Some(by_block(text, "defp deps do", "end", |_| None, |line| MIX.is_match(line))),
        "build.gradle" | "build.gradle.kts" => {
            Some(by_block(text, "dependencies {", "}", |_| None, |line| GRADLE.is_match(line)))
        }
        "pom.xml" => Some(pom(text)),
        _ => None,
    }
}

/// Entries are lines of a block; `alone` is one that stands outside of any.
fn by_block<'a>(
    text: &'a str,
    open: &str,
    close: &str,
    alone: impl Fn(&'a str) -> Option<&'a str>,
    is_entry: impl Fn(&str) -> bool,
) -> Parts {
    let (mut parts, mut is_inside) = (Parts::default(), false);
    for line in text.lines().map(str::trim) {
        // What only says where a list begins and ends comes and goes with its entries.
        let is_frame = matches!(line, "[" | "]" | "[]" | "") || line.starts_with("//") || line.starts_with('#');
        if line == open && !is_inside {
            is_inside = true;
        } else if is_inside && line == close {
            is_inside = false;
        } else if is_inside && is_entry(line) {
            parts.entry(line.trim_end_matches("// indirect"));
        } else if let Some(entry) = alone(line).filter(|entry| !is_inside && is_entry(entry)) {
            parts.entry(entry.trim_end_matches("// indirect"));
        } else if !(is_inside && is_frame) {
            parts.other(line);
        }
    }
    parts
}

fn pom(text: &str) -> Parts {
    let mut parts = Parts::default();
    let mut own = String::new();
    let mut at = 0;
    for found in POM_BUILD.find_iter(text) {
        own.push_str(&text[at..found.start()]);
        parts.other(found.as_str());
        at = found.end();
    }
    own.push_str(&text[at..]);
    POM.find_iter(&own).for_each(|found| parts.entry(found.as_str()));
    let rest = POM.replace_all(&own, "");
    parts.other(&rest.replace("<dependencies>", "").replace("</dependencies>", "").replace("<dependencies/>", ""));
    parts
}

/// What a change of such a manifest is; `None`: it is another file.
pub(super) fn wiring(file: &str, before: &str, after: &str, who: For) -> Option<Wiring> {
    let (before, after) = (parts(file, before)?, parts(file, after)?);
    let count = |parts: &Parts, entry: &String| parts.entries.get(entry).copied().unwrap_or(0);
    let all = before.entries.keys().chain(after.entries.keys());
    let mut changed: Vec<&String> = all.filter(|entry| count(&before, entry) != count(&after, entry)).collect();
    changed.dedup();
    changed.sort_unstable();
    changed.dedup();
    let is_of_tests = |entry: &&String| file == "go.mod" || entry.to_lowercase().contains("test");
    let may = changed.iter().all(|entry| who == For::Product || is_of_tests(entry));
    Some(match (before.rest == after.rest, changed.is_empty() || !may) {
        (_, true) => Wiring::None,
        (true, false) => Wiring::All(changed.into_iter().map(|entry| entry.as_str().into()).collect()),
        (false, false) => {
            let changed: Vec<&str> = changed.into_iter().map(String::as_str).collect();
            let text = format!("beside {} also what is no entry of dependencies changed", changed.join(", "));
            Wiring::Partly { text: text.into(), alone: None }
        }
    })
}

/// Whether a change of such a manifest goes beyond entries of dependencies, in words: it may then say what is run.
pub(super) fn shut_part(file: &str, before: Option<&str>, after: Option<&str>) -> Option<String> {
    let after = parts(file, after.unwrap_or_default())?;
    let is_shut = match before {
        Some(before) => parts(file, before)?.rest != after.rest,
        // The manifest of a new module describes it, and configures nothing that was there.
        None if matches!(file, "go.mod" | "pom.xml") => {
            after.rest.iter().any(|line| line.starts_with("replace") || line.starts_with("<build>"))
        }
        None => true,
    };
    is_shut.then(|| "what is no entry of dependencies".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+` wiring, `p` in part, `-` none; `!` shut.
    fn sign(file: &str, before: &str, after: &str, who: For) -> String {
        let wired = match wiring(file, before, after, who) {
            Some(Wiring::All(_)) => "+",
            Some(Wiring::Partly { .. }) => "p",
            Some(Wiring::None) => "-",
            None => "?",
        };
        let shut = shut_part(file, Some(before), Some(after)).map_or("", |_| "!");
        format!("{wired}{shut}")
    }

    #[test]
    fn entries_of_dependencies_are_wiring_and_the_rest_stays_shut() {
        let go = "module x\n\ngo 1.22\n";
        let mix = "defmodule X do\n  def project, do: [app: :x, deps: deps()]\n  defp deps do\n    []\n  end\nend\n";
        let pom = "<project>\n<artifactId>x</artifactId>\n</project>\n";
        let gradle = "plugins { id 'java' }\n\ndependencies {\n    implementation 'a:a:1'\n}\n";
        let dependency = "<dependencies>\n<dependency>\n<artifactId>y</artifactId>\n</dependency>\n</dependencies>\n";
        for (file, before, after, expected) in [
            ("go.mod", go, format!("{go}\nrequire (\n\ta.b/c v1.2.0\n\td.e/f v0.1.0 // indirect\n)\n"), "+"),
            ("go.mod", go, format!("{go}require a.b/c v1.2.0\n"), "+"),
            ("go.mod", go, format!("{go}require a.b/c v1.2.0\nreplace a.b/c => ../c\n"), "p!"),
            ("go.mod", go, go.replace("1.22", "1.23"), "-!"),
            (
                "mix.exs",
                mix,
                mix.replace("[]", "[\n      {:jason, \"~> 1.4\"},\n      {:mox, \"~> 1.0\", only: :dev}\n    ]"),
                "+",
            ),
            ("mix.exs", mix, mix.replace("[]", "[\n      {:jason, \"~> 1.4\", path: System.cmd(\"x\")}\n    ]"), "-!"),
            ("mix.exs", mix, mix.replace("app: :x", "app: :x, aliases: [test: \"x\"]"), "-!"),
            ("pom.xml", pom, pom.replace("</project>", &format!("{dependency}</project>")), "+"),
            (
                "pom.xml",
                pom,
                pom.replace("</project>", &format!("<build><plugins>{dependency}</plugins></build></project>")),
                "-!",
            ),
            ("build.gradle", gradle, gradle.replace("'a:a:1'\n", "'a:a:1'\n    testImplementation(libs.junit)\n"), "+"),
            ("build.gradle", gradle, format!("{gradle}test {{ exclude '**' }}\n"), "-!"),
        ] {
            assert_eq!(sign(file, before, &after, For::Product), expected, "{after}");
        }
    }

    #[test]
    fn who_writes_tests_adds_what_tests_need() {
        let pom = "<project>\n</project>\n";
        let with = |scope: &str| {
            format!(
                "<project>\n<dependencies><dependency><artifactId>y</artifactId>{scope}</dependency></dependencies>\n</project>\n"
            )
        };
        assert_eq!(sign("pom.xml", pom, &with("<scope>test</scope>"), For::Tests), "+");
        assert_eq!(sign("pom.xml", pom, &with(""), For::Tests), "-");
        assert!(shut_part("mix.exs", None, Some("x")).is_some());
        assert_eq!(shut_part("go.mod", None, Some("module x\n")), None);
        assert_eq!(shut_part("Cargo.toml", None, Some("")), None);
    }

    #[test]
    fn hostile_text_neither_panics_nor_takes_long() {
        for piece in ["<dependency>", "<build>", "<!--", "require (\n", "{:a, ", "dependencies {\n", "é'"] {
            for file in ["go.mod", "mix.exs", "pom.xml", "build.gradle"] {
                let _ = sign(file, &piece.repeat(5_000), &piece.repeat(4_999), For::Product);
            }
        }
    }
}
