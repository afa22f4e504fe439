//! The merge train through the binary: what is gated side by side, and that it makes the tree that one at a time makes.

use crate::{execute::task, space::Space};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};
use tidegate::run::{Entry, Event, JobId, What};

const BRANCHES: u32 = 12;
const SLOTS: &str = "[slots]\nagents = 12\nchecks = 4\n";
/// One candidate at a time, in whatever slots there are.
const SINGLE: &str = "[merge]\nwindow = 1\nwindow_min = 1\nwindow_max = 1\n";

/// A repository with this configuration and check, and the topic `train`, whose branches hang on nothing.
fn space(config: &str, check: &str, script: impl Fn(u32) -> String) -> Space {
    let space = Space::empty().open();
    space.write("README.md", "a scratch repository\n");
    let checks =
        format!("[checks]\ntask = [\"sh -eu suite.sh\"]\nstream = [\"true\"]\nsystem = [\"true\"]\n{SLOTS}{config}");
    space.write("tidegate.toml", &checks);
    space.write("suite.sh", &check.replace("OUTSIDE", &space.beside("suites").display().to_string()));
    space.commit("Begin");
    let mut text = "# Train\n\n### Stream A: All of them (Parallel)\n\n".to_owned();
    for number in 1..=BRANCHES {
        let _ = write!(text, "{}", task(number, &format!("Branch {number}"), "None", &script(number)));
    }
    space.topic("train", &(text + "## Quality Gates\n\n- **Gate 1**: All tests pass (after Stream A)\n"));
    space
}

/// What landed, but for the configuration and its check.
fn tree(space: &Space) -> Vec<String> {
    let list = space.git(&["ls-tree", "-r", "tidegate/train/integration"]);
    list.lines().filter(|line| line.contains("branch-") || line.contains("settled")).map(str::to_owned).collect()
}

/// How many proofs of candidates were at work at the same time, at most; and how many there were.
fn proofs(entries: &[Entry]) -> (usize, usize) {
    let (mut at_work, mut most, mut all) = (BTreeSet::<JobId>::new(), 0, 0);
    for entry in entries {
        match &entry.event {
            Event::Started { job, what: What::Prove, .. } => {
                at_work.insert(*job);
                (most, all) = (most.max(at_work.len()), all + 1);
            }
            Event::Ended { job, .. } => drop(at_work.remove(job)),
            _ => {}
        }
    }
    (most, all)
}

/// A window with room for those who wait, whoever of them comes first.
const WIDE: &str = "[merge]\nwindow = 8\nwindow_min = 8\n";

/// A suite that passes on a candidate when three more have begun behind it, or all have; the first one of all candidates is the tree
/// that was verified, which nobody measures twice. Elsewhere it passes at once.
const TOGETHER: &str = r#"case $(git log -1 --format=%s) in Branch*) ;; *) exit 0 ;; esac
echo "$$" >> OUTSIDE
behind=$(($(grep -n "^$$\$" OUTSIDE | cut -d: -f1) + 3))
[ "$behind" -le 11 ] || behind=11
i=0
until [ "$(wc -l < OUTSIDE)" -ge "$behind" ]; do
  i=$((i + 1))
  [ "$i" -lt 12000 ] || { echo "it was alone for minutes"; exit 1; }
  sleep 0.01
done
"#;

#[test]
fn candidates_are_gated_side_by_side_and_make_the_tree_that_one_at_a_time_makes() {
    let script = |number| format!("echo {number} > branch-{number}");
    let train = space(WIDE, TOGETHER, script);
    train.execute("train").exits(0).lacks(&["it was alone", "sent back"]);
    let (most, all) = proofs(&train.entries("train"));
    assert_eq!(most, 4, "as many as there are slots");
    let single = space(SINGLE, "true\n", script);
    single.execute("train").exits(0);
    assert_eq!(proofs(&single.entries("train")), (1, BRANCHES as usize));
    assert_eq!(all, BRANCHES as usize, "where nothing fails, nothing is proven twice");
    assert_eq!(tree(&train), tree(&single));
    assert_eq!(tree(&train).len(), BRANCHES as usize);
    assert_eq!(train.landed("train").len(), BRANCHES as usize);
}

/// Red where the branches 5 and 6 meet, and nobody has settled it.
const CLASH: &str =
    "[ ! -e branch-5 ] || [ ! -e branch-6 ] || [ -e settled ] || { echo '5 and 6 do not go together'; exit 1; }\n";

/// Work that settles the clash when it is sent back for it.
fn settling(number: u32) -> String {
    format!(
        "echo {number} > branch-{number}\nif [ \"$TIDEGATE_ATTEMPT\" -gt 1 ]; then grep -q 'do not go together' \
         \"$TIDEGATE_FEEDBACK\"; echo 1 > settled; fi"
    )
}

#[test]
fn a_failing_candidate_leaves_the_train_and_nobody_else_is_sent_back_or_done_again() {
    let mut trees = Vec::new();
    for config in ["", SINGLE] {
        let space = space(config, CLASH, settling);
        space.execute("train").exits(0);
        trees.push(tree(&space));
        let mut works = BTreeMap::<u32, u32>::new();
        for entry in space.entries("train") {
            if let Event::Started { node, what: What::Implement, .. } = entry.event {
                *works.entry(node.0).or_default() += 1;
            }
        }
        let again: Vec<(u32, u32)> = works.into_iter().filter(|&(_, times)| times > 1).collect();
        assert!(matches!(again[..], [(_, 2)]), "one of the two was done again, once: {again:?}");
        let landed = space.landed("train");
        let at = |title: &str| landed.iter().position(|subject| subject == title).unwrap();
        let second = at("Branch 5").max(at("Branch 6"));
        let last = format!("tidegate/train/integration~{}", landed.len() - 1 - second);
        let changed = space.git(&["show", "--format=", "--name-only", &last]);
        assert!(changed.contains("settled"), "whoever came second settled it: {changed}");
    }
    assert_eq!(trees[0], trees[1]);
}
