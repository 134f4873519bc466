//! Records that belong together though they lie apart in their file.
//!
//! Whether a group is complete is known when the file ends, so groups are held until then, up to a number of bytes.
//! Beyond, the groups that nothing was added to for longest are taken as complete.

use std::collections::{BTreeMap, HashMap};

/// How many bytes of records are held at most.
pub const HELD_BYTES: usize = 64 << 20;

/// The groups that may still grow.
pub(super) struct Held<T> {
    groups: HashMap<String, Group<T>>,
    /// The groups by the time at which something was added.
    by_touch: BTreeMap<u64, String>,
    clock: u64,
    bytes: usize,
    limit: usize,
}

struct Group<T> {
    items: Vec<T>,
    bytes: usize,
    touched: u64,
}

impl<T> Held<T> {
    /// Holds up to `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { groups: HashMap::new(), by_touch: BTreeMap::new(), clock: 0, bytes: 0, limit }
    }

    /// Takes an item of so many bytes, and gives the groups that had to go for it.
    pub(super) fn add(&mut self, group: String, item: T, bytes: usize) -> Vec<Vec<T>> {
        self.hold(group, item, bytes);
        let mut complete = Vec::new();
        if self.bytes > self.limit {
            // To three quarters, so that not every item must look for a group to let go.
            while self.bytes > self.limit / 4 * 3
                && let Some((_, group)) = self.by_touch.pop_first()
            {
                complete.extend(self.release(&group));
            }
        }
        complete
    }

    /// All groups that are still held.
    pub(super) fn finish(&mut self) -> Vec<Vec<T>> {
        let by_touch = std::mem::take(&mut self.by_touch);
        by_touch.values().filter_map(|group| self.release(group)).collect()
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn hold(&mut self, id: String, item: T, bytes: usize) {
        self.clock += 1;
        self.bytes += bytes;
        let group =
            self.groups.entry(id.clone()).or_insert_with(|| Group { items: Vec::new(), bytes: 0, touched: self.clock });
        self.by_touch.remove(&group.touched);
        self.by_touch.insert(self.clock, id);
        group.touched = self.clock;
        group.bytes += bytes;
        group.items.push(item);
    }

    fn release(&mut self, id: &str) -> Option<Vec<T>> {
        let group = self.groups.remove(id)?;
        self.bytes -= group.bytes;
        Some(group.items)
    }
}
