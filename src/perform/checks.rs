//! The checks of a run: what proves its gates, as configured, else as the ecosystems of the repository do it by default.

use crate::{
    check::{ECOSYSTEMS, Ecosystem, Place, Tree, names_report, projects},
    plan::{Level, NodeId, StreamId},
    run::Oid,
    workspace::{GitError, Repository},
};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::ffi::OsStr;

/// Bytes of a manifest that is looked at.
const MANIFEST_MAX: u64 = 1 << 20;

/// Manifests that are looked at.
const MOST_MANIFESTS: usize = 500;

/// The check commands that the configuration names; `None` is to be found.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// `[checks] task`
    pub task: Option<Vec<String>>,
    /// `[checks] stream`
    pub stream: Option<Vec<String>>,
    /// `[checks] system`
    pub system: Option<Vec<String>>,
    /// `[checks] deployment`
    pub deployment: Option<Vec<String>>,
    /// A deployment gate is asked for, whether it has checks or not.
    pub has_deployment: bool,
    /// Commands of `[coverage]` and `[[measures]]`.
    pub measures: Vec<String>,
    /// `[[checks.path]]`: globs of paths, and what is run where a patch touches one of them.
    pub paths: Vec<(Vec<String>, Vec<String>)>,
    /// `[checks] reports`
    pub reports: Vec<String>,
}

/// What proves the gates of a run, and who knows how to read what that says.
pub struct Checks {
    /// Of a task's gate: all that may be run for one.
    pub task: Vec<String>,
    /// Of a stream's gate.
    pub stream: Vec<String>,
    /// Of the system gate.
    pub system: Vec<String>,
    /// Of the deployment gate.
    pub deployment: Vec<String>,
    /// What measures: coverage, and figures.
    pub measures: Vec<String>,
    /// Of a task's gate only where its patch touches these paths.
    by_path: Vec<(GlobSet, Vec<String>)>,
    /// The ecosystems of the repository.
    found: Vec<&'static dyn Ecosystem>,
    tree: Tree,
    reports: Vec<Box<str>>,
}

impl Checks {
    /// The checks of a repository: as configured, else as its ecosystems do it by default, with programs of this search path.
    ///
    /// # Errors
    /// When the base cannot be read.
    pub async fn found(repo: &Repository, base: Oid, wanted: &Wanted, path: &OsStr) -> Result<Checks, GitError> {
        Ok(Checks::of(tree(repo, base).await?.with_programs_of(path), wanted))
    }

    /// The same for a tree whose manifests are known.
    fn of(tree: Tree, wanted: &Wanted) -> Checks {
        let projects = projects(&tree, &ECOSYSTEMS);
        let globs: Vec<GlobSet> = wanted.paths.iter().map(|(globs, _)| set(globs)).collect();
        // Who says what is checked in a part of the repository says it of the projects there, and not of the others.
        let is_said = |ecosystem: &dyn Ecosystem, place: &Place<'_>| {
            let manifest = ecosystem.manifests().iter().find(|name| place.has(name)).copied().unwrap_or_default();
            let path = [place.folder, manifest].join("/");
            // `web/src/**` is about the project in `web`; about that of the root is what its manifest is among.
            let is_below = |glob: &String| {
                glob.strip_prefix(place.folder).is_some_and(|rest| !place.folder.is_empty() && rest.starts_with('/'))
            };
            globs.iter().any(|globs| globs.is_match(path.trim_start_matches('/')))
                || wanted.paths.iter().flat_map(|(globs, _)| globs).any(is_below)
        };
        let by_default = |level: Level| -> Vec<String> {
            let all =
                projects.iter().flat_map(|(ecosystem, places)| places.iter().map(move |place| (ecosystem, place)));
            let left = all.filter(|(ecosystem, place)| !is_said(**ecosystem, place));
            left.flat_map(|(ecosystem, place)| ecosystem.default_checks(place, level)).collect()
        };
        let level =
            |configured: &Option<Vec<String>>, level: Level| configured.clone().unwrap_or_else(|| by_default(level));
        let with_paths = |mut commands: Vec<String>| {
            for command in wanted.paths.iter().flat_map(|(_, commands)| commands) {
                if !commands.contains(command) {
                    commands.push(command.clone());
                }
            }
            commands
        };
        let task = level(&wanted.task, Level::Task(NodeId(0)));
        let by_path = wanted.paths.iter().map(|(globs, commands)| {
            let own = commands.iter().filter(|command| !task.contains(command)).cloned().collect();
            (set(globs), own)
        });
        Checks {
            by_path: by_path.collect(),
            task: with_paths(task),
            stream: with_paths(level(&wanted.stream, Level::Stream(StreamId(0)))),
            system: with_paths(level(&wanted.system, Level::System)),
            // A deployment gate is there only where somebody asked for one.
            deployment: match wanted.has_deployment {
                true => with_paths(level(&wanted.deployment, Level::Deployment)),
                false => wanted.deployment.clone().unwrap_or_default(),
            },
            measures: wanted.measures.clone(),
            found: projects.iter().filter(|(_, places)| !places.is_empty()).map(|(ecosystem, _)| *ecosystem).collect(),
            reports: wanted.reports.iter().map(|name| name.as_str().into()).collect(),
            tree,
        }
    }

    /// The names of the ecosystems, for people.
    pub fn ecosystems(&self) -> Vec<&'static str> {
        self.found.iter().map(|ecosystem| ecosystem.name()).collect()
    }

    /// Whether a check of the task gate names the tests that it runs.
    pub fn names_tests(&self) -> bool {
        self.task.iter().any(|command| self.names_those_of(command))
    }

    /// Those of them that name the tests which they run; all of them where none does.
    pub(super) fn naming(&self, commands: &[Box<str>]) -> Vec<Box<str>> {
        let naming: Vec<Box<str>> = commands.iter().filter(|command| self.names_those_of(command)).cloned().collect();
        if naming.is_empty() { commands.to_vec() } else { naming }
    }

    fn names_those_of(&self, command: &str) -> bool {
        !self.reports.is_empty()
            || names_report(command)
            || ECOSYSTEMS.iter().any(|ecosystem| ecosystem.reports_tests(command, &self.tree))
    }

    /// What sets a workspace up where nothing is configured.
    pub fn setup(&self) -> Vec<String> {
        self.tree.setup()
    }

    /// Every command line that may be run for a task's gate.
    pub(super) fn task_commands(&self) -> Vec<Box<str>> {
        self.task.iter().map(|command| command.as_str().into()).collect()
    }

    /// Those of them that are run for a patch of these paths.
    pub(super) fn commands_for<'a>(&self, paths: impl Iterator<Item = &'a str> + Clone) -> Vec<Box<str>> {
        let is_off = |command: &String| {
            let mut owners = self.by_path.iter().filter(|(_, commands)| commands.contains(command)).peekable();
            owners.peek().is_some() && !owners.any(|(globs, _)| paths.clone().any(|path| globs.is_match(path)))
        };
        self.task.iter().filter(|command| !is_off(command)).map(|command| command.as_str().into()).collect()
    }

    /// Whether these are the deployment gate's.
    pub(super) fn are_of_deployment(&self, commands: &[Box<str>]) -> bool {
        !commands.is_empty() && self.deployment.iter().map(String::as_str).eq(commands.iter().map(|command| &**command))
    }

    /// Every command line of every gate: what they run stays shut to agents.
    pub(super) fn all_commands(&self) -> Vec<Box<str>> {
        let levels = self.task.iter().chain(&self.stream).chain(&self.system).chain(&self.deployment);
        levels.chain(&self.measures).map(|command| command.as_str().into()).collect()
    }

    /// Who reads what a command line says: the ecosystems that are here, since a script or a make target may call any of them, and
    /// those that it calls by name.
    pub(super) fn readers(&self, command: &str) -> Vec<&'static dyn Ecosystem> {
        let is_here = |asked: &dyn Ecosystem| self.found.iter().any(|found| found.name() == asked.name());
        ECOSYSTEMS.iter().copied().filter(|ecosystem| is_here(*ecosystem) || ecosystem.calls(command)).collect()
    }

    /// Globs of reports that checks leave in the checkout.
    pub(super) fn reports(&self) -> &[Box<str>] {
        &self.reports
    }
}

/// A commit's tree, with the texts of its manifests.
async fn tree(repo: &Repository, commit: Oid) -> Result<Tree, GitError> {
    let entries = repo.tree(commit).await?;
    let mut tree = Tree::new(entries.iter().map(|entry| entry.path.clone()));
    let wanted = tree.manifests(&ECOSYSTEMS);
    let is_file = |mode: u32| matches!(mode, 0o100_644 | 0o100_755);
    let manifests: Vec<_> = entries
        .into_iter()
        .filter(|entry| is_file(entry.mode) && wanted.contains(&entry.path))
        .take(MOST_MANIFESTS)
        .collect();
    let names: Vec<Oid> = manifests.iter().map(|entry| entry.oid).collect();
    for (entry, size) in manifests.into_iter().zip(repo.sizes(&names).await?) {
        if size.is_some_and(|size| size <= MANIFEST_MAX) {
            let bytes = repo.blob(entry.oid).await?;
            tree.know(&entry.path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Ok(tree)
}

/// Globs of paths, which the configuration has looked at.
fn set(globs: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let glob = glob.trim_end_matches('/');
        for glob in [glob.to_owned(), format!("{glob}/**")] {
            if let Ok(glob) = GlobBuilder::new(&glob).literal_separator(true).build() {
                set.add(glob);
            }
        }
    }
    set.build().unwrap_or_else(|_| GlobSet::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = r#"{"scripts": {"test": "vitest run"}}"#;

    #[test]
    fn several_ecosystems_are_checked_side_by_side_each_in_its_own_folder() {
        let tree = Tree::with(&[
            ("Cargo.toml", ""),
            ("crates/a/Cargo.toml", ""),
            ("api/pyproject.toml", "[tool.pytest.ini_options]"),
            ("api/uv.lock", ""),
            ("web/package.json", SCRIPT),
        ]);
        let checks = Checks::of(tree, &Wanted::default());
        let common = ["cd api && uv run --frozen pytest", "cd web && npm test"];
        assert_eq!(checks.task, ["cargo test", common[0], common[1]]);
        assert_eq!(checks.system, ["cargo test --workspace", common[0], common[1]]);
        assert_eq!(checks.ecosystems(), ["cargo", "python", "node"]);
        assert!(checks.names_tests() && checks.deployment.is_empty());
    }

    #[test]
    fn a_make_target_is_a_check_where_nothing_else_is() {
        let make = ("Makefile", "test:\n\t./t.sh\n");
        for (files, expected) in [
            (&[make][..], &["make test"][..]),
            (&[make, ("go.mod", ""), ("a.go", "")], &["go test ./..."]),
            (&[make, ("web/package.json", SCRIPT)], &["cd web && npm test"]),
            (
                &[("core/Makefile", make.1), ("web/package.json", SCRIPT)],
                &["cd web && npm test", "cd core && make test"],
            ),
        ] {
            assert_eq!(Checks::of(Tree::with(files), &Wanted::default()).task, expected, "{files:?}");
        }
    }

    #[test]
    fn checks_of_a_path_run_for_a_patch_that_touches_it_and_at_every_later_gate() {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let wanted = Wanted {
            task: Some(texts(&["make lint"])),
            paths: vec![
                (texts(&["web"]), texts(&["npm test"])),
                (texts(&["api/**/*.py"]), texts(&["pytest", "make lint"])),
            ],
            ..Wanted::default()
        };
        let checks = Checks::of(Tree::with(&[("Cargo.toml", "")]), &wanted);
        for (path, expected) in [
            ("README.md", &["make lint"][..]),
            ("web/src/a.ts", &["make lint", "npm test"]),
            ("api/a/b.py", &["make lint", "pytest"]),
            ("api/README.md", &["make lint"]),
        ] {
            assert_eq!(
                checks.commands_for([path].into_iter()),
                expected.iter().map(|c| (*c).into()).collect::<Vec<Box<str>>>()
            );
        }
        assert_eq!(
            checks.stream,
            ["cargo test", "npm test", "pytest", "make lint"],
            "what no path names keeps its own"
        );
        assert_eq!(checks.task, ["make lint", "npm test", "pytest"]);
    }

    #[test]
    fn what_is_said_of_a_part_of_the_repository_leaves_the_other_projects_their_checks() {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let files = [
            ("package.json", SCRIPT),
            ("web/package.json", SCRIPT),
            ("api/pyproject.toml", "[tool.pytest.ini_options]"),
        ];
        for (globs, expected) in [
            (&["docs/**"][..], &["cd api && python3 -m pytest", "npm test", "true"][..]),
            (&["web/**"], &["cd api && python3 -m pytest", "npm test", "true"]),
            (&["web", "api"], &["npm test", "true"]),
            (&["api/src/**"], &["npm test", "true"]),
            (&["**"], &["true"]),
        ] {
            let wanted = Wanted { paths: vec![(texts(globs), texts(&["true"]))], ..Wanted::default() };
            let checks = Checks::of(Tree::with(&files), &wanted);
            assert_eq!(checks.task, expected, "{globs:?}");
            assert_eq!(checks.system, expected, "{globs:?}");
        }
    }

    #[test]
    fn a_command_is_read_by_whoever_is_here_and_whoever_it_calls() {
        let checks = Checks::of(Tree::with(&[("web/package.json", SCRIPT)]), &Wanted::default());
        let names = |command: &str| checks.readers(command).iter().map(|reader| reader.name()).collect::<Vec<_>>();
        assert_eq!(names("make test"), ["node", "make"]);
        assert_eq!(names("python3 -m pytest"), ["python", "node"]);
    }
}
