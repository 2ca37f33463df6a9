//! Room for recursion: conditions and diagrams are as deep as the program makes them, up to its limits.

/// As much as the deepest program within the limits needs, with room to spare; only what is used takes memory.
const ROOM: usize = 256 << 20;

/// Does something on a stack that has room for it, whatever the caller's thread has left.
pub fn deep<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(ROOM / 2, ROOM, work)
}
