//! Claims: what tasks need for themselves, by their own words or since they declare a critical file.
//!
//! What is claimed has a name and nothing else; how long it is held is a property of it, not of who claims it.

use super::{Hold, ResourceId, TaskDraft, build::Builder};

impl Builder<'_> {
    /// What a task needs for itself, sorted.
    pub(super) fn claims(&mut self, place: usize) -> Vec<ResourceId> {
        let draft = self.draft;
        let task = &draft.tasks[place];
        let settings = self.settings;
        let mut claims: Vec<ResourceId> = Vec::new();
        for claim in &task.claims {
            let name = &*claim.name.value;
            let known = settings.resources.get(name).copied();
            // `Resources: two developers` claims nothing; a port, or what is named elsewhere, leaves no doubt.
            if self.exclusive.contains(name) || known.is_some() || is_kind_and_name(name) {
                let by_name = if is_path(name) { Hold::Task } else { Hold::Job };
                claims.extend(self.resource(name, known.unwrap_or(by_name)));
            }
        }
        for path in settings.critical.iter().filter(|path| declares(task, path)) {
            claims.extend(self.resource(path, Hold::Task));
        }
        claims.sort_unstable();
        claims.dedup();
        claims
    }

    /// The number of a resource. The first who names it says how long it is held.
    fn resource(&mut self, name: &str, hold: Hold) -> Option<ResourceId> {
        self.resources.number(name.into(), |name| (name.clone(), hold)).map(ResourceId)
    }
}

/// `port:4000`
fn is_kind_and_name(name: &str) -> bool {
    name.split_once(':').is_some_and(|(kind, name)| {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        !kind.is_empty() && kind.chars().all(char::is_alphabetic) && !name.is_empty() && name.chars().all(is_word)
    })
}

/// What looks like a file: two branches would collide in it.
fn is_path(name: &str) -> bool {
    let has_extension = name.rsplit_once('.').is_some_and(|(stem, end)| {
        !stem.is_empty() && (1..=5).contains(&end.len()) && end.chars().all(char::is_alphanumeric)
    });
    !name.contains(':') && (name.contains('/') || name.starts_with('.') || has_extension)
}

/// Whether a task says that it may change this file, or something in this folder.
fn declares(task: &TaskDraft, critical: &str) -> bool {
    let critical = folder(critical);
    task.files.iter().any(|file| covers(&file.value, critical) || is_in(folder(&file.value), critical))
}

/// A folder without what says that it is one.
fn folder(path: &str) -> &str {
    let path = path.strip_prefix("./").unwrap_or(path);
    path.strip_suffix("/**").unwrap_or(path).trim_end_matches('/')
}

fn is_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a declared path, folder or glob may mean this file. Of a glob both ends are looked at: rather one too many than one
/// too few.
fn covers(declared: &str, file: &str) -> bool {
    let declared = declared.strip_prefix("./").unwrap_or(declared);
    let is_sign = |c: char| matches!(c, '*' | '?' | '[' | '{');
    match (declared.find(is_sign), declared.rfind(|c| is_sign(c) || matches!(c, ']' | '}'))) {
        (Some(first), Some(last)) => {
            let (head, tail) = (&declared[..first], declared[last + 1..].trim_start_matches('/'));
            file.starts_with(head) && file.ends_with(tail)
        }
        _ => is_in(file, folder(declared)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Blueprint, ClaimDraft, Draft, Settings, Written, build::build};
    use std::collections::BTreeMap;

    fn written(text: &str) -> Written<String> {
        Written { value: text.into(), ..Written::default() }
    }

    fn task(claims: &[(&str, bool)], files: &[&str]) -> TaskDraft {
        let claim = |&(name, is_certain): &(&str, bool)| ClaimDraft { name: written(name), is_certain };
        TaskDraft {
            title: written("Work"),
            claims: claims.iter().map(claim).collect(),
            files: files.iter().map(|file| written(file)).collect(),
            ..TaskDraft::default()
        }
    }

    fn built(tasks: Vec<TaskDraft>, settings: &Settings) -> Blueprint {
        let settings = Settings { without_checks: true, ..settings.clone() };
        build(&Draft { tasks, ..Draft::default() }, &settings).unwrap().0
    }

    /// What the tasks claim, by name, each task after the other.
    fn claimed(blueprint: &Blueprint) -> Vec<Vec<(&str, Hold)>> {
        let named = |id: &ResourceId| {
            let (name, hold) = &blueprint.resources[usize::from(id.0)];
            (&**name, *hold)
        };
        let tasks = blueprint.nodes.iter().filter_map(|node| node.task());
        tasks.map(|task| task.needs.iter().map(named).collect()).collect()
    }

    #[test]
    fn a_claim_is_what_somebody_needs_alone_what_is_known_or_what_has_a_kind() {
        let known = BTreeMap::from([("gpu".to_owned(), Hold::Task)]);
        let settings = Settings { resources: known, ..Settings::default() };
        let tasks = vec![
            task(&[("two developers", false), ("port:4000", false), ("gpu", false)], &[]),
            task(&[("staging", false), ("port:4000", false), ("port:4000", false)], &[]),
            task(&[("staging", true), ("Cargo.toml", true)], &[]),
        ];
        let (port, staging) = (("port:4000", Hold::Job), ("staging", Hold::Job));
        assert_eq!(
            claimed(&built(tasks, &settings)),
            [vec![port, ("gpu", Hold::Task)], vec![port, staging], vec![staging, ("Cargo.toml", Hold::Task)]]
        );
    }

    #[test]
    fn who_declares_a_critical_file_or_what_holds_it_claims_it() {
        let critical = vec!["Cargo.lock".to_owned(), "./migrations/**".to_owned()];
        let settings = Settings { critical, ..Settings::default() };
        for (files, wanted) in [
            (&["Cargo.lock"][..], &["Cargo.lock"][..]),
            (&["src/**", "*.lock"], &["Cargo.lock"]),
            (&["migrations/7.sql"], &["./migrations/**"]),
            (&["**"], &["Cargo.lock", "./migrations/**"]),
            (&["src/lib.rs", "migrations2/7.sql"], &[]),
        ] {
            let blueprint = built(vec![task(&[], files)], &settings);
            let wanted: Vec<_> = wanted.iter().map(|name| (*name, Hold::Task)).collect();
            assert_eq!(claimed(&blueprint), [wanted], "{files:?}");
        }
        assert!(declares(&task(&[], &["src/"]), "src/lib.rs") && declares(&task(&[], &["src/lib.rs"]), "src/"));
    }

    #[test]
    fn a_folder_is_the_same_however_it_is_written() {
        for path in ["src/plan", "./src/plan", "src/plan/", "src/plan/**", "./src/plan//"] {
            assert_eq!(folder(path), "src/plan", "{path}");
        }
    }

    #[test]
    fn a_glob_or_a_folder_means_what_is_in_it() {
        for declared in
            ["src/lib.rs", "./src/lib.rs", "src/", "src", "src/**", "src/*.rs", "**/lib.rs", "**", "src/{lib,a}.rs"]
        {
            assert!(covers(declared, "src/lib.rs"), "{declared}");
        }
        for declared in ["src/lib.rs.bak", "src/main.rs", "sr", "tests/**", "src/*.ts", "lib.rs"] {
            assert!(!covers(declared, "src/lib.rs"), "{declared}");
        }
        assert!(is_in("migrations/7.sql", folder("migrations/**")) && !is_in("migrations2", folder("migrations/")));
    }

    #[test]
    fn a_port_is_a_resource_and_a_file_is_held_longer() {
        assert!(["port:4000", "gpu:0", "db:test-1"].into_iter().all(is_kind_and_name));
        assert!(
            !["https://x", "two developers", "db", "a: b", ":4", "10:30", "port:"].into_iter().any(is_kind_and_name)
        );
        assert!(["src/lib.rs", "Cargo.toml", "migrations/", ".env", ".gitignore"].into_iter().all(is_path));
        assert!(!["db", "port:4000", "postgres-16", "v1.", "redis.cluster-of-nodes"].into_iter().any(is_path));
    }
}
