//! OpenAssistant's message trees, however they were stored: which messages are sound, and what a tree teaches
//! (Köpf et al. 2023, arXiv 2304.07327).
//!
//! Each group of two or more assistant's replies with a `rank` (0 is best, equal ranks tie) is one ranking, whose
//! prompt is the conversation so far. A tree without such a group gives one conversation: from its root along the
//! best-ranked reply, else the first, to the last completion. Replies without a rank stand in no ranking.
//!
//! A message that is deleted, empty, out of place or repeated is left out by name, and so is everything said after it.
//! It lacks the reviewers' labels and emojis.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::fields::Fields;
use super::thread::LONGEST;
use super::{messages, ranking};
use crate::prompt::Prompt;
use crate::records::{Completion, ConversationRecord, Entry, RankingRecord};
use crate::template::Message;

/// Where a message hangs.
pub(super) enum Parent {
    /// It begins a tree.
    None,
    /// Below the message of this index.
    Index(usize),
    /// Below the message of this id.
    Id(String),
}

/// A message of a tree.
pub(super) struct Node {
    pub(super) id: String,
    pub(super) parent: Parent,
    pub(super) message: Message,
    /// 0 is the best of its siblings.
    pub(super) rank: Option<f64>,
    pub(super) line: u64,
    /// Why it can not be used, if that is known by itself.
    pub(super) unusable: Option<String>,
    /// What its ranking or conversation keeps: language and tree.
    pub(super) extra: Map<String, Value>,
}

impl Node {
    /// The message of these fields; where it hangs is the caller's to say.
    pub(super) fn read(fields: &mut Fields, id: String, parent: Parent, line: u64) -> Result<Self, String> {
        let text = fields.text("text")?;
        let role = messages::role(&fields.text("role")?)?;
        let rank = fields.optional_number("rank")?;
        let unusable = if fields.has("deleted") && fields.truth("deleted")? {
            Some("it was deleted".to_owned())
        } else {
            text.trim().is_empty().then(|| "its text is empty".to_owned())
        };
        let extra =
            ["message_tree_id", "lang"].into_iter().filter_map(|key| Some((key.to_owned(), fields.label(key)?.into())));
        let extra = extra.collect();
        Ok(Self { id, parent, message: Message { role: role.to_owned(), content: text }, rank, line, unusable, extra })
    }
}

/// What came of some messages.
pub(super) struct Outcome {
    pub(super) line: u64,
    /// How many messages it accounts for: every message is counted by exactly one outcome.
    pub(super) messages: u64,
    pub(super) result: Result<Entry, String>,
}

/// What the trees that these messages form teach, in the order of the messages.
pub(super) fn harvest(nodes: Vec<Node>) -> Vec<Outcome> {
    let forest = Forest::new(nodes);
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (node, problem) in forest.nodes.iter().zip(&forest.problems) {
        if let Some(problem) = problem {
            let result = Err(format!("message {:?} was left out: {problem}", super::fields::clip(&node.id, 60)));
            outcomes.push(Outcome { line: node.line, messages: 1, result });
        }
    }
    for &root in &forest.roots {
        if forest.problems[root].is_none() {
            outcomes.extend(forest.teach(root));
        }
    }
    outcomes.sort_by_key(|outcome| outcome.line);
    outcomes
}

struct Forest {
    nodes: Vec<Node>,
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    /// Where a walk begins: messages without a parent, and those whose parent is missing.
    roots: Vec<usize>,
    problems: Vec<Option<String>>,
}

impl Forest {
    fn new(mut nodes: Vec<Node>) -> Self {
        let problems = nodes.iter_mut().map(|node| node.unusable.take()).collect();
        let count = nodes.len();
        let mut forest =
            Self { nodes, parents: vec![None; count], children: vec![Vec::new(); count], roots: Vec::new(), problems };
        forest.link();
        forest.judge();
        forest
    }

    /// Finds every message's parent and children.
    fn link(&mut self) {
        let mut by_id: HashMap<&str, usize> = HashMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            if let Some(first) = by_id.get(node.id.as_str()) {
                let line = self.nodes[*first].line;
                self.problems[index] = Some(format!("its id was used before, by a message of line {line}"));
            } else {
                by_id.insert(&node.id, index);
            }
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let parent = match &node.parent {
                Parent::None => None,
                Parent::Index(parent) => Some(*parent),
                Parent::Id(id) => {
                    let parent = by_id.get(id.as_str()).copied();
                    if parent.is_none() {
                        self.problems[index].get_or_insert_with(|| "its parent is not in the file".to_owned());
                    }
                    parent
                }
            };
            self.parents[index] = parent;
            match parent {
                Some(parent) => self.children[parent].push(index),
                None => self.roots.push(index),
            }
        }
    }

    /// Carries every problem to the messages below it; what no root reaches is a circle.
    fn judge(&mut self) {
        let mut reached = vec![false; self.nodes.len()];
        let mut waiting: Vec<(usize, usize)> = self.roots.iter().map(|&root| (root, 1)).collect();
        while let Some((index, depth)) = waiting.pop() {
            reached[index] = true;
            if depth > LONGEST {
                self.problems[index].get_or_insert_with(|| format!("more than {LONGEST} messages stand before it"));
            }
            for &child in &self.children[index] {
                if self.problems[index].is_some() {
                    self.problems[child].get_or_insert_with(|| "a message before it was left out".to_owned());
                }
                waiting.push((child, depth + 1));
            }
        }
        for (problem, _) in self.problems.iter_mut().zip(reached).filter(|(_, reached)| !reached) {
            problem.get_or_insert_with(|| "its parents go round in a circle".to_owned());
        }
    }

    fn sound_children(&self, index: usize) -> impl Iterator<Item = usize> {
        self.children[index].iter().copied().filter(|&child| self.problems[child].is_none())
    }

    /// The rankings of a tree, or else its best conversation, or else why there is neither.
    fn teach(&self, root: usize) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut sound = 0;
        let mut waiting = vec![root];
        while let Some(index) = waiting.pop() {
            sound += 1;
            outcomes.extend(self.ranking_of_replies(index).map(|result| Outcome {
                line: self.nodes[index].line,
                messages: 0,
                result,
            }));
            waiting.extend(self.sound_children(index).collect::<Vec<_>>().into_iter().rev());
        }
        if outcomes.is_empty() {
            outcomes.push(Outcome { line: self.nodes[root].line, messages: 0, result: self.best_conversation(root) });
        }
        // An entry accounts for the messages if there is one.
        let entry = outcomes.iter().position(|outcome| outcome.result.is_ok()).unwrap_or(0);
        outcomes[entry].messages = sound;
        outcomes
    }

    /// The conversation from the root to this message.
    fn conversation(&self, index: usize) -> Vec<Message> {
        let path = std::iter::successors(Some(index), |&index| self.parents[index]);
        let mut messages: Vec<Message> = path.map(|index| self.nodes[index].message.clone()).collect();
        messages.reverse();
        messages
    }

    fn ranking_of_replies(&self, index: usize) -> Option<Result<Entry, String>> {
        let ranked = self.sound_children(index).filter(|&child| self.nodes[child].message.role == "assistant");
        let ranked: Vec<(Completion, f64)> = ranked
            .filter_map(|child| {
                let node = &self.nodes[child];
                let extra = Map::from_iter([("message_id".to_owned(), node.id.as_str().into())]);
                Some((Completion { extra, ..Completion::from_text(node.message.content.as_str()) }, node.rank?))
            })
            .collect();
        if ranked.len() < 2 {
            return None;
        }
        let node = &self.nodes[index];
        let prompt = Prompt::Messages(self.conversation(index));
        let checked = prompt.check().and_then(|()| {
            let (completions, ranking) = ranking::by_place(ranked);
            let (id, extra) = (node.id.clone(), node.extra.clone());
            ranking::checked(RankingRecord {
                id,
                prompt,
                completions,
                ranking,
                labeler: None,
                seconds: None,
                edit: None,
                extra,
            })
        });
        Some(checked.map_err(|reason| format!("the ranked replies to message {:?}: {reason}", node.id)))
    }

    fn best_conversation(&self, root: usize) -> Result<Entry, String> {
        let mut last_completion = None;
        let mut at = Some(root);
        while let Some(index) = at {
            if self.nodes[index].message.role == "assistant" {
                last_completion = Some(index);
            }
            let place = |child: &usize| self.nodes[*child].rank.unwrap_or(f64::INFINITY);
            at = self.sound_children(index).min_by(|a, b| place(a).total_cmp(&place(b)));
        }
        let Some(last) = last_completion else {
            return Err(format!("no assistant answers in the tree of message {:?}", self.nodes[root].id));
        };
        let (messages, extra) = (self.conversation(last), self.nodes[root].extra.clone());
        Ok(Entry::Conversation(ConversationRecord { messages, task: None, split: None, extra }))
    }
}
