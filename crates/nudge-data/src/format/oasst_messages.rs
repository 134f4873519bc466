//! OpenAssistant messages, one a record: `{"message_id","parent_id","message_tree_id","text","role","rank"}`.
//!
//! A tree can be read when all of its messages are there, so messages are [`Held`]. The published files store a tree's
//! messages together, so nothing is lost where memory runs short. A message that comes too late is left out by name.

use super::fields::Fields;
use super::held::Held;
use super::oasst::{Node, Outcome, Parent, harvest};

/// What a message costs beside its text.
const MESSAGE_BYTES: usize = 400;

/// Takes a message, and gives what came of the trees that had to go for it. Messages without `message_tree_id` share
/// one tree, the empty one.
pub(super) fn add(held: &mut Held<Node>, mut fields: Fields, line: u64) -> Result<Vec<Outcome>, String> {
    let id = fields.label("message_id").ok_or_else(|| "`message_id` is missing".to_owned())?;
    let parent = fields.label("parent_id").map_or(Parent::None, Parent::Id);
    let node = Node::read(&mut fields, id, parent, line)?;
    let tree = node.extra.get("message_tree_id").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
    let bytes = node.message.content.len() + MESSAGE_BYTES;
    Ok(held.add(tree, node, bytes).into_iter().flat_map(harvest).collect())
}

/// What came of all trees that are still held, in the order of the file.
pub(super) fn finish(held: &mut Held<Node>) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = held.finish().into_iter().flat_map(harvest).collect();
    outcomes.sort_by_key(|outcome| outcome.line);
    outcomes
}
