//! Secrets: what of an environment, and of a file, stands in nothing that is kept.

use super::redactor::Redactor;
use serde_json::Value;
use std::ffi::OsString;

/// A text of a file that holds secrets is one of them from this length on, in bytes.
const LONG: usize = 16;

/// What of these variables stands in nothing that is kept: by their names, since an address is no secret. Also as it stands in a string
/// of JSON, where it reads otherwise there: a key of several lines, or one with a quote in it.
pub fn secrets(variables: &[(OsString, OsString)]) -> Vec<String> {
    let secret = variables.iter().filter(|(name, _)| is_secret(name.as_encoded_bytes()));
    let mut all: Vec<String> = secret.filter_map(|(_, value)| value.to_str()).flat_map(forms).collect();
    // The password of an address: `scheme://user:password@host`.
    let within = |text: &str| {
        // To look for one character costs little, and most values have none.
        let (before, _) = text.contains('@').then(|| text.split_once("://"))??.1.split('/').next()?.rsplit_once('@')?;
        before.split_once(':').map(|(_, password)| password.to_owned())
    };
    all.extend(variables.iter().filter_map(|(_, value)| within(value.to_str()?)));
    // A configuration in a variable has its secrets under names of its own.
    let has_names = |value: &&str| value.trim_start().starts_with(['{', '[']);
    let texts = variables.iter().filter_map(|(_, value)| value.to_str()).filter(has_names);
    for value in texts.filter_map(|value| serde_json::from_str::<Value>(value).ok()) {
        leaves(&value, &mut |key, text| {
            all.extend(is_secret(key.as_bytes()).then(|| forms(text)).into_iter().flatten());
        });
    }
    all
}

/// The secrets of a file that is there for them, a login: the longer texts in it, whatever they are called; where it is no JSON, the longer
/// words with a digit in them.
pub fn secrets_of_file(bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    let mut take = |text: &str| all.extend((text.len() >= LONG).then(|| forms(text)).into_iter().flatten());
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => leaves(&value, &mut |_, text| take(text)),
        Err(_) => {
            let is_between = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ',' | ';');
            // Words of comments are none, and no address is.
            let is_likely = |word: &&str| word.contains(|c: char| c.is_ascii_digit()) && !word.contains("://");
            String::from_utf8_lossy(bytes).split(is_between).filter(is_likely).for_each(take);
        }
    }
    all
}

/// A whole text without these secrets: `[redacted]` stands where one was. Those of less than 8 bytes are passed over.
pub fn redacted(text: &str, secrets: &[String]) -> String {
    String::from_utf8_lossy(&redacted_bytes(text.as_bytes(), secrets)).into_owned()
}

/// The same of what may be no text.
pub fn redacted_bytes(bytes: &[u8], secrets: &[String]) -> Vec<u8> {
    let Some(mut redactor) = Redactor::new(secrets) else { return bytes.to_owned() };
    let mut kept = redactor.pass(bytes);
    kept.extend(redactor.finish());
    kept
}

/// Asked of each variable of each program that runs: makes no copy of the name.
fn is_secret(name: &[u8]) -> bool {
    const WITHIN: [&str; 7] = ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "HEADER", "AUTHORIZATION"];
    const PARTS: [&str; 3] = ["PAT", "PWD", "AUTH"];
    let is = |part: &[u8], word: &str| part.eq_ignore_ascii_case(word.as_bytes());
    let begins = |rest: &[u8], word: &str| rest.get(..word.len()).is_some_and(|part| is(part, word));
    (0..name.len()).any(|at| WITHIN.iter().any(|word| begins(&name[at..], word)))
        || name.split(|byte| *byte == b'_').any(|part| PARTS.iter().any(|word| is(part, word)))
}

/// A text as it is, and as it stands in a string of JSON, where that is something else.
fn forms(text: &str) -> impl Iterator<Item = String> {
    let quoted = Value::from(text).to_string();
    let within = quoted[1..quoted.len() - 1].to_owned();
    let is_other = within != text;
    [text.to_owned()].into_iter().chain(is_other.then_some(within))
}

/// The texts of a JSON value, each with the key that it stands under.
fn leaves<'v>(value: &'v Value, tell: &mut impl FnMut(&'v str, &'v str)) {
    let mut open = vec![("", value)];
    while let Some((key, value)) = open.pop() {
        match value {
            Value::String(text) => tell(key, text),
            Value::Array(members) => open.extend(members.iter().map(|member| (key, member))),
            Value::Object(members) => open.extend(members.iter().map(|(key, member)| (&**key, member))),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_the_names_of_variables_and_of_what_is_in_them() {
        let variables = [
            ("ANTHROPIC_CUSTOM_HEADERS", "x-token: abc"),
            (
                "OPENCODE_CONFIG_CONTENT",
                r#"{"provider": {"p": {"options": {"apiKey": "sk-1", "baseURL": "http://h"}}}}"#,
            ),
            ("ANTHROPIC_BASE_URL", "http://h"),
            ("GH_PAT", "ghp_1"),
            ("MYPASS", "horse"),
            ("DATABASE_URL", "postgres://u:hunter2@h/db"),
            ("PATH", "/bin"),
            ("GIT_AUTHOR_NAME", "A"),
        ];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        assert_eq!(secrets(&variables), ["x-token: abc", "ghp_1", "horse", "hunter2", "sk-1"]);
    }

    #[test]
    fn of_a_login_the_longer_texts_are_secret_in_whatever_form_it_is_kept() {
        let json = br#"{"a": {"refresh": "0123456789abcdef", "type": "oauth"}}"#;
        assert_eq!(secrets_of_file(json), ["0123456789abcdef"]);
        let toml = b"token = \"0123456789abcdef\" # an-understandable-comment http://h/0123456789\npassword: fedcba9876543210\n";
        assert_eq!(secrets_of_file(toml), ["0123456789abcdef", "fedcba9876543210"]);
        assert!(secrets_of_file(b"").is_empty());
    }

    #[test]
    fn a_whole_text_loses_its_secrets() {
        let secrets = ["sk-12345678".to_owned(), "short".to_owned()];
        assert_eq!(redacted("a sk-12345678 b: short", &secrets), "a [redacted] b: short");
        assert_eq!(redacted("\u{fc}sk-1234567\u{fc}", &secrets), "\u{fc}sk-1234567\u{fc}");
        assert_eq!(redacted_bytes(b"\xffsk-12345678", &secrets), b"\xff[redacted]");
        assert_eq!(redacted("a sk-12345678", &[]), "a sk-12345678");
    }
}
