//! The allocator of qnn's programs: mimalloc, and an orderly end where there is no more memory.
//!
//! Rust ends a process by a signal then, without a word for the user. What is decided by then is on the screen and in the store; what is left to do is
//! to say why the process ends, without allocating anything, and to end it with the exit code for that.

#![allow(unsafe_code, reason = "an allocator can't be written without; each call is handed on as it is")]

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code of a process that is out of memory.
const OUT_OF_MEMORY: i32 = 4;

/// Mimalloc, whose failures end the process.
pub struct Allocator;

// SAFETY: every call goes to mimalloc with the caller's arguments, and its result, unless it is null, to the caller.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        given(unsafe { MiMalloc.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        given(unsafe { MiMalloc.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's.
        given(unsafe { MiMalloc.realloc(pointer, layout, size) }, size)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }
}

#[inline]
fn given(pointer: *mut u8, bytes: usize) -> *mut u8 {
    if pointer.is_null() {
        out_of_memory(bytes);
    }
    pointer
}

/// Whether verdicts are remembered as they are decided.
static REMEMBERED: AtomicBool = AtomicBool::new(false);

/// Says that verdicts are remembered from now on, for what is said where memory ends.
pub fn remembers() {
    REMEMBERED.store(true, Ordering::Relaxed);
}

/// What is said where memory ends.
fn words(out: &mut impl Write, bytes: usize, remembered: bool) -> std::io::Result<()> {
    let kept = match remembered {
        true => "what was decided is remembered, so that the next run goes on from there",
        false => "nothing of this run is remembered",
    };
    let mebibytes = (bytes >> 20).max(1);
    write!(
        out,
        "\nerror: out of memory: {mebibytes} MiB more are needed and can't be had\n  help: `--jobs 1` takes less, and so does a smaller `--memory`; {kept}\n"
    )
}

#[cold]
fn out_of_memory(bytes: usize) -> ! {
    // On the stack: nothing can be allocated any more.
    let mut text = [0u8; 320];
    let mut rest = &mut text[..];
    let _ = words(&mut rest, bytes, REMEMBERED.load(Ordering::Relaxed));
    let left = rest.len();
    let used = text.len() - left;
    let _ = std::io::stderr().write_all(&text[..used]);
    exit()
}

#[cfg(unix)]
fn exit() -> ! {
    // SAFETY: it never returns, and runs no destructors, which other threads' data would not survive.
    unsafe { libc::_exit(OUT_OF_MEMORY) }
}

#[cfg(not(unix))]
fn exit() -> ! {
    std::process::exit(OUT_OF_MEMORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest words fit their place on the stack, and say only what is so.
    #[test]
    fn words_are_true() {
        for (remembered, kept) in
            [(true, "what was decided is remembered"), (false, "nothing of this run is remembered")]
        {
            let mut text = Vec::new();
            words(&mut text, usize::MAX, remembered).unwrap();
            assert!(text.len() <= 320 && text.ends_with(b"\n"));
            assert!(String::from_utf8(text).unwrap().contains(kept));
        }
    }
}
