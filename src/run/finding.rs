//! What was found wanting: what goes back to the agent, into the journal and to people.

use serde::{Deserialize, Serialize};

/// How much a finding weighs (CONTRACTS.md, Roles).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Must be fixed: closes the gate.
    Blocker,
    /// Address or explain.
    Concern,
    /// May be taken up.
    Suggestion,
    /// Well done.
    Praise,
}

/// Which kind of finding, in a closed set: the core, the report and the tests tell them apart by this, never by text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// An agent or a script gave up: its program ended with an error.
    Failed,
    /// The phase left the tree as it was.
    NothingChanged,
    /// Red: no new test was found.
    NoNewTest,
    /// Red: the new tests pass before the code exists.
    PassesAlready,
    /// Red: the tests do not parse.
    SyntaxError,
    /// Red: the build fails in files that the test-developer did not change.
    ErrorElsewhere,
    /// Red: an error in the tests that no code to come can cure.
    WrongError,
    /// Red: tests fail that passed before and are not the new ones.
    OtherTestsFail,
    /// The runner did not run, or was ended before its report was complete.
    RunnerDidNotRun,
    /// Green: the build fails.
    BuildFails,
    /// Green: a sealed test was not found.
    SealedTestMissing,
    /// Green: a sealed test fails.
    SealedTestFails,
    /// Green: a test fails that passed before.
    Regression,
    /// Verify: sealed tests pass without the code that they are for.
    BodiesOut,
    /// Verify: it could not be shown, or not for all of it, that the sealed tests fail without the code: told.
    Unproven,
    /// A check's command failed.
    CheckFails,
    /// A check found no name of any test, and names are required.
    NoNames,
    /// A sealed file was edited, deleted, renamed, replaced or its mode changed. It was restored.
    SealBroken,
    /// An edit out of scope that the gate needs.
    Scope,
    /// An edit of a protected path that the gate needs.
    Protected,
    /// An edit out of scope that was taken out; the gate does not need it.
    TakenOut,
    /// Something in the workspace that a commit cannot hold: told.
    LeftOut,
    /// An edit that the task did not declare and that its scope allows all the same: told.
    Allowed,
    /// Merging onto what has landed collides.
    Conflict,
    /// The same, in a sealed test.
    TestConflict,
    /// The implementation says that a sealed test is wrong, and why (`TIDEGATE_CONTEST`).
    Contested,
    /// Lines that no test runs: told.
    Uncovered,
    /// A reviewer's blocker.
    Review,
    /// What an expert or the coordinator says of a task that keeps failing.
    Advice,
    /// A reviewer that crashed, said nothing, said two things, or spoke of another patch.
    NoVerdict,
    /// Built-in review: a conflict marker.
    ConflictMarker,
    /// Built-in review: a secret.
    Secret,
    /// Built-in review: a stub or a TODO left behind.
    Stub,
    /// Built-in review: a test that was weakened or skipped.
    WeakenedTest,
    /// Built-in review: a binary, or a file over the limit.
    Binary,
    /// Built-in review: a path that differs from another only in case or normalisation.
    PathCollision,
    /// Built-in review: product code that asks whether it is being tested.
    AsksIfTested,
    /// Built-in review: product code that ends the process, where exit codes are all that proves its tests.
    EndsProcess,
    /// Built-in review: a submodule that was not asked for, or a link out of the tree.
    StrayLink,
    /// Out of its time limit.
    TimedOut,
    /// Printed more than its limit.
    TooMuchOutput,
}

/// One thing found wanting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which kind.
    pub code: Code,
    /// How much it weighs.
    pub weight: Weight,
    /// Path relative to the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Box<str>>,
    /// Line from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What is wrong, with the useful part of the output. Control sequences are stripped before it gets here.
    pub text: Box<str>,
    /// Who found it, where it was a named reviewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Box<str>>,
}

impl Finding {
    /// A blocker without a place.
    pub fn blocker(code: Code, text: impl Into<Box<str>>) -> Finding {
        Finding { code, weight: Weight::Blocker, file: None, line: None, text: text.into(), by: None }
    }

    /// The same at a file.
    #[must_use]
    pub fn at(self, file: impl Into<Box<str>>, line: Option<u32>) -> Finding {
        Finding { file: Some(file.into()), line, ..self }
    }

    /// What it comes to, on one line: its first line and, where that only announces output, the line of it that says most.
    pub fn headline(&self) -> String {
        let mut lines = self.text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        if !first.ends_with(':') {
            return first.to_owned();
        }
        let output: Vec<&str> = lines.map(|line| line.trim_start_matches(['|', ' '])).collect();
        let is_error = |line: &&&str| line.to_ascii_lowercase().contains("error");
        match output.iter().find(is_error).or_else(|| output.last()) {
            Some(line) => format!("{first} {line}"),
            None => first.trim_end_matches(':').to_owned(),
        }
    }

    /// Which failure this is: equal for the same failure at another time, at another address, on another line.
    /// The same digest three times in a row is no progress.
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        digest.feed(format!("{:?}", self.code).bytes());
        digest.feed(self.file.as_deref().unwrap_or_default().bytes());
        let mut in_number = false;
        for c in self.text.chars() {
            let is_number = c.is_ascii_hexdigit() && (in_number || c.is_ascii_digit());
            if !is_number && !c.is_whitespace() {
                digest.feed(c.to_string().bytes());
            }
            in_number = is_number;
        }
        digest.0
    }

    /// The digest of several findings at once: of the set of them.
    pub fn digest_of(findings: &[Finding]) -> u64 {
        let mut all: Vec<u64> = findings.iter().map(Finding::digest).collect();
        all.sort_unstable();
        all.dedup();
        let mut digest = Digest::default();
        all.into_iter().for_each(|one| digest.feed(one.to_be_bytes()));
        digest.0
    }
}

/// FNV-1a: stable over releases, which a journal needs and `std`'s hasher does not promise.
struct Digest(u64);

impl Default for Digest {
    fn default() -> Digest {
        Digest(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    fn feed(&mut self, bytes: impl IntoIterator<Item = u8>) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headline_has_the_line_of_the_output_that_says_most() {
        let of = |text: &str| Finding::blocker(Code::Failed, text).headline();
        assert_eq!(of("\nthe tree is as it was\nmore"), "the tree is as it was");
        assert_eq!(
            of("it gave up with exit code 3:\n| compiling\n| Error: no lock\n| bye"),
            "it gave up with exit code 3: Error: no lock"
        );
        assert_eq!(of("it gave up with exit code 3:\n| one\n| two\n"), "it gave up with exit code 3: two");
        assert_eq!(of("it gave up with exit code 3:\n"), "it gave up with exit code 3");
    }

    #[test]
    fn the_same_failure_at_another_time_and_address_is_the_same_failure() {
        let of = |text: &str| Finding::blocker(Code::CheckFails, text).digest();
        assert_eq!(
            of("thread 'a' (2399) panicked at 0x7ffe12: 1.32s"),
            of("thread 'a' (17) panicked at 0x55aa00: 0.1s")
        );
        assert_ne!(of("left: a"), of("left: zz"));
        let (a, b) = (Finding::blocker(Code::Scope, "a"), Finding::blocker(Code::Scope, "z"));
        assert_eq!(Finding::digest_of(&[a.clone(), b.clone()]), Finding::digest_of(&[b, a]));
    }

    #[test]
    fn a_failure_is_told_from_others_by_its_code_its_file_and_its_words() {
        let of = |text: &str| Finding::blocker(Code::CheckFails, text);
        let digest = |text: &str| of(text).digest();
        assert_eq!(digest("left: a\n  right: g"), digest("left: a right:\tg"), "however its lines are broken");
        assert_eq!(digest("at 0f, then"), digest("at 3c9, then"));
        assert_ne!(digest("a"), digest("b"), "letters that begin no number are words");
        assert_ne!(digest("gas 1"), digest("gss 1"));
        assert_eq!(digest("1ab"), digest("2"), "a number goes on with the letters of its base");
        assert_ne!(digest("1ax"), digest("1ay"));
        assert_ne!(of("no").digest(), Finding { code: Code::Scope, ..of("no") }.digest());
        assert_ne!(of("no").digest(), of("no").at("a.rs", None).digest());
        assert_eq!(of("no").at("a.rs", Some(1)).digest(), of("no").at("a.rs", Some(9)).digest());
        let (one, other) = (of("gone"), of("lost"));
        let all = [one.clone(), other.clone()];
        assert_ne!(Finding::digest_of(&all[..1]), Finding::digest_of(&all[1..]));
        let twice = [one.clone(), one, other];
        assert_eq!(Finding::digest_of(&twice), Finding::digest_of(&all), "of the set of them");
    }

    #[test]
    fn a_finding_at_a_place_keeps_what_it_says() {
        let at = Finding::blocker(Code::Stub, "left behind").at("a.rs", Some(3));
        let line = Some(3);
        let text = "left behind".into();
        let (code, weight, file, by) = (Code::Stub, Weight::Blocker, Some("a.rs".into()), None);
        assert_eq!(at, Finding { code, weight, file, line, text, by });
    }

    #[test]
    fn the_digest_is_the_one_that_everybody_knows_as_fnv_1a() {
        let of = |text: &str| {
            let mut digest = Digest::default();
            digest.feed(text.bytes());
            digest.0
        };
        assert_eq!(of(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(of("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(of("foobar"), 0x8594_4171_f739_67e8);
    }
}
