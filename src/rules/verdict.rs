//! A reviewer's word: one verdict object on stdout, and what is not an approval.

use crate::run::{Code, Evidence, Finding, Oid, Rejection, Weight};
use crate::text::shortened;
use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor},
};
use std::fmt;

/// What [`verdict`] reads, as a JSON Schema that strict providers take: every property is named, those that may be missing may be null.
pub const VERDICT_SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"required":["verdict","findings","grants"],"properties":{"verdict":{"type":"string","enum":["approve","request-changes"]},"findings":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["severity","claim","file","line","show"],"properties":{"severity":{"type":"string","enum":["blocker","concern","suggestion","praise"]},"claim":{"type":"string"},"file":{"type":["string","null"]},"line":{"type":["integer","null"]},"show":{"type":["string","null"]}}}},"grants":{"type":["array","null"],"items":{"type":"string"}}}}"#;

/// Output beyond this is not read: it is no verdict.
const MOST_OUTPUT: usize = 1 << 20;

/// A verdict object nests no deeper.
const DEEPEST: u8 = 24;

/// Findings beyond these are not kept.
const MOST_FINDINGS: usize = 200;

/// What a reviewer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It approved, and nothing speaks against it.
    Approved {
        /// Concerns, suggestions and praise.
        findings: Vec<Finding>,
        /// Paths beyond the scope that it granted.
        grants: Vec<Box<str>>,
    },
    /// It asked for changes, or what it said is no approval.
    Rejected {
        /// Never empty.
        findings: Vec<Finding>,
        /// Paths beyond the scope that it granted.
        grants: Vec<Box<str>>,
    },
}

impl Verdict {
    /// As evidence, or as what sends the task back.
    ///
    /// # Errors
    /// The rejection, where it is no approval.
    pub fn into_evidence(self) -> Result<Evidence, Rejection> {
        match self {
            Verdict::Approved { findings, grants } => Ok(Evidence::Approved { findings, grants }),
            Verdict::Rejected { findings, grants } => Err(Rejection { findings, grants, ..Rejection::default() }),
        }
    }
}

#[derive(Deserialize)]
struct Spoken {
    verdict: String,
    #[serde(default)]
    patch: Option<String>,
    #[serde(default)]
    findings: Option<Vec<SpokenFinding>>,
    #[serde(default)]
    grants: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct SpokenFinding {
    severity: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    line: Option<u64>,
    #[serde(default)]
    claim: Option<String>,
    #[serde(default)]
    show: Option<String>,
}

/// Reads what reviewer `by` said on `patch`. `ended` is how its program ended, where it did not exit with 0 (`exited with 3`,
/// `out of time`): then nothing it said is an approval.
pub fn verdict(stdout: &str, ended: Result<(), &str>, patch: Oid, by: &str) -> Verdict {
    let mut verdict = match understand(stdout, patch) {
        Ok(verdict) => verdict,
        Err(why) if ended.is_ok() => rejected(no_verdict(&why), Vec::new()),
        Err(_) => rejected(Vec::new(), Vec::new()),
    };
    if let Err(how) = ended {
        let (mut findings, grants) = match verdict {
            Verdict::Approved { findings, .. } => (findings, Vec::new()),
            Verdict::Rejected { findings, grants } => (findings, grants),
        };
        let text = format!("the reviewer {}: that is no approval, whatever it said", shortened(how, 200));
        findings.insert(0, Finding::blocker(Code::NoVerdict, text));
        verdict = rejected(findings, grants);
    }
    let (Verdict::Approved { findings, .. } | Verdict::Rejected { findings, .. }) = &mut verdict;
    findings.iter_mut().for_each(|finding| finding.by = Some(by.into()));
    verdict
}

fn rejected(findings: Vec<Finding>, grants: Vec<Box<str>>) -> Verdict {
    Verdict::Rejected { findings, grants }
}

fn no_verdict(why: &str) -> Vec<Finding> {
    vec![Finding::blocker(Code::NoVerdict, why)]
}

fn understand(stdout: &str, patch: Oid) -> Result<Verdict, String> {
    if stdout.len() > MOST_OUTPUT {
        return Err(format!("the output has more than {MOST_OUTPUT} bytes"));
    }
    let text = stdout.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err("the reviewer said nothing".to_owned());
    }
    let object = if text.starts_with('{') { text } else { last_fence(text)? };
    let spoken: Spoken =
        serde_json::from_str(object).map_err(|error| format!("the verdict cannot be read: {error}"))?;
    let approves = match spoken.verdict.as_str() {
        "approve" => true,
        "request-changes" => false,
        other => return Err(format!("{:?} is no verdict: write `approve` or `request-changes`", shortened(other, 40))),
    };
    if spoken.patch.as_ref().is_some_and(|named| *named != patch.to_string()) {
        return Err("the verdict is on another patch".to_owned());
    }
    let mut findings = Vec::new();
    for finding in spoken.findings.unwrap_or_default().into_iter().take(MOST_FINDINGS) {
        findings.push(read_finding(finding)?);
    }
    let grants: Vec<Box<str>> =
        spoken.grants.unwrap_or_default().into_iter().filter_map(|path| granted(&path)).collect();
    let has_blocker = findings.iter().any(|finding| finding.weight == Weight::Blocker);
    if !approves {
        if !has_blocker {
            findings.insert(0, Finding::blocker(Code::Review, "changes are requested, and no blocker is named"));
        }
        return Ok(rejected(findings, grants));
    }
    if has_blocker {
        return Ok(rejected(findings, grants));
    }
    if disapproves(text) {
        return Err("two verdicts, and one of them does not approve".to_owned());
    }
    Ok(Verdict::Approved { findings, grants })
}

fn read_finding(spoken: SpokenFinding) -> Result<Finding, String> {
    let weight = match spoken.severity.as_str() {
        "blocker" => Weight::Blocker,
        "concern" => Weight::Concern,
        "suggestion" => Weight::Suggestion,
        "praise" => Weight::Praise,
        other => {
            let known = "`blocker`, `concern`, `suggestion` or `praise`";
            return Err(format!("{:?} is no severity: write {known}", shortened(other, 40)));
        }
    };
    let mut text = shortened(spoken.claim.as_deref().unwrap_or("(no claim)").trim(), 4_000);
    if let Some(show) = spoken.show.as_deref().map(str::trim).filter(|show| !show.is_empty()) {
        text.push_str("\nshown by: ");
        text.push_str(&shortened(show, 1_000));
    }
    Ok(Finding {
        code: Code::Review,
        weight,
        file: spoken.file.filter(|file| !file.is_empty()).map(|file| shortened(&file, 1_000).into()),
        line: spoken.line.and_then(|line| u32::try_from(line).ok()),
        text: text.into(),
        by: None,
    })
}

/// A granted path as the repository spells it. What is no path within it grants nothing.
fn granted(path: &str) -> Option<Box<str>> {
    let path = path.trim().trim_start_matches("./");
    let is_inside = !path.is_empty() && !path.starts_with('/') && path.split('/').all(|part| part != "..");
    (is_inside && path.len() < 1_000 && shortened(path, 1_000) == path).then(|| path.into())
}

/// The last fenced block, which has to end the text.
pub(super) fn last_fence(text: &str) -> Result<&str, String> {
    let none = || "its output is no verdict object, and no fenced JSON block with one ends it".to_owned();
    let sign = ["```", "~~~"].into_iter().find(|sign| text.ends_with(sign)).ok_or_else(none)?;
    let body = text.strip_suffix(sign).and_then(|body| body.strip_suffix('\n')).ok_or_else(none)?;
    let is_fence = |line: &str| line.trim_start_matches(' ').starts_with(sign);
    let mut start = body.len();
    for line in body.split_inclusive('\n').rev() {
        start -= line.len();
        if is_fence(line) {
            let info = line.trim().trim_start_matches(['`', '~']).trim();
            let is_json = matches!(info.to_ascii_lowercase().as_str(), "" | "json" | "jsonc");
            return if is_json { Ok(&body[start + line.len()..]) } else { Err(none()) };
        }
    }
    Err(none())
}

/// Whether any verdict object anywhere in the text does not approve. Linear, since nesting is bounded: serde_json's own
/// `IgnoredAny` has no bound.
fn disapproves(text: &str) -> bool {
    let mut at = 0;
    while let Some(open) = text[at..].find('{').map(|n| at + n) {
        let mut stream = serde_json::Deserializer::from_str(&text[open..]).into_iter::<Words>();
        match stream.next() {
            Some(Ok(Words(words))) if words.iter().any(|word| word != "approve") => return true,
            Some(Ok(_)) => at = open + stream.byte_offset(),
            _ => at = open + 1,
        }
    }
    false
}

/// The words of all verdicts in a JSON value.
struct Words(Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Words, D::Error> {
        let mut verdicts = Vec::new();
        Seek { verdicts: &mut verdicts, depth: DEEPEST }.deserialize(from)?;
        Ok(Words(verdicts))
    }
}

/// Collects each `verdict`, told twice too, down to `depth` levels: what is deeper is looked at from its own brace on.
struct Seek<'a> {
    verdicts: &'a mut Vec<String>,
    depth: u8,
}

impl Seek<'_> {
    fn deeper<E: serde::de::Error>(&mut self) -> Result<Seek<'_>, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Seek { verdicts: &mut *self.verdicts, depth })
    }
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<String>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Option<String>, A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(self.deeper()?)?;
            if key == "verdict" {
                self.verdicts.push(value.unwrap_or_default());
            }
        }
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Option<String>, A::Error> {
        while list.next_element_seed(self.deeper()?)?.is_some() {}
        Ok(None)
    }

    fn visit_str<E>(self, text: &str) -> Result<Option<String>, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Option<String>, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stdout: &str) -> Verdict {
        verdict(stdout, Ok(()), Oid::of_number(7), "qa")
    }

    fn codes(verdict: &Verdict) -> Vec<Code> {
        let Verdict::Rejected { findings, .. } = verdict else {
            return Vec::new();
        };
        assert!(!findings.is_empty() && findings.iter().all(|finding| finding.by.as_deref() == Some("qa")));
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn the_whole_output_or_its_last_fence_is_the_verdict() {
        let object =
            format!(r#"{{"verdict": "approve", "patch": "{}", "grants": ["a/b", "../x", "/y"]}}"#, Oid::of_number(7));
        for stdout in [
            object.clone(),
            format!("Looks fine: {{ok}}\n```json\n{object}\n```\n"),
            format!("x\n```\n{object}\n``` \n"),
            format!("x\n~~~json\n{object}\n~~~\n"),
        ] {
            assert_eq!(said(&stdout), Verdict::Approved { findings: vec![], grants: vec!["a/b".into()] }, "{stdout}");
        }
    }

    #[test]
    fn what_is_no_approval_is_rejected_and_says_why() {
        for (stdout, code, word) in [
            ("", Code::NoVerdict, "nothing"),
            ("LGTM", Code::NoVerdict, "no fenced"),
            ("{\"verdict\": \"approve\"} and more", Code::NoVerdict, "cannot be read"),
            ("```json\n{\"verdict\": \"approve\"}\n```\nbut", Code::NoVerdict, "no fenced"),
            ("~~~json\n{\"verdict\": \"approve\"}\n```", Code::NoVerdict, "no fenced"),
            ("```sh\n{\"verdict\": \"approve\"}\n```", Code::NoVerdict, "no fenced"),
            ("{\"verdict\": \"lgtm\"}", Code::NoVerdict, "is no verdict: write `approve`"),
            ("{\"verdict\": \"request-changes\", \"verdict\": \"approve\"}", Code::NoVerdict, "duplicate"),
            ("{\"verdict\": \"approve\", \"patch\": \"00\"}", Code::NoVerdict, "another patch"),
            (
                "{\"verdict\": \"approve\", \"findings\": [{\"severity\": \"meh\"}]}",
                Code::NoVerdict,
                "is no severity: write `blocker`",
            ),
            (
                "{\"verdict\": \"approve\", \"findings\": [{\"severity\": \"blocker\", \"claim\": \"bad\"}]}",
                Code::Review,
                "bad",
            ),
            ("{\"verdict\": \"request-changes\"}", Code::Review, "no blocker"),
            (
                "{\"verdict\": \"request-changes\"}\n```json\n{\"verdict\": \"approve\"}\n```",
                Code::NoVerdict,
                "cannot be read",
            ),
            (
                "first {\"verdict\": \"request-changes\"} then\n```json\n{\"verdict\": \"approve\"}\n```",
                Code::NoVerdict,
                "two verdicts",
            ),
            (
                "x {\"a\": [1.5, null, {\"verdict\": 3}]}\n```json\n{\"verdict\": \"approve\"}\n```",
                Code::NoVerdict,
                "two verdicts",
            ),
            (
                "x {\"verdict\": \"no\", \"verdict\": \"approve\"}\n```json\n{\"verdict\": \"approve\"}\n```",
                Code::NoVerdict,
                "two",
            ),
        ] {
            let verdict = said(stdout);
            assert_eq!(codes(&verdict), [code], "{stdout}");
            let Verdict::Rejected { findings, .. } = verdict else { unreachable!() };
            assert!(findings[0].text.contains(word), "{stdout}: {}", findings[0].text);
        }
    }

    #[test]
    fn saying_approve_twice_is_an_approval() {
        let twice = "{\"verdict\": \"approve\"}\n";
        assert!(matches!(said(&format!("so {twice}```json\n{twice}```")), Verdict::Approved { .. }));
    }

    #[test]
    fn a_reviewer_that_crashed_has_not_approved() {
        let ended =
            verdict("{\"verdict\": \"approve\", \"grants\": [\"a\"]}", Err("was ended by signal 9"), Oid::NONE, "qa");
        assert_eq!(codes(&ended), [Code::NoVerdict]);
        assert!(matches!(ended.into_evidence(), Err(rejection) if rejection.grants.is_empty()));
        let asked = "{\"verdict\": \"request-changes\", \"findings\": [{\"severity\": \"blocker\", \"claim\": \"c\", \"line\": -1}]}";
        assert_eq!(codes(&verdict(asked, Err("exited with 3"), Oid::NONE, "qa")), [Code::NoVerdict]);
    }

    #[test]
    fn findings_keep_their_place_and_lose_what_a_terminal_would_obey() {
        let verdict = said(
            r#"{"verdict": "request-changes", "findings": [
                {"severity": "blocker", "file": "src/a.rs", "line": 3, "claim": "\u001b[2Jbad", "show": "cargo test x"},
                {"severity": "praise", "claim": "good"}]}"#,
        );
        let Verdict::Rejected { findings, .. } = verdict else { panic!("approved") };
        assert_eq!(&*findings[0].text, "bad\nshown by: cargo test x");
        assert_eq!((findings[0].file.as_deref(), findings[0].line), (Some("src/a.rs"), Some(3)));
        assert_eq!(findings[1].weight, Weight::Praise);
    }

    #[test]
    fn deep_and_long_output_is_read_in_no_time() {
        let tail = "\n```json\n{\"verdict\": \"approve\"}\n```";
        for piece in ["{", "{\"a\":", "[{\"a\":[", "{\"a\":1,\"b\":", "```\n", "{}"] {
            let _ = said(&format!("{}{tail}", piece.repeat(900_000 / piece.len())));
        }
    }
}
