//! Simulated labelers: rules over text that rank completions in a person's place, for demos, tests and measurements.
//!
//! Each rule gives a completion a number; completions are ranked by it, equal numbers tie. Rules for the built-in story
//! model (`story.rs`) look at the completion alone. Those that a person at work might hold (`customer_reply.rs`,
//! `three_bullets.rs`, `plain_product.rs`) read the prompt too, because a completion that says nothing of what was
//! asked is no good however well it is put; `tests/workflows` has prompts for them. Every place that shows a simulated
//! ranking says so. Deliberately absent: people, models.

mod customer_reply;
mod plain_product;
mod story;
pub(crate) mod text;
mod three_bullets;

use crate::SessionError;
use nudge_data::RankingRecord;
use serde::Serialize;

/// What a shell shows of a labeler.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LabelerInfo {
    /// Its name in commands.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// The rule, in words.
    pub rule: String,
}

/// A rule over text.
#[derive(Clone, Copy)]
pub struct Labeler {
    /// Its name in commands.
    pub name: &'static str,
    title: &'static str,
    rule: &'static str,
    score: Score,
}

/// How a rule comes to its number.
#[derive(Clone, Copy)]
enum Score {
    /// From the completion of a story.
    Story(fn(&str) -> f32),
    /// From a prompt of work and its completion.
    Work(fn(&str, &str) -> f32),
}

const ALL: [Labeler; 8] = [
    Labeler {
        name: "happier",
        title: "Happier",
        rule: "Counts happy words (happy, smile, laugh, love, fun, hug, ...) and subtracts sad ones (sad, cry, afraid, hurt, ...). More is better.",
        score: Score::Story(story::happiness),
    },
    Labeler {
        name: "shorter",
        title: "Shorter",
        rule: "Fewer words are better, counted up to 99. An answer without any word counts as 100.",
        score: Score::Story(story::brevity),
    },
    Labeler {
        name: "mentions_an_animal",
        title: "Mentions an animal",
        rule: "Counts the different animals that are named, up to two. More is better.",
        score: Score::Story(story::animals),
    },
    Labeler {
        name: "more_dialogue",
        title: "More dialogue",
        rule: "Counts the words between double quotes, up to 40. More is better.",
        score: Score::Story(story::dialogue),
    },
    Labeler {
        name: "no_repetition",
        title: "No repetition",
        rule: "Counts words that were said before in the same answer, up to 99. Fewer is better. An answer of fewer than five words counts as 100.",
        score: Score::Story(story::freshness),
    },
    Labeler {
        name: "customer_reply",
        title: "Replies to customers",
        rule: "At most 60 words, a greeting by name, an apology where the customer complains and nowhere else, no gaps \
               like [Name], no talk of being a machine; speaks of what the customer wrote, in other words, without \
               repeating itself. Points of ten.",
        score: Score::Work(customer_reply::customer_reply),
    },
    Labeler {
        name: "three_bullets",
        title: "Three bullet points",
        rule: "Three bullet points of at most 20 words, nothing beside them; most of what the notes say and nothing that \
               they do not say, without repeating itself. Points of ten.",
        score: Score::Work(three_bullets::three_bullets),
    },
    Labeler {
        name: "plain_product",
        title: "Plain product descriptions",
        rule: "No superlatives and no words of advertising; the facts that were given, in other words, no other numbers; \
               20 to 70 words, without repeating itself. Points of ten.",
        score: Score::Work(plain_product::plain_product),
    },
];

/// All simulated labelers.
pub fn all() -> &'static [Labeler] {
    &ALL
}

/// Those that fit the built-in model and its prompts.
pub fn of_stories() -> impl Iterator<Item = &'static Labeler> {
    ALL.iter().filter(|labeler| matches!(labeler.score, Score::Story(_)))
}

/// Those that read the prompt too.
pub fn of_work() -> impl Iterator<Item = &'static Labeler> {
    ALL.iter().filter(|labeler| matches!(labeler.score, Score::Work(_)))
}

impl Labeler {
    /// The labeler called `name`; underscores, hyphens, spaces and capitals do not matter.
    pub fn find(name: &str) -> Result<Self, SessionError> {
        let wanted = name.to_lowercase().replace([' ', '-'], "_");
        ALL.iter().find(|labeler| labeler.name == wanted).copied().ok_or_else(|| SessionError::UnknownLabeler {
            name: name.into(),
            known: ALL.map(|labeler| labeler.name).join(", "),
        })
    }

    /// What a shell shows.
    pub fn info(&self) -> LabelerInfo {
        LabelerInfo { name: self.name.into(), title: self.title.into(), rule: self.rule.into() }
    }

    /// The rule's number for a completion of a prompt; more is better.
    pub fn score(&self, prompt: &str, completion: &str) -> f32 {
        match self.score {
            Score::Story(score) => score(completion),
            Score::Work(score) => score(prompt, completion),
        }
    }

    /// Groups of indices into `completions` of a prompt, best first, equal scores tied.
    pub fn rank(&self, prompt: &str, completions: &[&str]) -> Vec<Vec<usize>> {
        let scores: Vec<f32> = completions.iter().map(|completion| self.score(prompt, completion)).collect();
        let mut order: Vec<usize> = (0..completions.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for index in order {
            match groups.last_mut() {
                Some(group) if scores[group[0]] == scores[index] => group.push(index),
                _ => groups.push(vec![index]),
            }
        }
        groups
    }

    /// A candidates or ranking record, ranked, with `labeler` set to `simulated:<name>`.
    pub fn label(&self, mut record: RankingRecord) -> RankingRecord {
        let texts: Vec<&str> = record.completions.iter().map(|completion| completion.text.as_str()).collect();
        record.ranking = self.rank(&record.prompt.to_string(), &texts);
        record.labeler = Some(format!("simulated:{}", self.name));
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(name: &str, completions: &[&str]) -> Vec<usize> {
        Labeler::find(name).unwrap().rank("", completions).remove(0)
    }

    #[test]
    fn each_rule_prefers_what_it_says() {
        assert_eq!(best("happier", &["Tom was sad and cried.", "Tom smiled. He was happy."]), [1]);
        assert_eq!(best("shorter", &["A dog ran far away.", "A dog ran.", ""]), [1]);
        assert_eq!(
            best("mentions an animal", &["The boy ran.", "The puppies' mom saw a dog.", "A cat and a dog."]),
            [2]
        );
        assert_eq!(best("more-dialogue", &["He said yes.", "He said, \"Yes, I will.\""]), [1]);
        assert_eq!(
            best("no_repetition", &["He ran and he ran and he ran and he ran.", "He ran home to eat a red apple."]),
            [1]
        );
    }

    #[test]
    fn equal_scores_tie_and_every_completion_is_ranked_once() {
        let ranking = Labeler::find("shorter").unwrap().rank("", &["a b", "c", "d e", "f g h"]);
        assert_eq!(ranking, vec![vec![1], vec![0, 2], vec![3]]);
    }

    #[test]
    fn rules_of_work_read_the_prompt() {
        let labeler = Labeler::find("three bullets").unwrap();
        let completion = "- Oven 2 is broken\n- Lena takes the rye\n- Flour costs more";
        let (right, wrong) = ("oven 2 broken, Lena takes rye, flour costs more", "The choir has 42 members");
        assert!(labeler.score(right, completion) > labeler.score(wrong, completion) + 3.0);
        assert!(of_stories().all(|labeler| labeler.name != "three_bullets"));
    }

    macro_rules! workflow {
        ($name:literal) => {
            (
                $name,
                include_str!(concat!("../../../../tests/workflows/", $name, "/prompts.jsonl")),
                include_str!(concat!("../../../../tests/workflows/", $name, "/held_out.jsonl")),
            )
        };
    }

    #[test]
    fn every_rule_of_work_has_its_workflow() {
        let workflows = [workflow!("customer_reply"), workflow!("three_bullets"), workflow!("plain_product")];
        let names: Vec<&str> =
            ALL.iter().filter(|labeler| matches!(labeler.score, Score::Work(_))).map(|labeler| labeler.name).collect();
        assert_eq!(names, workflows.map(|(name, ..)| name));
        for (name, prompts, held_out) in workflows {
            assert_eq!((prompts.lines().count(), held_out.lines().count()), (60, 30), "{name}");
            let mut seen = std::collections::HashSet::new();
            for line in prompts.lines().chain(held_out.lines()) {
                let record: serde_json::Value = serde_json::from_str(line).unwrap();
                let prompt = record["prompt"].as_str().unwrap();
                assert!(seen.insert(prompt.to_owned()), "{name}: twice: {prompt}");
                assert!(text::content_words(text::material(prompt)).len() >= 6, "{name}: too little: {prompt}");
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = Labeler::find("nicer").err().unwrap().to_string();
        assert!(error.contains("nicer") && error.contains("happier") && error.contains("no_repetition"));
    }
}
