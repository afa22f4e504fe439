//! Samples of every language with all bodies out: they build as before where their compiler is at hand, and parse everywhere.

use std::{fs, path::Path, process::Command};
use tidegate::bodies::{Filling, Patch};

/// The sample of this name, and all of its functions.
pub fn sample(name: &str) -> (String, Patch) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bodies/samples").join(name);
    let text = fs::read_to_string(path).unwrap();
    let patch = Patch::of([(name, None, Some(text.as_bytes()))]);
    (text, patch)
}

/// The sample with every body out.
fn emptied(name: &str, filling: Filling) -> String {
    let (_, patch) = sample(name);
    assert_eq!((patch.files.len(), &patch.left[..], &patch.uncovered[..]), (1, &[][..], &[][..]), "{name}");
    let out = patch.files[0].emptied(|_| filling).text;
    let again = Patch::of([(name, None, Some(out.as_bytes()))]);
    assert_eq!(again.left, [], "{name} does not parse any more:\n{out}");
    assert_eq!(again.files[0].emptied(|_| filling).text, out, "{name} is emptied twice");
    out
}

#[test]
fn show() {
    for name in ["shop.rs", "shop.py", "shop.js", "shop.ts", "shop.tsx", "shop.go", "Shop.java", "shop.ex"] {
        println!("=== {name}\n{}", emptied(name, Filling::Zero));
    }
}
