//! The command line: everything is in `presync::cli`.

/// A program is many small pieces, and the usual allocators take a sixth of the time of checking one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    presync::cli::main()
}
