//! The command line: everything is in `presync::cli`.

/// A program is many small pieces, made and dropped on a thread that is not the main one: glibc is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    presync::cli::main()
}
