//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|mode| mode == tidegate::check::RUNNER_MODE) {
        return tidegate::check::test_runner_main(args, std::env::vars_os());
    }
    ExitCode::SUCCESS
}
