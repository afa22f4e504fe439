//! What puts there what a fresh clone lacks, where nothing is configured: by lock file, in the tool's own way to take it as it is.

use super::place::{Tree, folder, is_ours, quoted};

/// Commands beyond these are not run: a tree with more lock files is one that should say what it wants.
const MOST_COMMANDS: usize = 20;

/// Each lock file by name, with what installs from it, changing nothing. The first of a folder that is found in each group stands.
const LOCKS: [(&str, &[(&str, &str)]); 5] = [
    ("cargo", &[("Cargo.lock", "cargo fetch --locked")]),
    (
        "node",
        &[
            ("pnpm-lock.yaml", "pnpm install --frozen-lockfile"),
            ("yarn.lock", "yarn install --immutable"),
            ("bun.lock", "bun install --frozen-lockfile"),
            ("package-lock.json", "npm ci"),
            ("npm-shrinkwrap.json", "npm ci"),
        ],
    ),
    (
        "python",
        &[
            ("uv.lock", "uv sync --frozen"),
            ("poetry.lock", "poetry install --no-interaction"),
            ("Pipfile.lock", "pipenv sync --dev"),
        ],
    ),
    ("elixir", &[("mix.lock", "mix deps.get")]),
    ("go", &[("go.sum", "go mod download")]),
];

/// The command lines for `sh` at the root of a tree with these paths.
pub fn setup(paths: &[&str]) -> Vec<String> {
    let tree = Tree::new(paths.iter().map(|path| (*path).into()));
    let mut folders: Vec<&str> =
        paths.iter().filter(|path| is_lock(path) && is_ours(path)).map(|path| folder(path)).collect();
    folders.sort_by_key(|folder| (folder.matches('/').count(), *folder));
    folders.dedup();
    let mut commands = Vec::new();
    for (_, locks) in LOCKS {
        for folder in &folders {
            let place = tree.place(folder);
            if let Some((lock, command)) = locks.iter().find(|(lock, _)| place.has(lock)) {
                commands.push(in_folder(folder, lock, command, place.has(".yarnrc.yml")));
            }
        }
    }
    commands.truncate(MOST_COMMANDS);
    commands
}

fn is_lock(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    LOCKS.iter().any(|(_, locks)| locks.iter().any(|(lock, _)| *lock == file))
}

fn in_folder(folder: &str, lock: &str, command: &str, is_berry: bool) -> String {
    let command = match lock {
        // Yarn's first version has another word for it.
        "yarn.lock" if !is_berry => "yarn install --frozen-lockfile",
        "Cargo.lock" if !folder.is_empty() => {
            return format!("{command} --manifest-path {}", quoted(&format!("{folder}/Cargo.toml")));
        }
        _ => command,
    };
    if folder.is_empty() { command.to_owned() } else { format!("cd {} && {command}", quoted(folder)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lock_file_names_is_installed_as_it_says_in_its_own_folder() {
        for (paths, expected) in [
            (&["Cargo.lock", "Cargo.toml"][..], &["cargo fetch --locked"][..]),
            (&["package-lock.json", "web/pnpm-lock.yaml"], &["npm ci", "cd web && pnpm install --frozen-lockfile"]),
            (&["yarn.lock"], &["yarn install --frozen-lockfile"]),
            (&["yarn.lock", ".yarnrc.yml"], &["yarn install --immutable"]),
            (
                &["api/uv.lock", "go.sum", "mix.lock"],
                &["cd api && uv sync --frozen", "mix deps.get", "go mod download"],
            ),
            (&["core/Cargo.lock"], &["cargo fetch --locked --manifest-path core/Cargo.toml"]),
            (
                &["package-lock.json", "yarn.lock", "tests/data/uv.lock", "node_modules/x/yarn.lock"],
                &["yarn install --frozen-lockfile"],
            ),
            (&["package.json"], &[]),
        ] {
            assert_eq!(setup(paths), expected, "{paths:?}");
        }
    }
}
