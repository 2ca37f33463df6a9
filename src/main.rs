//! The command line: everything is in `presync::cli`.

fn main() -> std::process::ExitCode {
    presync::cli::main()
}
