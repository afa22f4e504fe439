//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == tidegate::process::WARDEN) {
        return tidegate::process::warden_main(args);
    }
    ExitCode::SUCCESS
}
