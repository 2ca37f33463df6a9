//! Stack space for recursion: conditions and diagrams are as deep as the program makes them, up to the limits.

/// More than the deepest program within the limits needs, in bytes; only the used part takes memory.
const ROOM: usize = 256 << 20;

/// Runs `work` with enough stack space, no matter how much the caller's thread has left.
pub fn deep<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(ROOM / 2, ROOM, work)
}
