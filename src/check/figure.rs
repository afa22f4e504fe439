//! Figures in what a program printed: the last number, a pattern's group, what a JSON pointer names.

use crate::{
    plan::{Bound, Parse, Unit, last_number},
    text::clean,
};
use serde_json::Value;

/// Bytes of output at its end that a figure is looked for in.
pub const PRINTED_MAX: u64 = 16 << 20;

/// Lines at which a JSON value may begin that are tried.
const BEGINNINGS: usize = 64;

/// The figure that a program printed, in this unit and for this bound.
///
/// # Errors
/// Why there is none, as a sentence's end.
pub fn figure(printed: &str, parse: &Parse, unit: &Unit, bound: Bound) -> Result<i64, String> {
    let found = match parse {
        Parse::Last => last_number(&clean(printed)).map(|text| text.chars().take(60).collect::<String>()),
        Parse::Pattern(pattern) => {
            let pattern = regex::Regex::new(pattern).map_err(|_| "the pattern is no regular expression".to_owned())?;
            let cleaned = clean(printed);
            let last = pattern.captures_iter(&cleaned).last().and_then(|found| Some(found.get(1)?.as_str().to_owned()));
            Some(last.ok_or_else(|| "the pattern matches nowhere in what was printed".to_owned())?)
        }
        Parse::Pointer(pointer) => {
            let value = last_value(printed).ok_or_else(|| "no JSON was printed".to_owned())?;
            match value.pointer(pointer) {
                Some(Value::Number(number)) => Some(number.to_string()),
                Some(Value::String(text)) => Some(text.clone()),
                Some(_) => return Err(format!("`{pointer}` is no number in the JSON that was printed")),
                None => return Err(format!("the JSON that was printed has no `{pointer}`")),
            }
        }
        Parse::Coverage(_) => None,
    };
    unit.read(&found.ok_or_else(|| "no figure was printed".to_owned())?, bound)
}

/// The last JSON object or list that begins a line; a program may print other things before and behind it.
fn last_value(printed: &str) -> Option<Value> {
    let begins = |line: &&str| line.starts_with(['{', '[']);
    let starts: Vec<usize> =
        printed.lines().filter(begins).map(|line| line.as_ptr() as usize - printed.as_ptr() as usize).collect();
    let (mut found, mut end, mut tried) = (None, 0, 0);
    for start in starts {
        if start < end || tried == BEGINNINGS {
            continue;
        }
        tried += 1;
        let mut values = serde_json::Deserializer::from_str(&printed[start..]).into_iter::<Value>();
        if let Some(Ok(value)) = values.next() {
            end = start + values.byte_offset();
            found = Some(value);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(printed: &str, parse: &Parse) -> Result<i64, String> {
        figure(printed, parse, &Unit::percent(), Bound::AtLeast(80_000))
    }

    #[test]
    fn a_figure_is_read_in_each_of_the_ways_and_told_when_it_is_not_there() {
        let pattern = Parse::Pattern("TOTAL.* ([0-9.]+)%".into());
        assert_eq!(read("TOTAL 10 1 90.0%\nTOTAL 10 2 \u{1b}[32m79.9%\u{1b}[0m\nbye 3\n", &pattern), Ok(79_900));
        assert_eq!(read("all good", &pattern).unwrap_err(), "the pattern matches nowhere in what was printed");
        assert_eq!(read("\u{1b}[1mcoverage: 87.5%\u{1b}[0m of statements\n", &Parse::Last), Ok(87_500));
        assert_eq!(read("all good", &Parse::Last).unwrap_err(), "no figure was printed");
        let pointer = Parse::Pointer("/data/0/percent".into());
        assert_eq!(
            read("building\n{\"a\": 1}\n{\"data\": [\n {\"percent\": 81.25}\n]}\ndone in 3 s\n", &pointer),
            Ok(81_250)
        );
        assert_eq!(read("{\"data\": [{\"percent\": \"99 %\"}]}", &pointer), Ok(99_000));
        assert!(read("{\"data\": []}", &pointer).unwrap_err().contains("has no `/data/0/percent`"));
        assert!(read("{\"data\": [{\"percent\": []}]}", &pointer).unwrap_err().contains("is no number"));
        assert_eq!(read("{ \"data\": ", &pointer).unwrap_err(), "no JSON was printed");
    }
}
