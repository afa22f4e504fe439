//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(first) if first == tidegate::process::WARDEN => tidegate::process::warden_main(args),
        Some(first) if first == tidegate::check::RUNNER_MODE => {
            tidegate::check::test_runner_main(args, std::env::vars_os())
        }
        Some(first) if first == tidegate::mcp::MODE => tidegate::mcp::serve_main(std::env::var_os(tidegate::mcp::TRAY)),
        _ => tidegate::cli::run(std::env::args_os()),
    }
}
