//! OpenAssistant messages, one a record: `{"message_id","parent_id","message_tree_id","text","role","rank"}`.
//!
//! A tree can be read when all of its messages are there, so messages are held until the file ends, up to
//! [`HELD_BYTES`]. Beyond, the trees that nothing was added to for longest are taken as complete; the published files
//! store a tree's messages together, so nothing is lost there. A message that comes too late is left out by name.

use std::collections::{BTreeMap, HashMap};

use super::fields::Fields;
use super::oasst::{Node, Outcome, Parent, harvest};

/// How many bytes of messages are held at most.
pub const HELD_BYTES: usize = 64 << 20;

/// What a message costs beside its text.
const MESSAGE_BYTES: usize = 400;

/// The messages of trees that may still grow.
pub(super) struct Held {
    /// Messages without `message_tree_id` share one entry, the empty one.
    trees: HashMap<String, Tree>,
    /// The trees by the time at which something was added.
    by_touch: BTreeMap<u64, String>,
    clock: u64,
    bytes: usize,
    limit: usize,
}

#[derive(Default)]
struct Tree {
    nodes: Vec<Node>,
    bytes: usize,
    touched: u64,
}

impl Held {
    /// Holds up to `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { trees: HashMap::new(), by_touch: BTreeMap::new(), clock: 0, bytes: 0, limit }
    }

    /// Takes a message, and gives what came of the trees that had to go for it.
    pub(super) fn add(&mut self, mut fields: Fields, line: u64) -> Result<Vec<Outcome>, String> {
        let id = fields.label("message_id").ok_or_else(|| "`message_id` is missing".to_owned())?;
        let parent = fields.label("parent_id").map_or(Parent::None, Parent::Id);
        let node = Node::read(&mut fields, id, parent, line)?;
        let tree = node.extra.get("message_tree_id").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
        self.hold(tree, node);
        let mut outcomes = Vec::new();
        if self.bytes > self.limit {
            // To three quarters, so that not every message must look for a tree to let go.
            while self.bytes > self.limit / 4 * 3
                && let Some((_, tree)) = self.by_touch.pop_first()
            {
                outcomes.extend(self.release(&tree));
            }
        }
        Ok(outcomes)
    }

    /// What came of all trees that are still held, in the order of the file.
    pub(super) fn finish(&mut self) -> Vec<Outcome> {
        let by_touch = std::mem::take(&mut self.by_touch);
        let mut outcomes: Vec<Outcome> = by_touch.values().flat_map(|tree| self.release(tree)).collect();
        outcomes.sort_by_key(|outcome| outcome.line);
        outcomes
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn hold(&mut self, id: String, node: Node) {
        self.clock += 1;
        let bytes = node.message.content.len() + MESSAGE_BYTES;
        self.bytes += bytes;
        let tree = self.trees.entry(id.clone()).or_default();
        self.by_touch.remove(&tree.touched);
        self.by_touch.insert(self.clock, id);
        tree.touched = self.clock;
        tree.bytes += bytes;
        tree.nodes.push(node);
    }

    fn release(&mut self, id: &str) -> Vec<Outcome> {
        let tree = self.trees.remove(id).unwrap_or_default();
        self.bytes -= tree.bytes;
        harvest(tree.nodes)
    }
}
