//! A `claude` of our own, first on PATH: a shell script that prints one session in the form of Claude Code's stream.

use crate::space::{Said, Space, said};
use std::{ffi::OsString, fs, os::unix::fs::PermissionsExt, process::Command};

/// What it says before and after its work. What the work sets counts: `cost` in dollars, and `text`, which is its last message.
const SESSION: &str = r#"#!/bin/sh
set -eu
if [ "$*" = --version ]; then echo '2.1.329 (Claude Code)'; exit; fi
cat > /dev/null
session=none cost=0.25 text='It is done.'
for argument; do case $argument in --session-id=* | --resume=*) session=${argument#*=} ;; esac; done
printf '{"type":"system","subtype":"init","session_id":"%s","apiKeySource":"none","claude_code_version":"2.1.329"}\n' "$session"
said() {
    printf '{"type":"assistant","message":{"model":"m","content":[{"type":"text","text":"%s"}]},"parent_tool_use_id":null}\n' "$1"
}
WORK
said "$text"
printf '{"type":"result","subtype":"success","is_error":false,"result":"%s","session_id":"%s","total_cost_usd":%s,' "$text" "$session" "$cost"
printf '"usage":{"input_tokens":1000,"cache_read_input_tokens":100,"output_tokens":50},'
printf '"modelUsage":{"m":{"inputTokens":1000,"cacheReadInputTokens":100,"outputTokens":50}}}\n'
"#;

/// Puts it beside the repository. Its work is a shell script in the workspace, in which `said TEXT` says something.
pub fn install(space: &Space, work: &str) {
    let bin = space.beside("bin");
    fs::create_dir_all(&bin).expect("a folder is made");
    let program = bin.join("claude");
    fs::write(&program, SESSION.replace("WORK", work)).expect("a script is written");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("it becomes a program");
}

/// The binary with these arguments, which finds it first; not yet started.
pub fn tidegate(space: &Space, args: &[&str]) -> Command {
    let mut path = OsString::from(space.beside("bin"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = space.tidegate(args);
    command.env("PATH", path);
    command
}

/// Runs the binary to its end.
#[track_caller]
pub fn run(space: &Space, args: &[&str]) -> Said {
    said(&tidegate(space, args).output().expect("the binary runs"))
}
