//! What the process arranges with its machine before it computes: its threads, and the memory that steps free.
//!
//! Neither is needed: where the system has no such setting, or refuses it, everything is as it was, and slower.

/// To be called once, first thing, by the thread that will pull the stages.
pub fn prepare() {
    // The memory first, as long as there is only this thread.
    keep_freed_memory();
    compute_with_this_thread();
}

/// Makes this thread one of those that compute. Were they all others, it would go to sleep, and be woken, at every
/// operation: thousands of times a second.
fn compute_with_this_thread() {
    // Fails only where somebody has built the pool before: then that one serves.
    let _ = rayon::ThreadPoolBuilder::new().use_current_thread().build_global();
}

/// A step's temporaries are the size of the next step's. The C library would give each back to the system, which
/// clears every page before it hands it out again: a fifth of the time of a large step.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn keep_freed_memory() {
    /// The largest that the library takes from its heap instead of from the system; it allows no more.
    const LARGEST_IN_HEAP: i32 = 32 << 20;
    /// What may lie free at the end of the heap.
    const KEPT: i32 = 1 << 30;
    // SAFETY: sets two numbers of the allocator; `prepare` starts no other thread before, so none allocates.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST_IN_HEAP);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}

/// Other allocators keep what is freed by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_freed_memory() {}

/// Gives the kept memory back, so that what comes next is measured alone.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn give_back_freed_memory() {
    // SAFETY: gives back pages that hold nothing.
    unsafe { libc::malloc_trim(0) };
}

/// Nothing is kept by us.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back_freed_memory() {}
