//! The output of a short-lived program of ours (git): started directly, waited for, and held in memory.

use super::lookup;
use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::Command,
};

/// A program of ours and what it is given. It inherits nothing.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Looked up in `env`'s `PATH`.
    pub program: &'a OsStr,
    /// Its arguments.
    pub args: &'a [OsString],
    /// Where it runs.
    pub cwd: &'a Path,
    /// Its whole environment.
    pub env: &'a [(OsString, OsString)],
    /// What it reads.
    pub stdin: &'a [u8],
    /// Wall time in all.
    pub total: Duration,
    /// Bytes of output; more is an error.
    pub output_bytes: usize,
}

/// What a program said, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its exit code, or 128 and the number of the signal.
    pub code: i32,
    /// All of what it said.
    pub stdout: Vec<u8>,
    /// The beginning of its errors.
    pub stderr: Vec<u8>,
}

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// It could not be started, or not be talked to.
    #[error("{program} could not be run")]
    Io {
        /// Which program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It was out of time, and was ended.
    #[error("{program} took longer than {} s", total.as_secs())]
    TimedOut {
        /// Which program.
        program: String,
        /// How long it might take.
        total: Duration,
    },
    /// It said more than may be held in memory, and was ended.
    #[error("{program} said more than {bytes} bytes")]
    TooMuch {
        /// Which program.
        program: String,
        /// How many it might say.
        bytes: usize,
    },
}

/// How a program ends that SIGINT ended.
const INTERRUPTED: i32 = 128 + 2;

/// Errors kept.
const STDERR_BYTES: usize = 64 * 1024;

/// Runs it to its end. Dropping the future kills it; its own children, if any, are not looked after.
///
/// # Errors
/// When it cannot be run, takes too long or says too much. That it failed is no error here: see [`Output::code`].
pub async fn output(call: Call<'_>) -> Result<Output, OutputError> {
    let program = || call.program.to_string_lossy().into_owned();
    let run = tokio::time::timeout(call.total, uninterrupted(call)).await;
    match run.map_err(|_| OutputError::TimedOut { program: program(), total: call.total })? {
        Ok(Some(output)) => Ok(output),
        Ok(None) => Err(OutputError::TooMuch { program: program(), bytes: call.output_bytes }),
        Err(source) => Err(OutputError::Io { program: program(), source }),
    }
}

/// A ^C at the terminal is for us to hear, and reaches a child that has not left our group yet all the same: it is begun again.
async fn uninterrupted(call: Call<'_>) -> io::Result<Option<Output>> {
    const TIMES: u32 = 3;
    for _ in 1..TIMES {
        match run(call).await? {
            Some(Output { code: INTERRUPTED, .. }) => {}
            ended => return Ok(ended),
        }
    }
    run(call).await
}

async fn run(call: Call<'_>) -> io::Result<Option<Output>> {
    let mut command = Command::new(lookup::find(call.program, call.cwd, call.env)?);
    command.args(call.args).current_dir(call.cwd).env_clear().kill_on_drop(true);
    // Out of reach of a ^C at the terminal, which would end it in the middle of a landing.
    command.process_group(0);
    command.envs(call.env.iter().map(|(name, value)| (name, value)));
    command.stdin(if call.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // One that does not read all of it says by its exit code whether that was wrong.
            let _ = stdin.write_all(call.stdin).await;
        }
        io::Result::Ok(())
    };
    let errors = async {
        let mut said = Vec::new();
        if let Some(mut pipe) = stderr {
            (&mut pipe).take(STDERR_BYTES as u64).read_to_end(&mut said).await?;
            tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
        }
        io::Result::Ok(said)
    };
    // Together, since a full pipe on one side would wait for the other for ever.
    let ((), said, errors) = tokio::try_join!(write, bounded(stdout, call.output_bytes), errors)?;
    let Some(stdout) = said else { return Ok(None) };
    let status = child.wait().await?;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(Some(Output { code, stdout, stderr: errors }))
}

/// All of it, or none when it is more than `bytes`.
async fn bounded(pipe: Option<impl AsyncRead + Unpin>, bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let mut said = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(bytes as u64 + 1).read_to_end(&mut said).await?;
    }
    Ok((said.len() <= bytes).then_some(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str, stdin: &[u8], total: Duration, output_bytes: usize) -> Result<Output, OutputError> {
        let args = ["-c".into(), script.into()];
        let call =
            Call { program: "sh".as_ref(), args: &args, cwd: "/".as_ref(), env: &[], stdin, total, output_bytes };
        output(call).await
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn what_is_said_is_held_and_nothing_is_inherited() {
        let input = vec![b'x'; 300_000];
        let said = sh("cat; echo oops >&2; exit 3", &input, LONG, 1 << 20).await.unwrap();
        assert_eq!(said, Output { code: 3, stdout: input, stderr: b"oops\n".to_vec() });
        let said = sh("echo $HOME$CARGO_MANIFEST_DIR; kill -9 $$", b"", LONG, 10).await.unwrap();
        assert_eq!((said.code, said.stdout), (137, b"\n".to_vec()));
    }

    #[tokio::test]
    async fn one_that_an_interrupt_ended_is_begun_again_and_not_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        // Whoever runs the tests may have been started with interrupts ignored.
        let ends = "exec env --default-signal=INT sh -c 'kill -INT $$'";
        let once = format!("cat; test -e {0} || {{ : > {0}; {ends}; }}", dir.path().join("seen").display());
        let said = sh(&once, b"input", LONG, 10).await.unwrap();
        assert_eq!((said.code, said.stdout), (0, b"input".to_vec()));
        assert_eq!(sh(ends, b"", LONG, 10).await.unwrap().code, INTERRUPTED);
    }

    #[tokio::test]
    async fn one_that_takes_too_long_or_says_too_much_is_an_error() {
        let endless = sh("while :; do echo yes; done", b"", LONG, 1000).await;
        assert!(matches!(endless, Err(OutputError::TooMuch { bytes: 1000, .. })), "{endless:?}");
        let silent = sh("sleep 60", b"", Duration::from_millis(20), 10).await;
        assert!(matches!(silent, Err(OutputError::TimedOut { .. })), "{silent:?}");
    }
}
