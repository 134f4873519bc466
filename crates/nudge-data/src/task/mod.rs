//! Instruction-tuning tasks: where their fields come from, how they are asked in many wordings, how a completion is
//! judged.
//!
//! FLAN (Wei et al. 2021, section 2.1) writes up to ten templates a task, some of them turned around: the question
//! becomes the completion. Tasks of one kind form a cluster, so that whole kinds can be held out. The definitions are
//! TOML; those in `tasks/` are built in, and a user's file is read the same way. It lacks the mining of fields from
//! stories ([`crate::mine`]) and the mixing of tasks ([`crate::mixture`]).

pub mod check;
pub mod definition;
pub mod slots;

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::error::DataError;
use crate::mine::Rule;
use crate::records::DemonstrationRecord;
use crate::rng::Rng;
pub use check::Check;
pub use definition::read_tasks;
pub use slots::{Field, Fields};

/// A kind of instruction.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its name, which its records carry as `task`.
    pub name: String,
    /// The tasks that are like it.
    pub cluster: String,
    /// What is asked, for people.
    pub description: String,
    /// Where its fields come from.
    pub source: Source,
    /// Its wordings.
    pub templates: Vec<Template>,
}

/// Where a task's fields come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A rule over raw stories.
    Stories(&'static Rule),
    /// Keys of the user's own records, with texts or lists of texts.
    Records(Vec<String>),
}

/// One wording of a task, with slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// What is asked.
    pub prompt: String,
    /// The completion.
    pub completion: String,
    /// How a completion is judged.
    pub check: Check,
}

/// Draws templates evenly: each once, in random order, before any comes again.
#[derive(Debug, Clone)]
pub(crate) struct Deck {
    cards: Vec<usize>,
    next: usize,
}

impl Task {
    /// The names of the fields that its templates may use.
    pub fn fields(&self) -> Vec<&str> {
        match &self.source {
            Source::Stories(rule) => rule.fields.to_vec(),
            Source::Records(fields) => fields.iter().map(String::as_str).collect(),
        }
    }

    /// The demonstration that template number `template` makes of `fields`.
    ///
    /// `extra` holds `cluster`, `template` and `check`, the rule with its words filled in.
    ///
    /// # Panics
    ///
    /// If there is no such template.
    pub fn demonstration(&self, fields: &Fields, template: usize, split: &str) -> DemonstrationRecord {
        let Template { prompt, completion, check } = &self.templates[template];
        let check = check.map(|text| slots::fill_each(text, fields));
        let mut extra = Map::new();
        extra.insert("cluster".to_owned(), self.cluster.clone().into());
        extra.insert("template".to_owned(), template.into());
        extra.insert("check".to_owned(), serde_json::to_value(check).unwrap_or_default());
        DemonstrationRecord {
            prompt: slots::fill(prompt, fields).into(),
            completion: slots::fill(completion, fields),
            task: Some(self.name.clone()),
            split: Some(split.to_owned()),
            extra,
        }
    }

    /// A demonstration of each of the user's records, templates drawn evenly by `seed`.
    ///
    /// # Errors
    ///
    /// [`DataError::Task`] for a record that lacks a field, or whose field is neither text nor a list of texts.
    pub fn demonstrations(
        &self,
        records: &[Map<String, Value>],
        split: &str,
        seed: u64,
    ) -> Result<Vec<DemonstrationRecord>, DataError> {
        let mut rng = Rng::new(seed);
        let mut deck = Deck::new(self.templates.len());
        let numbered = records.iter().enumerate();
        let made = numbered.map(|(index, record)| {
            let fields = self.fields_of(record).map_err(|reason| DataError::Task {
                source_name: format!("record {}", index + 1),
                task: self.name.clone(),
                reason,
            })?;
            Ok(self.demonstration(&fields, deck.draw(&mut rng), split))
        });
        made.collect()
    }

    fn fields_of(&self, record: &Map<String, Value>) -> Result<Fields, String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let field = |value: &Value| match value {
            Value::String(text) => Some(Field::Text(text.clone())),
            Value::Number(number) => Some(Field::Text(number.to_string())),
            Value::Array(items) => items.iter().map(text).collect::<Option<_>>().map(Field::List),
            _ => None,
        };
        let found = self.fields().into_iter().map(|name| {
            let value =
                record.get(name).ok_or_else(|| format!("it has no key `{name}`; the task's templates need it"))?;
            let wrong = || format!("key `{name}` is neither a text nor a list of texts");
            Ok((name.to_owned(), field(value).ok_or_else(wrong)?))
        });
        found.collect()
    }
}

/// The rule that a record carries, if any.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_of(record: &DemonstrationRecord) -> Result<Option<Check>, String> {
    let check = record.extra.get("check").map(|check| serde_json::from_value(check.clone()));
    check.transpose().map_err(|cause| format!("`check` can not be read: {cause}"))
}

/// The built-in tasks, all of which are mined from stories.
pub fn built_in_tasks() -> &'static [Task] {
    static TASKS: LazyLock<Vec<Task>> = LazyLock::new(|| {
        let read = |(name, text): (&str, &str)| read_tasks(name, text).expect("the built-in tasks are tested");
        FILES.into_iter().flat_map(read).collect()
    });
    &TASKS
}

const FILES: [(&str, &str); 6] = [
    ("stories.toml", include_str!("../../tasks/stories.toml")),
    ("continuation.toml", include_str!("../../tasks/continuation.toml")),
    ("reading.toml", include_str!("../../tasks/reading.toml")),
    ("turned_around.toml", include_str!("../../tasks/turned_around.toml")),
    ("editing.toml", include_str!("../../tasks/editing.toml")),
    ("lists.toml", include_str!("../../tasks/lists.toml")),
];

impl Deck {
    pub(crate) fn new(cards: usize) -> Self {
        Self { cards: (0..cards).collect(), next: cards }
    }

    /// The next card; a new round is shuffled first.
    pub(crate) fn draw(&mut self, rng: &mut Rng) -> usize {
        if self.next == self.cards.len() {
            rng.shuffle(&mut self.cards);
            self.next = 0;
        }
        self.next += 1;
        self.cards[self.next - 1]
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
