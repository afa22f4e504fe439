//! tidegate.toml: every key and its bounds (CONTRACTS.md, tidegate.toml).

use super::{
    options::{
        AUTO, AgentChoice, Agents, Attempts, BACKENDS, Backends, Checks, Config, Coverage, Effort, PathChecks, ROLES,
        Resources, Review, Sandbox, Slots, Tests, Tier, Window, Workspace,
    },
    section::{Section, fault, shown},
};
use crate::{
    notes::one_group,
    plan::{CoverageWish, Demand, Deployment, Fault, Measure, Parse, Role, SourceId},
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path},
    time::Duration,
};
use toml::de::DeTable;

/// What faults of this file name as their source: the only one there is.
pub const SOURCE: SourceId = SourceId(0);

/// Bytes of the file, at most.
const FILE_MAX: usize = 1 << 20;

/// Faults told of one file, at most.
const FAULTS_MAX: usize = 50;

const WEEK: Duration = Duration::from_hours(7 * 24);

impl Config {
    /// Reads the text of a `tidegate.toml`.
    ///
    /// # Errors
    /// All that is wrong with it, in the order of the file; [`SOURCE`] is the file.
    pub fn read(text: &str) -> Result<Config, Vec<Fault>> {
        if text.len() > FILE_MAX {
            let text = format!("the file has more than {} KiB", FILE_MAX / 1024);
            return Err(vec![fault(
                "config-syntax",
                text,
                0..0,
                "nobody writes so much: is it the right file?".to_owned(),
            )]);
        }
        let (table, errors) = DeTable::parse_recoverable(text);
        let faults = RefCell::new(Vec::new());
        let config = errors.is_empty().then(|| read(&mut Section::root(table.get_ref(), &faults)));
        let mut faults = faults.into_inner();
        for error in errors {
            let at = error.span().unwrap_or(0..0);
            faults.push(fault("config-syntax", shown(error.message()), at, "see https://toml.io".to_owned()));
        }
        faults.sort_by_key(|fault| fault.labels.first().map(|label| label.at));
        faults.truncate(FAULTS_MAX);
        config.filter(|_| faults.is_empty()).ok_or(faults)
    }
}

fn read(root: &mut Section<'_>) -> Config {
    let config = Config {
        workspace: root.within("workspace", workspace),
        slots: root.within("slots", slots),
        checks: root.within("checks", checks),
        tests: root.within("tests", tests),
        protect: root.within("protect", |section| section.globs("paths").unwrap_or_default()),
        review: root.within("review", review),
        attempts: root.within("attempts", attempts),
        deployment: root.within("gates", |section| section.within("deployment", deployment)),
        coverage: root.within("coverage", coverage),
        measures: root.each("measures", measure),
        sandbox: root.within("sandbox", sandbox),
        agents: root.within("agents", agents),
        backends: root.within("backends", backends),
        effort: root.within("effort", effort),
        resources: root.within("resources", resources),
        merge: root.within("merge", window),
        is_signed: root.within("commit", |section| section.flag("sign")).unwrap_or_default(),
    };
    root.within("handoff", |section| section.fixed_flag("claude_md", false));
    root.finish();
    config
}

fn workspace(section: &mut Section<'_>) -> Workspace {
    let is_in_place = section.choice("mode", &[("clone", false), ("in-place", true)], &[]);
    Workspace {
        is_in_place: is_in_place.unwrap_or_default(),
        setup: section.texts("setup"),
        lfs: section.flag("lfs"),
        lock: section.commands("lock").unwrap_or_default(),
        generated: section.globs("generated").unwrap_or_default(),
    }
}

fn slots(section: &mut Section<'_>) -> Slots {
    let agents = section.number("agents", 1..=1000).unwrap_or_else(|| Slots::default().agents);
    Slots { agents, per_stream: section.number("per_stream", 1..=1000), checks: section.number("checks", 1..=1000) }
}

fn checks(section: &mut Section<'_>) -> Checks {
    Checks {
        paths: section.each("path", path_checks).into_iter().flatten().collect(),
        reports: reports(section),
        task: section.texts("task"),
        stream: section.texts("stream"),
        system: section.texts("system"),
        deployment: section.texts("deployment"),
        timeout: section
            .duration("timeout", Duration::from_secs(1)..=WEEK)
            .unwrap_or_else(|| Checks::default().timeout),
        env: section.variables("env").unwrap_or_default(),
    }
}

fn deployment(section: &mut Section<'_>) -> Option<Deployment> {
    let (approve, files) = (section.flag("approve"), section.globs("files"));
    let asked = Deployment { approve: approve.unwrap_or_default(), files: files.unwrap_or_default() };
    section.is_written().then_some(asked)
}

fn coverage(section: &mut Section<'_>) -> Option<Coverage> {
    let reports = section.paths("reports").unwrap_or_default();
    let wish = CoverageWish {
        commands: section.texts("commands"),
        reports,
        changed: section.share("changed"),
        total: section.share("total"),
        may_drop: section.share("may_drop"),
    };
    if section.is_written() && wish.reports.is_empty() {
        let text = "`[coverage]` does not say where its reports are".to_owned();
        section.bad_whole(text, "write `reports = [\"lcov.info\"]`: LCOV and Cobertura are read".to_owned());
    }
    let (roots, exclude) = (section.texts("roots").unwrap_or_default(), section.globs("exclude").unwrap_or_default());
    section.is_written().then_some(Coverage { wish, roots, exclude })
}

/// Levels at whose gates a measure may be asked for.
const LEVELS: [&str; 4] = ["task", "stream", "system", "deployment"];

fn measure(section: &mut Section<'_>) -> Measure {
    let parse = match section.text("figure").unwrap_or_else(|| "last".to_owned()) {
        last if last == "last" => Parse::Last,
        pointer if pointer.starts_with('/') => Parse::Pointer(pointer.into()),
        pattern => {
            if let Err(why) = one_group(&pattern) {
                let help = "`last`, a pattern with one group, or a JSON pointer such as `/total/percent`".to_owned();
                section.bad_at("figure", format!("the pattern of the figure {why}"), help);
            }
            Parse::Pattern(pattern.into())
        }
    };
    let bound = section.text("bound");
    let demand = bound.as_deref().and_then(Demand::of);
    if let (Some(bound), None) = (&bound, &demand) {
        let help = "such as `at least 80 %`, `under 200 ms` or `no more than 3`".to_owned();
        section.bad_at("bound", format!("`{}` is no bound", shown(bound)), help);
    }
    let levels = section.texts("gates").unwrap_or_else(|| vec!["system".to_owned()]);
    if let Some(level) = levels.iter().find(|level| !LEVELS.contains(&level.as_str())) {
        let text = format!("no gate is called `{}`", shown(level));
        section.bad_at("gates", text, format!("of `{}`", LEVELS.join("`, `")));
    }
    Measure { name: section.wanted_text("name"), command: section.wanted_text("command"), parse, demand, levels }
}

/// One `[[checks.path]]`; `None` where something of it is missing or wrong.
fn path_checks(section: &mut Section<'_>) -> Option<PathChecks> {
    section.needs("paths", "run", "say where: `paths = [\"web/**\"]`".to_owned());
    section.needs("run", "paths", "say what is run for them: `run = [\"cd web && npm test\"]`".to_owned());
    let (paths, run) = (section.globs("paths"), section.texts("run"));
    Some(PathChecks { paths: paths?, run: run? })
}

/// Patterns of paths, and `-` for what a command prints.
fn reports(section: &mut Section<'_>) -> Vec<String> {
    section.globs("reports").unwrap_or_default()
}

fn tests(section: &mut Section<'_>) -> Tests {
    let default = Tests::default();
    Tests {
        paths: section.globs("paths").unwrap_or(default.paths),
        require_names: section.flag("require_names").unwrap_or(default.require_names),
        bodies_out: section.flag("bodies_out").unwrap_or(default.bodies_out),
    }
}

fn review(section: &mut Section<'_>) -> Review {
    // Findings of all rounds count as failures of the task: `[attempts]` bounds them. Another number than the contract's
    // would be believed and do nothing.
    if section.number("rounds", 1..=100).is_some_and(|rounds| rounds != 3) {
        let text = "`review.rounds` other than 3 is not available yet".to_owned();
        section.bad_at("rounds", text, "`[attempts] tries` and `any` bound how often a task is sent back".to_owned());
    }
    let reviewers = section.texts("reviewers").unwrap_or_else(|| Review::default().reviewers);
    let mut seen = BTreeSet::new();
    if let Some(twice) = reviewers.iter().find(|name| !seen.insert(*name)) {
        section.bad_at("reviewers", format!("`{}` is named twice", shown(twice)), "each reviewer once".to_owned());
    }
    Review { reviewers }
}

fn attempts(section: &mut Section<'_>) -> Attempts {
    let default = Attempts::default();
    let mut number = |key, default| section.number(key, 1..=1000).map_or(default, |number| number as u16);
    Attempts {
        tries: number("tries", default.tries),
        any: number("any", default.any),
        lives: number("lives", default.lives),
    }
}

fn sandbox(section: &mut Section<'_>) -> Sandbox {
    let words = [("auto", Tier::Auto), ("bubblewrap", Tier::Bubblewrap), ("none", Tier::None)];
    Sandbox {
        tier: section.choice("tier", &words, &["landlock"]).unwrap_or_default(),
        gate_network: section.flag("gate_network").unwrap_or_default(),
        readable: places(section, "readable"),
        writable: places(section, "writable"),
        setup_env: section.texts("setup_env").unwrap_or_default(),
    }
}

/// Paths outside of the repository.
fn places(section: &mut Section<'_>, key: &'static str) -> Vec<String> {
    let paths = section.texts(key).unwrap_or_default();
    if let Some(path) = paths.iter().find(|path| !path.starts_with('/') && !path.starts_with("~/")) {
        let text = format!("`{}` is neither absolute nor below the home", shown(path));
        section.bad_at(key, text, "write `/path` or `~/path`".to_owned());
    }
    paths
}

fn agents(section: &mut Section<'_>) -> Agents {
    let default = Agents::default();
    let backends = BACKENDS.into_iter().chain([AUTO]).map(|name| (name, name)).collect::<Vec<_>>();
    let backend = section.choice("backend", &backends, &[]);
    let timeout = section.duration("timeout", Duration::from_secs(1)..=WEEK).unwrap_or(default.timeout);
    let mut roles = BTreeMap::new();
    for role in ROLES.map(Role::name) {
        let (is_written, choice) = section.within(role, |section| {
            let choice = AgentChoice {
                backend: section.choice("backend", &backends, &[]),
                model: section.text("model"),
                fallback: section.text("fallback"),
            };
            (section.is_written(), choice)
        });
        if is_written {
            roles.insert(role, choice);
        }
    }
    let idle = section.duration("idle", Duration::from_secs(1)..=WEEK).unwrap_or(default.idle);
    let turns = section.number("turns", 1..=100_000).unwrap_or(default.turns);
    let (env, mcp) = (section.texts("env").unwrap_or_default(), section.texts("mcp").unwrap_or_default());
    Agents { backend, timeout, idle, turns, env, mcp, roles }
}

fn backends(section: &mut Section<'_>) -> Backends {
    let mut command = |key| {
        let argv = section.texts(key).unwrap_or_default();
        if argv.first().is_some_and(|program| program.is_empty()) {
            section.bad_at(key, format!("`backends.{key}` names no program"), format!("write `{key} = [\"program\"]`"));
        }
        argv
    };
    let (acp, command) = (command("acp"), command("command"));
    Backends { acp, acp_logins: logins(section), command, replay: section.text("replay") }
}

/// Files below the user's home.
fn logins(section: &mut Section<'_>) -> Vec<String> {
    let files = section.texts("acp_logins").unwrap_or_default();
    let is_below = |file: &str| {
        let mut parts = Path::new(file).components().peekable();
        parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(name) if name != "~"))
    };
    if let Some(file) = files.iter().find(|file| !is_below(file)) {
        let text = format!("`{}` is no file below your home", shown(file));
        section.bad_at("acp_logins", text, "write it relative to your home: `.agent/login.json`".to_owned());
    }
    files
}

fn effort(section: &mut Section<'_>) -> Effort {
    let default = Effort::default();
    let mut minutes = |key, default| {
        let length = section.duration(key, Duration::from_mins(1)..=Duration::from_hours(1000));
        length.map_or(default, |length| u32::try_from(length.as_secs() / 60).unwrap_or(default))
    };
    Effort {
        small: minutes("small", default.small),
        medium: minutes("medium", default.medium),
        large: minutes("large", default.large),
        xl: minutes("xl", default.xl),
    }
}

fn resources(section: &mut Section<'_>) -> Resources {
    let mut names = |key| {
        let names = section.texts(key).unwrap_or_default();
        // As documents name them: without blanks, between commas.
        let is_name = |name: &String| !name.contains(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '`'));
        if let Some(name) = names.iter().find(|name| !is_name(name)) {
            let text = format!("`{}` is no name of a resource", shown(name));
            section.bad_at(key, text, "one word, such as `port:4000` or `db`".to_owned());
        }
        names
    };
    let (job, task) = (names("job"), names("task"));
    if let Some(both) = job.iter().find(|name| task.contains(name)) {
        let text = format!("`{}` is held both for a job and for a task", shown(both));
        section.bad_at("task", text, "name it in one of the two: in `task` it is held longer".to_owned());
    }
    Resources { job, task, critical: section.globs("critical").unwrap_or_default() }
}

fn window(section: &mut Section<'_>) -> Window {
    let default = Window::default();
    let mut number = |key| section.number(key, 1..=1000).map(|number| number as u16);
    let (start, least, most) = (number("window"), number("window_min"), number("window_max"));
    let window = Window {
        start: start.unwrap_or_else(|| default.start.max(least.unwrap_or(0)).min(most.unwrap_or(u16::MAX))),
        least: least.unwrap_or_else(|| default.least.min(start.unwrap_or(u16::MAX)).min(most.unwrap_or(u16::MAX))),
        most: most.unwrap_or_else(|| default.most.max(start.unwrap_or(0)).max(least.unwrap_or(0))),
    };
    if !(window.least <= window.start && window.start <= window.most) {
        let text = format!("a window of {} is not between {} and {}", window.start, window.least, window.most);
        let key = if start.is_some() { "window" } else { "window_min" };
        section.bad_at(key, text, "`window_min` <= `window` <= `window_max`".to_owned());
    }
    window
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Limit, Rung};
    use proptest::prelude::*;

    /// As CONTRACTS.md has it.
    const CONTRACT: &str = r#"
[workspace]
mode = "clone"                 # or "in-place"
setup = ["npm ci"]
[slots]
agents = 4                     # -j
per_stream = 4
checks = 2
[checks]                       # command lines for sh; found from the repository where absent
task = ["cargo test"]
stream = ["cargo test"]
system = ["cargo test --all"]
deployment = ["cargo build --release"]
timeout = "20m"
env = { RUST_BACKTRACE = "1" }
[tests]
paths = ["tests/**"]
[protect]
paths = []
[review]
reviewers = ["qa-reviewer", "security-reviewer"]
rounds = 3
[attempts]
tries = 3
[gates.deployment]
approve = true
[sandbox]
tier = "auto"                  # bubblewrap | landlock | none
gate_network = false
setup_env = ["NPM_TOKEN"]      # reach set-up only, never agents or gates
[commit]
sign = false
[agents]
backend = "claude"
[agents.reviewer]              # by role: backend, model, fallback
model = "..."
"#;

    /// Line, underlined text, what is wrong, and help of each fault.
    fn faults(text: &str) -> Vec<String> {
        let told = Config::read(text).expect_err("there are faults");
        let one = |fault: Fault| {
            let at = fault.labels[0].at;
            let (start, end) = (at.start as usize, at.end as usize);
            let line = 1 + text[..start].matches('\n').count();
            let under = &text[start..end];
            format!("{line}: {under} | {}: {} | {}", fault.code, fault.text, fault.help.unwrap_or_default())
        };
        told.into_iter().map(one).collect()
    }

    #[test]
    fn the_contract_s_example_reads_as_it_says() {
        let config = Config::read(CONTRACT).unwrap();
        assert_eq!(config.workspace.setup, Some(vec!["npm ci".to_owned()]));
        assert_eq!((config.slots.agents, config.slots.per_stream, config.slots.checks), (4, Some(4), Some(2)));
        assert_eq!(config.checks.system, Some(vec!["cargo test --all".to_owned()]));
        assert_eq!(config.checks.env["RUST_BACKTRACE"], "1");
        assert_eq!(config.checks.timeout, Duration::from_mins(20));
        assert_eq!(config.deployment, Some(Deployment { approve: true, files: Vec::new() }));
        assert!(!config.is_signed && Config::read("[commit]\nsign = true").unwrap().is_signed);
        assert_eq!(config.sandbox.setup_env, ["NPM_TOKEN"]);
        assert_eq!(config.agents.backend, Some("claude"));
        assert_eq!(config.agents.roles["reviewer"].model.as_deref(), Some("..."));
        assert_eq!(config.review, Review::default());
    }

    #[test]
    fn what_is_measured_is_read_with_its_bounds() {
        let text = "[coverage]\nreports = [\"lcov.info\"]\nchanged = 80\ntotal = 72.5\nmay_drop = 0\n\
                    [[measures]]\nname = \"p95 latency\"\ncommand = \"make bench\"\nbound = \"under 200 ms\"\n";
        let config = Config::read(text).unwrap();
        let wish = config.coverage.unwrap().wish;
        assert_eq!((wish.changed, wish.total, wish.may_drop), (Some(80_000), Some(72_500), Some(0)));
        assert_eq!(wish.commands, None, "the checks leave the reports");
        let measure = &config.measures[0];
        assert_eq!((measure.name.as_str(), measure.levels.as_slice()), ("p95 latency", &["system".to_owned()][..]));
        assert!(measure.demand.is_some() && measure.parse == Parse::Last);
        let text = "[coverage]\nreports = [\"../x\"]\nchanged = 101\ntotal = 0.0001\n[[measures]]\nname = \"a\"\nfigure = \"x\"\n\
                    bound = \"80\"\ngates = [\"checkpoint\"]\n[gates.deployment]\nfiles = [\"/etc\"]\n";
        insta::assert_snapshot!(faults(text).join("\n"), @r#"
        2: ["../x"] | config-bad-value: `../x` is no path of a file in the repository | such as `target/coverage.xml`
        3: changed | config-bad-value: `[coverage]` does not say where its reports are | write `reports = ["lcov.info"]`: LCOV and Cobertura are read
        3: 101 | config-bad-value: `coverage.changed` is no share | from 0 to 100, with three digits behind the point at most
        4: 0.0001 | config-bad-value: `coverage.total` is no share | from 0 to 100, with three digits behind the point at most
        7: "x" | config-bad-value: the pattern of the figure has 0 groups, and it is one that holds the figure | `last`, a pattern with one group, or a JSON pointer such as `/total/percent`
        8: bound | config-bad-value: `measures.command` is not there | write `command = "..."`
        8: "80" | config-bad-value: `80` is no bound | such as `at least 80 %`, `under 200 ms` or `no more than 3`
        9: ["checkpoint"] | config-bad-value: no gate is called `checkpoint` | of `task`, `stream`, `system`, `deployment`
        11: ["/etc"] | config-bad-value: `/etc` is no pattern of paths: it leaves the repository | paths relative to the repository, such as `tests/**`
        "#);
        assert!(faults("[coverage]\nchanged = 80\n")[0].contains("does not say where its reports are"));
        assert!(faults("measures = 3\n")[0].contains("a list of tables"));
    }

    #[test]
    fn nothing_written_is_the_defaults() {
        let config = Config::read("").unwrap();
        assert_eq!(config, Config::default());
        let policy = config.policy(2);
        assert_eq!((policy.agents, policy.agents_per_stream, policy.checks), (4, 4, 2));
        assert_eq!((policy.window, policy.window_min, policy.window_max), (3, 3, 8));
        assert_eq!((policy.same_failure, policy.rejections, policy.lives, policy.rest_ms), (3, 5, 3, 1000));
        assert_eq!((policy.budget, policy.ladder), (Limit::NONE, vec![Rung::Consulted, Rung::Advised]));
        assert_eq!(config.policy(32).checks, 8);
    }

    #[test]
    fn what_is_written_reaches_the_policy() {
        let text = "attempts.tries = 2\nattempts.any = 9\nattempts.lives = 1\nslots.agents = 7\n[merge]\nwindow = 1";
        let policy = Config::read(text).unwrap().policy(2);
        assert_eq!((policy.same_failure, policy.rejections, policy.lives), (2, 9, 1));
        assert_eq!((policy.agents, policy.agents_per_stream), (7, 7));
        assert_eq!((policy.window, policy.window_min, policy.window_max), (1, 1, 8));
        let window = |text| Config::read(text).unwrap().merge;
        assert_eq!(window("merge.window_max = 2"), Window { start: 2, least: 2, most: 2 });
        assert_eq!(window("merge.window_min = 12"), Window { start: 12, least: 12, most: 12 });
        assert_eq!(window("merge.window = 20"), Window { start: 20, least: 3, most: 20 });
        let effort = Config::read("effort = { small = \"30m\", xl = \"2 hours 30 minutes\" }").unwrap().effort;
        assert_eq!(effort, Effort { small: 30, medium: 45, large: 120, xl: 150 });
    }

    #[test]
    fn the_backend_that_is_found_can_be_asked_for_by_name() {
        let agents = |text| Config::read(text).unwrap().agents;
        assert_eq!(agents("agents.backend = \"auto\"").engines("gemini"), Agents::default().engines("gemini"));
        let own = agents("agents.backend = \"codex\"\nagents.reviewer.backend = \"auto\"");
        assert_eq!((own.backend("reviewer"), own.backend("expert")), (None, Some("codex")));
        assert_eq!(own.engines("gemini")[&Role::Reviewer].0, "gemini");
    }

    #[test]
    fn all_faults_are_told_with_their_place_and_what_to_write() {
        let text = "\
[slots]
agnets = 4
checks = 0
per_stream = \"4\"
[check]
task = []
[checks]
task = \"cargo test\"
stream = [\"cargo test\", 3]
timeout = \"20\"
env = { A = 1, TIDEGATE_ROLE = \"x\" }
[tests]
paths = [\"../x\"]
[protect]
paths = [\"a[\"]
[agents.revewer]
model = \"x\"
[agents]
backend = \"cluade\"
";
        insta::assert_snapshot!(faults(text).join("\n"), @r#"
        2: agnets | config-unknown-key: unknown key `agnets` in `[slots]` | did you mean `agents`?
        3: 0 | config-bad-value: `slots.checks` is out of its bounds | from 1 to 1000
        4: "4" | config-wrong-kind: `slots.per_stream` is a number, not a string | write `per_stream = 1`
        5: check | config-unknown-key: unknown key `check` | did you mean `checks`?
        8: "cargo test" | config-wrong-kind: `checks.task` is a list of strings, not a string | write `task = ["..."]`
        9: 3 | config-wrong-kind: `checks.stream` is a list of strings, not a number | write `stream = ["..."]`
        10: "20" | config-bad-value: `checks.timeout` is no length of time: `20` | a number and a unit, such as `"20m"` or `"1h 30m"`
        11: 1 | config-wrong-kind: `checks.env` is a table of strings, not a number | write `env = { NAME = "value" }`
        11: "x" | config-bad-value: `TIDEGATE_ROLE` cannot be set here | a name of letters, digits and `_` that does not begin with `TIDEGATE_`
        13: ["../x"] | config-bad-value: `../x` is no pattern of paths: it leaves the repository | paths relative to the repository, such as `tests/**`
        15: ["a["] | config-bad-value: `a[` is no pattern of paths: unclosed character class; missing ']' | paths relative to the repository, such as `tests/**`
        16: revewer | config-unknown-key: unknown key `revewer` in `[agents]` | did you mean `reviewer`?
        19: "cluade" | config-bad-value: `agents.backend` cannot be `cluade` | did you mean `claude`?
        "#);
    }

    #[test]
    fn logins_are_files_below_the_home_and_no_others() {
        let read = |file: &str| Config::read(&format!("[backends]\nacp_logins = [\".a/login\", {file:?}]"));
        assert_eq!(read(".b").unwrap().backends.acp_logins, [".a/login", ".b"]);
        for file in [".", "..", "/etc/passwd", "a/../../b", "~/.a", "./a"] {
            let faults = read(file).expect_err(file);
            assert_eq!((faults.len(), faults[0].code), (1, "config-bad-value"), "{file}");
            assert!(faults[0].text.ends_with("is no file below your home"), "{}", faults[0].text);
        }
    }

    #[test]
    fn what_is_not_there_yet_says_so() {
        let text = "\
[sandbox]
tier = \"landlock\"
[handoff]
claude_md = true
[review]
rounds = 5
";
        insta::assert_snapshot!(faults(text).join("\n"), @r#"
        2: "landlock" | config-not-available: `tier = "landlock"` is not available yet | write `tier = "auto"`, or leave it out
        4: true | config-not-available: `claude_md = true` is not available yet | write `claude_md = false`, or leave it out
        6: 5 | config-bad-value: `review.rounds` other than 3 is not available yet | `[attempts] tries` and `any` bound how often a task is sent back
        "#);
    }

    #[test]
    fn checks_of_a_path_say_where_and_what() {
        let text = "[checks]\nreports = [\"build/**/*.xml\", \"-\"]\n[[checks.path]]\npaths = [\"web/**\"]\nrun = [\"npm test\"]\n[[checks.path]]\npaths = [\"api\"]\nrun = [\"pytest\"]";
        let checks = Config::read(text).unwrap().checks;
        assert_eq!(checks.reports, ["build/**/*.xml", "-"]);
        let paths: Vec<_> = checks.paths.iter().map(|checks| (&*checks.paths[0], &*checks.run[0])).collect();
        assert_eq!(paths, [("web/**", "npm test"), ("api", "pytest")]);
        let wrong = "[[checks.path]]\npaths = [\"web\"]\n[[checks.path]]\nrun = [\"x\"]\n[[checks.path]]\npaths = [\"../x\"]\nrun = [\"x\"]\nunder = 1\n";
        insta::assert_snapshot!(faults(wrong).join("\n"), @r#"
        2: ["web"] | config-bad-value: `checks.path.run` is missing | say what is run for them: `run = ["cd web && npm test"]`
        4: ["x"] | config-bad-value: `checks.path.paths` is missing | say where: `paths = ["web/**"]`
        6: ["../x"] | config-bad-value: `../x` is no pattern of paths: it leaves the repository | paths relative to the repository, such as `tests/**`
        8: under | config-unknown-key: unknown key `under` in `[checks.path]` | known here: `paths`, `run`
        "#);
        insta::assert_snapshot!(faults("checks.path = 3").join("\n"), @"1: 3 | config-wrong-kind: `checks.path` is a list of tables, not a number | begin each with `[[checks.path]]`");
        insta::assert_snapshot!(faults("checks.path = [3]").join("\n"), @"1: 3 | config-wrong-kind: `checks.path` is a list of tables, not a number | begin each with `[[checks.path]]`");
        assert!(faults("[[checks.path]]\n")[0].contains("one of `checks.path` is empty"));
    }

    #[test]
    fn a_file_that_is_no_toml_is_told_by_its_place() {
        insta::assert_snapshot!(faults("[slots\nagents = 4\n[slots]\nagents = = 1\n").join("\n"), @r"
        1:  | config-syntax: unclosed table, expected `]` | see https://toml.io
        4: = | config-syntax: extra `=`, expected nothing | see https://toml.io
        4:  | config-syntax: unexpected key or value, expected newline, `#` | see https://toml.io
        ");
        insta::assert_snapshot!(faults("slots = 3\nslots.agents = 3").join("\n"), @r"
        2: slots | config-syntax: cannot extend value of type integer with a dotted key | see https://toml.io
        ");
        insta::assert_snapshot!(faults("[merge]\nwindow = 2\nwindow_min = 5").join("\n"), @r"
        2: 2 | config-bad-value: a window of 2 is not between 5 and 8 | `window_min` <= `window` <= `window_max`
        ");
        let hostile = format!("\"\\u001b[31m{}\" = 1", "x".repeat(5000));
        assert!(faults(&hostile)[0].ends_with("| known here: `workspace`, `slots`, `checks`, `tests`, `protect`, `review`, `attempts`, `gates`, `coverage`, `measures`, `sandbox`, `agents`, `backends`, `effort`, `resources`, `merge`, `commit`, `handoff`"));
        let told = Config::read(&hostile).unwrap_err();
        assert!(!told[0].text.contains('\u{1b}') && told[0].text.len() < 100, "{}", told[0].text);
        assert_eq!(Config::read(&"#".repeat(2 << 20)).unwrap_err()[0].code, "config-syntax");
        assert!(Config::read(&"a=[".repeat(300_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_spans_lie_in_it(text in "(\\[[a-z.]{1,9}\\]\n|[a-z_]{1,9} = [\\[\\]\"0-9a-zé{}=, ]{0,9}\n|\\PC{0,9}){0,9}") {
            if let Err(faults) = Config::read(&text) {
                for fault in faults {
                    let at = fault.labels[0].at;
                    prop_assert!(text.get(at.start as usize..at.end as usize).is_some(), "{:?} in {:?}", at, text);
                }
            }
        }
    }
}
