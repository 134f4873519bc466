//! OpenAssistant trees, one a record: `{"message_tree_id","prompt":{"text","role","replies":[…]}}`, or the prompt by
//! itself.
//!
//! What a tree teaches is the business of [`oasst`](super::oasst).

use serde_json::Value;

use super::fields::Fields;
use super::oasst::{Node, Outcome, Parent, harvest};

/// What one tree gives; the first outcome accounts for the record.
pub(super) fn read(mut fields: Fields, line: u64) -> Result<Vec<Outcome>, String> {
    let tree = fields.label("message_tree_id");
    let root = if fields.has("prompt") { fields.value("prompt")? } else { Value::Object(fields.rest()) };
    let mut nodes: Vec<Node> = Vec::new();
    let mut waiting = vec![(root, Parent::None)];
    while let Some((value, parent)) = waiting.pop() {
        let mut fields = Fields::new(value).map_err(|reason| format!("a message of the tree: {reason}"))?;
        let replies = if fields.has("replies") { fields.list("replies")? } else { Vec::new() };
        let id = fields
            .label("message_id")
            .unwrap_or_else(|| format!("{}/{}", tree.as_deref().unwrap_or("tree"), nodes.len()));
        let misplaced = misplaced(&mut fields, &parent, &nodes);
        let mut node =
            Node::read(&mut fields, id, parent, line).map_err(|reason| format!("a message of the tree: {reason}"))?;
        node.unusable = node.unusable.or(misplaced);
        if let Some(tree) = &tree {
            node.extra.insert("message_tree_id".to_owned(), tree.as_str().into());
        }
        let index = nodes.len();
        nodes.push(node);
        waiting.extend(replies.into_iter().rev().map(|reply| (reply, Parent::Index(index))));
    }
    Ok(harvest(nodes))
}

/// What is wrong if the message names another parent than the one it hangs below.
fn misplaced(fields: &mut Fields, parent: &Parent, nodes: &[Node]) -> Option<String> {
    let named = fields.label("parent_id")?;
    let above = match parent {
        Parent::Index(index) => nodes[*index].id.as_str(),
        _ => "nothing",
    };
    (named != above).then(|| format!("it names {named:?} as its parent, but hangs below {above:?}"))
}
