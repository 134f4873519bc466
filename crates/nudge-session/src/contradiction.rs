//! Preferences that go in a circle over all rankings of one prompt: A above B, B above C, C above A.
//!
//! Of one labeler every preference counts, so that two rankings that turn a pair round are a circle of two. Of all
//! labelers together the majority counts, pair by pair; a circle of majorities is Condorcet's paradox, and no merged
//! ranking can follow all of them.

use crate::agreement::UNNAMED;
use nudge_data::{Prompt, RankingRecord};
use nudge_rlhf::preference_cycles;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One circle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contradiction {
    /// Whose; nothing for the majority of all labelers.
    pub labeler: Option<String>,
    /// What is asked.
    pub prompt: Prompt,
    /// The circle.
    pub steps: Vec<Step>,
}

/// One preference of a circle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The better completion; the next step's better completion is worse than this one.
    pub better: String,
    /// The rankings that say so.
    pub rankings: Vec<String>,
}

/// The circles of every labeler, then those of the majority where several labelers ranked a prompt. Of completions that
/// are all in one knot a shortest circle is given.
pub fn contradictions(records: &[RankingRecord]) -> Vec<Contradiction> {
    let (mut by_labeler, mut by_prompt) = (BTreeMap::new(), BTreeMap::new());
    for record in records {
        let labeler = record.labeler.as_deref().unwrap_or(UNNAMED);
        by_labeler.entry((labeler, &record.prompt)).or_insert_with(Vec::new).push(record);
        let (labelers, of_prompt) = by_prompt.entry(&record.prompt).or_insert_with(|| (BTreeSet::new(), Vec::new()));
        labelers.insert(labeler);
        of_prompt.push(record);
    }
    let mut found = Vec::new();
    for ((labeler, prompt), records) in by_labeler {
        found.extend(circles(Some(labeler), prompt, &records, |votes, _| votes > 0));
    }
    for (prompt, (labelers, records)) in by_prompt {
        if labelers.len() > 1 {
            found.extend(circles(None, prompt, &records, |votes, against| votes > against));
        }
    }
    found
}

/// The circles among the completions of some rankings of one prompt; `above` says whether so many votes for a
/// preference and so many against make it one.
fn circles(
    labeler: Option<&str>,
    prompt: &Prompt,
    records: &[&RankingRecord],
    above: impl Fn(usize, usize) -> bool,
) -> Vec<Contradiction> {
    let texts: BTreeSet<&str> =
        records.iter().flat_map(|record| &record.completions).map(|c| c.text.as_str()).collect();
    let texts: Vec<&str> = texts.into_iter().collect();
    let mut votes: Vec<Vec<Vec<&str>>> = vec![vec![vec![]; texts.len()]; texts.len()];
    for record in records {
        let number = |index: &usize| texts.binary_search(&record.completions[*index].text.as_str()).unwrap_or_default();
        for (place, winners) in record.ranking.iter().enumerate() {
            for winner in winners {
                for loser in record.ranking[place + 1..].iter().flatten() {
                    votes[number(winner)][number(loser)].push(&record.id);
                }
            }
        }
    }
    let preferred = |one: usize, other: usize| one != other && above(votes[one][other].len(), votes[other][one].len());
    let matrix: Vec<Vec<bool>> =
        (0..texts.len()).map(|one| (0..texts.len()).map(|other| preferred(one, other)).collect()).collect();
    let circle = |circle: Vec<usize>| {
        let step = |place: usize| {
            let (better, worse) = (circle[place], circle[(place + 1) % circle.len()]);
            let rankings = votes[better][worse].iter().map(ToString::to_string).collect();
            Step { better: texts[better].to_string(), rankings }
        };
        let steps = (0..circle.len()).map(step).collect();
        Contradiction { labeler: labeler.map(str::to_string), prompt: prompt.clone(), steps }
    };
    preference_cycles(&matrix).into_iter().map(circle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nudge_data::Completion;

    /// A ranking of completions that are in order, groups separated by `>`.
    fn ranking(id: &str, labeler: &str, order: &str) -> RankingRecord {
        let mut completions = Vec::new();
        let mut group = |texts: &str| {
            let start = completions.len();
            completions.extend(texts.split('=').map(Completion::from_text));
            (start..completions.len()).collect()
        };
        let ranking = order.split('>').map(&mut group).collect();
        let labeler = Some(labeler.into());
        RankingRecord {
            id: id.into(),
            prompt: "p".into(),
            completions,
            ranking,
            labeler,
            seconds: None,
            edit: None,
            extra: Default::default(),
        }
    }

    fn told(records: &[RankingRecord]) -> Vec<(Option<String>, String)> {
        let told = |found: &Contradiction| {
            let steps: Vec<_> =
                found.steps.iter().map(|step| format!("{}({})", step.better, step.rankings.join(" "))).collect();
            (found.labeler.clone(), steps.join(">"))
        };
        contradictions(records).iter().map(told).collect()
    }

    #[test]
    fn a_labeler_may_contradict_themselves_over_several_screens() {
        let records = [
            ranking("1", "ann", "a>b"),
            ranking("2", "ann", "b>c=d"),
            ranking("3", "ann", "c>a"),
            ranking("4", "bob", "a>c"),
        ];
        assert_eq!(told(&records), [(Some("ann".into()), "a(1)>b(2)>c(3)".into())]);
        let turned = [ranking("1", "ann", "a>b"), ranking("2", "ann", "b>a>c")];
        assert_eq!(told(&turned), [(Some("ann".into()), "a(1)>b(2)".into())]);
        assert!(told(&[ranking("1", "ann", "a>b"), ranking("2", "ann", "a=b"), ranking("3", "bob", "b>a")]).is_empty());
    }

    #[test]
    fn majorities_may_go_in_a_circle_although_nobody_does() {
        let records = [ranking("1", "ann", "a>b>c"), ranking("2", "bob", "b>c>a"), ranking("3", "cid", "c>a>b")];
        assert_eq!(told(&records), [(None, "a(1 3)>b(1 2)>c(2 3)".into())]);
        assert!(told(&records[..2]).is_empty());
    }

    #[test]
    fn other_prompts_are_other_screens() {
        let mut records = [ranking("1", "ann", "a>b"), ranking("2", "ann", "b>a")];
        records[1].prompt = "q".into();
        assert!(told(&records).is_empty());
    }
}
