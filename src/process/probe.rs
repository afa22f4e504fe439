//! The probe: whether a sandbox holds on this machine, found out by running something in it.

use super::{Ask, Call, Confines, Limits, OutputError, Program, Sandbox, Tier, lookup, output};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Why a sandbox cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NoSandbox {
    /// There is no program for it.
    #[error("bubblewrap is not installed: no `bwrap` in PATH")]
    Missing,
    /// The machine does not let us.
    #[error("bubblewrap cannot make a sandbox here: {said}")]
    Forbidden {
        /// What bubblewrap said.
        said: String,
    },
    /// It runs, and does not hold.
    #[error("bubblewrap runs here, and what is inside does not stay inside: {what}")]
    Leaky {
        /// What was not as it has to be.
        what: String,
    },
    /// It could not be found out.
    #[error("whether a sandbox works could not be found out")]
    Io(#[from] io::Error),
    /// The same, of a program.
    #[error("whether a sandbox works could not be found out")]
    Output(#[from] OutputError),
}

impl NoSandbox {
    /// What to do about it, beside going without.
    pub fn fix(&self) -> String {
        match self {
            NoSandbox::Missing => {
                "install it (`apt-get install bubblewrap`, `dnf install bubblewrap`, `pacman -S bubblewrap`)".to_owned()
            }
            NoSandbox::Forbidden { said } => advice(said).to_owned(),
            NoSandbox::Leaky { .. } | NoSandbox::Io(_) | NoSandbox::Output(_) => {
                "see what `bwrap --unshare-all --ro-bind / / --dev /dev --proc /proc true` says".to_owned()
            }
        }
    }
}

/// What helps where bubblewrap says this.
fn advice(said: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["/proc"]) {
        "in a container, start it with its own /proc unmasked (`docker run --security-opt systempaths=unconfined --security-opt \
         seccomp=unconfined`, or `--privileged`)"
    } else if has(&["No space left", "max_user_namespaces"]) {
        "allow user namespaces: `sysctl user.max_user_namespaces=10000`, as root"
    } else if has(&["uid map", "gid map", "loopback", "RTM_NEWADDR"]) {
        "allow bubblewrap user namespaces: Ubuntu 24.04 and later forbid them but for programs with an AppArmor profile; put one \
         into /etc/apparmor.d/bwrap (`profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }`) and load it with `apparmor_parser \
         -r /etc/apparmor.d/bwrap`, as root"
    } else {
        "allow user namespaces: `sysctl kernel.unprivileged_userns_clone=1` where there is such a setting, as root; in a container, \
         start it with `--security-opt seccomp=unconfined`"
    }
}

/// How long a sandbox that holds nothing up may take to be built, to look around and to be taken down.
const TOTAL: Duration = Duration::from_secs(20);

/// Looks around. Says what is not as it has to be, one word a line, and, where it was not let out, leaves something behind that would keep the
/// pipe open.
const SCRIPT: &str = r#"
true > "$1/inside" || echo "the workspace cannot be written"
test -e "$2" && echo "a file outside can be read"
test -z "$(ls -A "$3")" || echo "the home can be seen"
test "$4" = "$(readlink /proc/self/ns/net)" && echo "the machine's network is there"
test "$(id -u)" = 0 && echo "it is root"
while read -r name value; do
    test "$name" != CapEff: || test "$value" = 0000000000000000 || echo "it has capabilities"
done < /proc/self/status
test -e "$2" || setsid sleep 60 &
echo done
"#;

impl Sandbox {
    /// The sandbox of this tier, once a program has run in it and found that it holds: a workspace that can be written, no home, no
    /// network, not root, nothing left behind. `env` is the environment of the programs that will run in it.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn probe(tier: Tier, env: &[(OsString, OsString)]) -> Result<Sandbox, NoSandbox> {
        if tier == Tier::None {
            return Ok(Sandbox::none());
        }
        let bwrap = lookup::find("bwrap".as_ref(), Path::new("/"), env).map_err(|_| NoSandbox::Missing)?;
        let home = env
            .iter()
            .find(|(name, _)| name == "HOME")
            .map_or_else(|| PathBuf::from("/nowhere"), |(_, home)| home.into());
        let sandbox = Sandbox::bubblewrap(bwrap, &home)?;
        let dir = tempfile::tempdir()?;
        let (inside, outside) = (dir.path().join("workspace"), dir.path().join("outside"));
        fs::create_dir(&inside)?;
        fs::write(&outside, "")?;
        let network = fs::read_link("/proc/self/ns/net")?;
        let named = [&inside, &outside, &home, &network].map(|path| path.clone().into_os_string());
        let program = Program {
            argv: ["sh", "-c", SCRIPT, "probe"].map(OsString::from).into_iter().chain(named).collect(),
            cwd: inside.clone(),
            env: vec![
                ("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()),
                ("HOME".into(), home.clone().into_os_string()),
            ],
            stdin: None,
            stdout: PathBuf::new(),
            stderr: None,
            limits: Limits { total: TOTAL, idle: None, grace: Duration::ZERO, output_bytes: 0 },
            confines: Some(Confines { writable: vec![inside.clone()], ..Confines::default() }),
            ask: Ask::Term,
            secrets: Vec::new(),
        };
        let program = sandbox.around(program).map_err(|what| NoSandbox::Leaky { what })?;
        let call = Call {
            program: &program.argv[0],
            args: &program.argv[1..],
            cwd: &program.cwd,
            env: &program.env,
            stdin: b"",
            total: TOTAL,
            output_bytes: 64 << 10,
        };
        let said = match output(call).await {
            Ok(said) => said,
            Err(OutputError::TimedOut { .. }) => {
                return Err(NoSandbox::Leaky { what: "what a program leaves behind lives on".into() });
            }
            Err(error) => return Err(error.into()),
        };
        let errors = String::from_utf8_lossy(&said.stderr);
        if let Some(said) = errors.lines().find_map(|line| line.strip_prefix("bwrap: ")) {
            return Err(NoSandbox::Forbidden { said: said.to_owned() });
        }
        let answer = String::from_utf8_lossy(&said.stdout);
        if answer.trim() == "done" && inside.join("inside").exists() {
            return Ok(sandbox);
        }
        let what: Vec<&str> = answer.lines().chain(errors.lines()).filter(|line| *line != "done").collect();
        Err(NoSandbox::Leaky { what: what.join("; ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_of_the_kernel_says_what_helps() {
        for (said, helps) in [
            ("setting up uid map: Permission denied", "AppArmor"),
            ("loopback: Failed RTM_NEWADDR: Operation not permitted", "AppArmor"),
            ("Can't mount proc on /newroot/proc: Operation not permitted", "systempaths"),
            ("Creating new namespace failed: No space left on device", "max_user_namespaces"),
            ("No permissions to create new namespace, likely because", "unprivileged_userns_clone"),
        ] {
            assert!(advice(said).contains(helps), "{said}");
        }
    }

    #[tokio::test]
    async fn without_bubblewrap_it_is_said_what_is_missing() {
        let env = [("PATH".into(), "/nowhere".into())];
        let missing = Sandbox::probe(Tier::Bubblewrap, &env).await.unwrap_err();
        assert!(matches!(missing, NoSandbox::Missing) && missing.fix().contains("apt-get install bubblewrap"));
        assert_eq!(Sandbox::probe(Tier::None, &env).await.unwrap().tier(), Tier::None);
    }
}
