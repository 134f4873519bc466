//! Demonstrations mined from raw stories by rule, so that any story text teaches what an instruction asks for.
//!
//! A rule finds the fields of a task in one story: a passage, who is named in it, the words after a cut. What the
//! fields say is so by construction, and where they are text they are the story's own. A rule that is not sure finds
//! nothing: there are many stories. Wordings are the tasks' ([`crate::task`]). It lacks any judgement of quality.

mod continuation;
mod editing;
mod reading;
mod stories;

use crate::records::DemonstrationRecord;
use crate::rng::Rng;
use crate::story::{Sentence, Story, stories_of};
use crate::task::slots::{Field, Fields};
use crate::task::{Deck, Source, Task, built_in_tasks, check_of};

/// A named way to find a task's fields in a story.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name in task files.
    pub name: &'static str,
    /// The fields it finds.
    pub fields: &'static [&'static str],
    find: fn(&Story, &mut Rng) -> Option<Fields>,
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Rule {
    /// The rule of that name.
    ///
    /// # Errors
    ///
    /// That there is none, and which there are.
    pub fn named(name: &str) -> Result<&'static Self, String> {
        let names = || rules().map(|rule| rule.name).collect::<Vec<_>>().join(", ");
        rules()
            .find(|rule| rule.name == name)
            .ok_or_else(|| format!("key `rule`: no mining rule is named {name:?}; there are {}", names()))
    }

    /// The fields that the rule finds in a story; where it could choose, `rng` does.
    pub fn find(&self, story: &Story, rng: &mut Rng) -> Option<Fields> {
        (self.find)(story, rng)
    }
}

/// Every rule.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [stories::RULES, continuation::RULES, reading::RULES, editing::RULES].into_iter().flatten()
}

/// Every demonstration of the tasks that the stories of `text` give: at most one a story and task, in random order.
///
/// `text` holds records that end with `<|endoftext|>`. Templates are drawn evenly within a task. Tasks whose fields
/// come from records give none. The same text, tasks and seed give the same demonstrations.
pub fn mine(text: &str, tasks: &[Task], split: &str, seed: u64) -> Vec<DemonstrationRecord> {
    let mut rng = Rng::new(seed);
    let mut templates: Vec<Deck> = tasks.iter().map(|task| Deck::new(task.templates.len())).collect();
    let mut mined = Vec::new();
    for (index, story) in stories_of(text).iter().enumerate() {
        // A stream a story and task: a task more or less leaves the draws of the others as they are.
        let mut story_rng = Rng::with_stream(seed, index as u64);
        for (task, templates) in tasks.iter().zip(&mut templates) {
            let Source::Stories(rule) = task.source else { continue };
            let found = rule.find(story, &mut Rng::with_stream(story_rng.next_u64(), 0));
            let made = found.map(|fields| task.demonstration(&fields, templates.draw(&mut rng), split));
            mined.extend(made.filter(keeps_its_own_rule));
        }
    }
    rng.shuffle(&mut mined);
    mined
}

/// At most `limit` demonstrations of the built-in tasks, for training; see [`mine`].
pub fn mine_demonstrations(text: &str, limit: usize, seed: u64) -> Vec<DemonstrationRecord> {
    let mut mined = mine(text, built_in_tasks(), "train", seed);
    mined.truncate(limit);
    mined
}

/// What a model is judged by must hold for what it is shown.
fn keeps_its_own_rule(record: &DemonstrationRecord) -> bool {
    matches!(check_of(record), Ok(Some(check)) if check.passes(&record.completion, true))
}

fn fields<const N: usize>(fields: [(&str, Field); N]) -> Option<Fields> {
    Some(fields.into_iter().map(|(name, field)| (name.to_owned(), field)).collect())
}

/// The indices of the sentences that fit, in random order.
fn candidates(story: &Story, rng: &mut Rng, fits: impl Fn(&Sentence) -> bool) -> Vec<usize> {
    let mut found: Vec<usize> = (0..story.sentences.len()).filter(|&index| fits(&story.sentences[index])).collect();
    rng.shuffle(&mut found);
    found
}

/// One of the items.
fn drawn<T: Clone>(items: &[T], rng: &mut Rng) -> Option<T> {
    (!items.is_empty()).then(|| items[rng.below(items.len())].clone())
}

#[cfg(test)]
#[path = "mine_tests.rs"]
mod tests;
