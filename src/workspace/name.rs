//! Names of ours: slugs of labels, and the refs made of them. No name that somebody else chose gets anywhere else.

/// A name for refs and folders: what is left of `label` in `[a-z0-9-]`, at most 40 characters, and a hash of all of it, so that two
/// labels never share one.
pub fn slug(label: &str) -> String {
    let mut slug = String::new();
    for next in label.chars() {
        match next.to_ascii_lowercase() {
            kept @ ('a'..='z' | '0'..='9') => slug.push(kept),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
        if slug.len() == 40 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    let hash = digest(label.as_bytes());
    if slug.is_empty() { format!("{hash:016x}") } else { format!("{slug}-{hash:016x}") }
}

/// Where everything of a run is.
pub fn run_refs(run: &str) -> String {
    format!("refs/tidegate/{}", part(run))
}

/// What lands in a run.
pub fn integration_ref(run: &str) -> String {
    format!("{}/integration", run_refs(run))
}

/// What one attempt at a task left; `label` tells its jobs apart (`3-implement`).
pub fn attempt_ref(run: &str, task: &str, label: &str) -> String {
    format!("{}/{}/{}", run_refs(run), slug(task), part(label))
}

/// The branch that follows a topic's landings.
pub(super) fn branch_of(topic: &str) -> String {
    format!("refs/heads/tidegate/{}/integration", part(topic))
}

/// A name that is fit for a ref as it is stays as it is, since people type it; any other becomes a slug.
pub(super) fn part(name: &str) -> String {
    let is_fit = !name.is_empty()
        && name.len() <= 80
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        && !name.starts_with('-');
    if is_fit { name.to_owned() } else { slug(name) }
}

/// FNV-1a with a mix at its end. Stable for ever, since names on disk are made of it.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_people_type_stays_and_any_other_is_told_apart() {
        assert_eq!(integration_ref("chat-system-1"), "refs/tidegate/chat-system-1/integration");
        assert!(slug("Add Payment!").starts_with("add-payment-"));
        assert_ne!(slug("A1"), slug("a1"));
        assert_ne!(attempt_ref("r", "integration", "1"), integration_ref("r"));
    }

    proptest! {
        #[test]
        fn every_name_is_a_safe_part_of_a_ref(label in "\\PC*|[\u{0}-\u{20}$()`.~^:?*\\[\\\\@{/-]*") {
            for part in [slug(&label), part(&label)] {
                prop_assert!(!part.is_empty() && part.len() <= 80);
                prop_assert!(part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_'));
                prop_assert!(!part.starts_with('-') && !part.ends_with(".lock"));
            }
        }

        #[test]
        fn different_labels_have_different_slugs(one in "\\PC{0,60}", other in "\\PC{0,60}") {
            prop_assert_eq!(one == other, slug(&one) == slug(&other));
        }
    }
}
