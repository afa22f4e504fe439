//! The confinement of a run: which sandbox tier it has, and what is there for what it confines.

use super::{Stop, args::Execute, scene::Scene};
use crate::{
    config::{self, Config, Environment},
    perform::Cage,
    process::{NoSandbox, Sandbox, Tier, caches, toolchains, with_causes},
};
use std::path::{Path, PathBuf};

/// What else can be done where there is no sandbox.
const WITHOUT: &str = "or go without by `--sandbox none`, or by `[sandbox] tier = \"none\"` in tidegate.toml: agents and checks \
                       then have all your rights";

/// The sandbox of a run: as the command line says, else as the configuration does; of one that goes on, what it began with. Tried
/// out, and never another than was asked for.
pub(super) async fn sandbox(
    scene: &Scene,
    config: &Config,
    wish: &Execute,
    begun: Option<&str>,
) -> Result<Sandbox, Stop> {
    let asked = match wish.sandbox.as_deref() {
        None | Some("auto") => None,
        Some(name) => Some(Tier::named(name).ok_or_else(|| unknown(name))?),
    };
    let tier = match begun {
        Some(name) => kept(name, asked)?,
        None => match (asked, config.sandbox.tier, wish.sandbox.is_some()) {
            (Some(tier), ..) => tier,
            (None, config::Tier::None, false) => Tier::None,
            // The best there is, and the only one.
            (None, ..) => Tier::Bubblewrap,
        },
    };
    Sandbox::probe(tier, &scene.environment.passed()).await.map_err(|missing| refused(&missing, begun.is_some()))
}

/// The tier that a run began with.
fn kept(name: &str, asked: Option<Tier>) -> Result<Tier, Stop> {
    let began = Tier::named(name).ok_or_else(|| {
        Stop::missing(
            format!("this run began in the sandbox tier {name:?}, which this version does not have"),
            "go on with the version that began it",
        )
    })?;
    match asked {
        Some(other) if other != began => Err(Stop::missing(
            format!("this run began in the sandbox tier {name}, and keeps it to its end"),
            "leave --sandbox out",
        )),
        _ => Ok(began),
    }
}

fn unknown(name: &str) -> Stop {
    Stop::missing(
        format!("the sandbox tier {name:?} is not available in this version"),
        "say --sandbox auto, --sandbox bubblewrap or --sandbox none",
    )
}

fn refused(missing: &NoSandbox, has_begun: bool) -> Stop {
    let (what, fix) = (with_causes(missing), missing.fix());
    if has_begun {
        return Stop::missing(format!("{what}; this run began in a sandbox, and goes on in none but that"), &fix);
    }
    Stop::missing(what, &format!("{fix}; {WITHOUT}"))
}

/// What is there for the confined programs of a run in this repository.
pub(super) fn cage(scene: &Scene, config: &Config) -> Cage {
    let (env, home) = (scene.environment.all(), scene.environment.home());
    let mut readable = toolchains(&home, &env);
    readable.extend(scene.repo.object_dirs());
    readable.push(scene.environment.program.clone());
    let caches: Vec<PathBuf> = caches(&home, &env);
    let opened = |paths: &[String]| paths.iter().map(|path| opened(path, &home)).collect::<Vec<_>>();
    readable.extend(opened(&config.sandbox.readable));
    let writable = opened(&config.sandbox.writable);
    Cage { readable, writable, caches, gate_network: config.sandbox.gate_network }
}

/// A path that the configuration opens: absolute, or below the user's home.
fn opened(path: &str, home: &Path) -> PathBuf {
    path.strip_prefix("~/").map_or_else(|| PathBuf::from(path), |below| home.join(below))
}

/// Which sandbox there would be for a run here; else why there is none, and what to do about it.
pub(super) async fn examined(environment: &Environment, config: &Config) -> Result<String, (String, String)> {
    if config.sandbox.tier == config::Tier::None {
        return Ok("none, by `[sandbox] tier`: agents and checks have all your rights".to_owned());
    }
    match Sandbox::probe(Tier::Bubblewrap, &environment.passed()).await {
        Ok(sandbox) => Ok(format!("{}, tried out", sandbox.tier().name())),
        Err(missing) => Err((with_causes(&missing), format!("{}; {WITHOUT}", missing.fix()))),
    }
}
