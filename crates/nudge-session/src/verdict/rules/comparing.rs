//! Rules over a comparison: who won and by whose judgement, how far the model moved, what its completions read like.

use super::*;
use crate::method::LearnsFrom;
use crate::protocol::{Verdict, Winner};
use crate::verdict::writing::{is_refusal, repeats_a_sentence};
use crate::verdict::{JudgeTie, JudgedPair, Writing};
use std::cmp::Ordering;

/// What the completions read like, of the model in question and of the one before.
fn writings(evidence: &Evidence) -> Option<(Writing, Writing)> {
    let side = |text: fn(&JudgedPair) -> &str| {
        Writing::of(evidence.pairs.iter().map(|pair| (pair.prompt.as_str(), text(pair))))
    };
    let prompts: std::collections::BTreeSet<&str> = evidence.pairs.iter().map(|pair| pair.prompt.as_str()).collect();
    if prompts.len() < FEW_PROMPTS {
        return None;
    }
    Some((side(|pair| &pair.a)?, side(|pair| &pair.b)?))
}

/// Different pairs of neighbouring tokens after and before, where completions are about as long.
fn variety(evidence: &Evidence) -> Option<(f64, f64)> {
    let comparison = evidence.comparison.as_ref();
    let sides = comparison.and_then(|found| Some((found.a.as_ref()?, found.b.as_ref()?)));
    if let Some((a, b)) = sides {
        let ratio = a.mean_length / b.mean_length.max(1.0);
        return (0.5..2.0).contains(&ratio).then_some((a.distinct_2, b.distinct_2));
    }
    let values = evidence.values("completions/distinct_2");
    Some((evidence.end("completions/distinct_2")?, *values.first()?))
}

fn has_one_opening(after: &Writing, before: &Writing) -> bool {
    after.same_opening >= OPENINGS.0 && after.same_opening >= OPENINGS.1 * before.same_opening
}

fn forgets_prompts(after: &Writing, before: &Writing) -> bool {
    before.prompt_words >= 0.15 && after.prompt_words < FALL * before.prompt_words
}

pub fn collapsed(evidence: &Evidence) -> Option<Finding> {
    let (after, before) = writings(evidence)?;
    let lost_variety = after.distinct < DISTINCT || variety(evidence).is_some_and(|(a, b)| a < FALL * b);
    let forgets = forgets_prompts(&after, &before);
    let one = after.same_opening >= COLLAPSE && has_one_opening(&after, &before);
    // Two of three: one opening, little variety, nothing of what was asked.
    if [one, lost_variety, forgets].into_iter().filter(|sign| *sign).count() < 2 {
        return None;
    }
    let how = match one {
        true => format!("it answers {} of the prompts with \"{} ...\"", percent(after.same_opening), after.opening),
        false => "it repeats itself".into(),
    };
    let sentence = format!(
        "The model has collapsed: {how}, and speaks of {} of what was asked ({} before). A judge may still like it; read \
         the completions.",
        percent(after.prompt_words),
        percent(before.prompt_words)
    );
    let opening = [("same_opening", after.same_opening), ("same_opening_before", before.same_opening)];
    let others = [
        ("distinct", after.distinct),
        ("prompt_words", after.prompt_words),
        ("prompt_words_before", before.prompt_words),
    ];
    let numbers = opening.into_iter().filter(|_| one).chain(others);
    finding("collapsed", Level::Bad, numbers, sentence, again(evidence, &[("learning_rate", 0.25)]))
}

pub fn empty(evidence: &Evidence) -> Option<Finding> {
    let (after, before) = writings(evidence)?;
    if after.empty < 0.2 || after.empty < 2.0 * before.empty {
        return None;
    }
    let sentence = format!("{} of the completions are empty ({} before).", percent(after.empty), percent(before.empty));
    finding("empty", Level::Bad, [("empty", after.empty), ("empty_before", before.empty)], sentence, None)
}

/// Completions that refuse, apologise, or speak of being an AI in place of an answer.
pub fn refuses(evidence: &Evidence) -> Option<Finding> {
    let (after, before) = shares_of(evidence, is_refusal).filter(|shares| is_spoiled(*shares))?;
    let level = if after >= COLLAPSE { Level::Bad } else { Level::Warning };
    let sentence = format!(
        "{} of the completions refuse, apologise or speak of being an AI instead of answering ({} before).",
        percent(after),
        percent(before)
    );
    let numbers = [("refusing", after), ("refusing_before", before)];
    finding("refuses", level, numbers, sentence, again(evidence, &[("learning_rate", 0.25)]))
}

/// Completions that say one sentence twice.
pub fn repeats(evidence: &Evidence) -> Option<Finding> {
    let (after, before) = shares_of(evidence, repeats_a_sentence).filter(|shares| is_spoiled(*shares))?;
    let sentence = format!("{} of the completions repeat a sentence ({} before).", percent(after), percent(before));
    finding("repeats", Level::Warning, [("repeating", after), ("repeating_before", before)], sentence, None)
}

/// Shares of the completions after and before that are so, where there are enough of them.
fn shares_of(evidence: &Evidence, is_so: fn(&str) -> bool) -> Option<(f64, f64)> {
    writings(evidence)?;
    let share = |text: fn(&JudgedPair) -> &str| {
        let count = evidence.pairs.iter().filter(|pair| is_so(text(pair))).count();
        count as f64 / evidence.pairs.len() as f64
    };
    Some((share(|pair| &pair.a), share(|pair| &pair.b)))
}

fn is_spoiled((after, before): (f64, f64)) -> bool {
    after >= SPOILED_SHARE.0 && after >= SPOILED_SHARE.1 * before
}

pub fn worse(evidence: &Evidence) -> Option<Finding> {
    let found = evidence.comparison.as_ref().filter(|found| found.high < 0.5)?;
    let sentence = format!("It loses: the judge prefers it in {} of the pairs.", share(found));
    finding("worse", Level::Warning, rate(found), sentence, None)
}

/// The win rate with its interval, in words.
fn share(found: &Verdict) -> String {
    format!("{} [{}, {}]", percent(found.win_rate), percent(found.low), percent(found.high))
}

fn rate(found: &Verdict) -> [(&'static str, f64); 4] {
    let pairs = found.wins + found.ties + found.losses;
    [("win_rate", found.win_rate), ("low", found.low), ("high", found.high), ("pairs", pairs as f64)]
}

pub fn kl_too_large(evidence: &Evidence) -> Option<Finding> {
    // Demonstrations may lead far away, and there is no judge to write for.
    if matches!(training(evidence), "sft" | "pretrain" | "reward") {
        return None;
    }
    let kl = evidence.comparison.as_ref().and_then(|found| found.kl).or_else(|| evidence.end("objective/kl"))?;
    let leashed = method(evidence).is_some_and(|method| method.info().learns_from == LearnsFrom::Rewards);
    let limit = if leashed { KL_ON_A_LEASH } else { KL_WITHOUT_A_LEASH };
    if kl <= limit {
        return None;
    }
    let sentence = format!(
        "It has moved {kl:.0} nats a completion from where it started; above {limit:.0} a model often writes only for \
         its judge."
    );
    let next = if leashed { again(evidence, &[("kl_coef", 2.0)]) } else { again(evidence, &[("learning_rate", 0.5)]) };
    finding("kl_too_large", Level::Warning, [("kl", kl), ("limit", limit)], sentence, next)
}

pub fn same_openings(evidence: &Evidence) -> Option<Finding> {
    let (after, before) = writings(evidence).filter(|(after, before)| has_one_opening(after, before))?;
    let sentence = format!(
        "{} of the prompts are answered beginning with \"{} ...\" ({} before).",
        percent(after.same_opening),
        after.opening,
        percent(before.same_opening)
    );
    let numbers = [("same_opening", after.same_opening), ("same_opening_before", before.same_opening)];
    finding("same_openings", Level::Warning, numbers, sentence, None)
}

pub fn variety_lost(evidence: &Evidence) -> Option<Finding> {
    let texts = writings(evidence).map(|(after, before)| (after.distinct, before.distinct));
    let fewer = texts.filter(|(after, before)| *after < DISTINCT && *after < FALL / DISTINCT * before);
    let (what, numbers) = match (fewer, variety(evidence)) {
        (Some((after, before)), _) => {
            ("different completions of different prompts", [("distinct", after), ("distinct_before", before)])
        }
        (None, Some((after, before))) if after < FALL * before => {
            ("different pairs of words", [("distinct_2", after), ("distinct_2_before", before)])
        }
        _ => return None,
    };
    let [after, before] = numbers.map(|(_, share)| percent(share));
    let sentence = format!("Variety is lost: {after} {what}, {before} before.");
    finding("variety_lost", Level::Warning, numbers, sentence, None)
}

pub fn prompt_forgotten(evidence: &Evidence) -> Option<Finding> {
    let (after, before) = writings(evidence).filter(|(after, before)| forgets_prompts(after, before))?;
    let sentence = format!(
        "The completions speak less of what was asked: {} of the prompts' words appear, {} before.",
        percent(after.prompt_words),
        percent(before.prompt_words)
    );
    let numbers = [("prompt_words", after.prompt_words), ("prompt_words_before", before.prompt_words)];
    finding("prompt_forgotten", Level::Warning, numbers, sentence, None)
}

/// Lengths moved, and whoever is longer (or shorter) wins.
pub fn length_alone(evidence: &Evidence) -> Option<Finding> {
    let (after, before) = writings(evidence)?;
    let ratio = (after.words + 1.0) / (before.words + 1.0);
    let words = |text: &str| text.split_whitespace().count();
    let longer_won = |pair: &JudgedPair| match (pair.preference?, words(&pair.a).cmp(&words(&pair.b))) {
        (Winner::Tie, _) | (_, Ordering::Equal) => None,
        (preference, order) => Some((preference == Winner::A) == order.is_gt()),
    };
    let decided: Vec<bool> = evidence.pairs.iter().filter_map(longer_won).collect();
    let longer = decided.iter().filter(|longer| **longer).count() as f64 / decided.len().max(1) as f64;
    let drifted = !(1.0 / LENGTH..LENGTH).contains(&ratio);
    let explained = (ratio > 1.0 && longer >= LENGTH_WINS) || (ratio < 1.0 && longer <= 1.0 - LENGTH_WINS);
    if !drifted || decided.len() < FEW_PROMPTS || !explained {
        return None;
    }
    let (than, share) = if ratio > 1.0 { ("longer", longer) } else { ("shorter", 1.0 - longer) };
    let sentence = format!(
        "Length alone explains who wins: {:.0} words a completion, {:.0} before, and the {than} one of two wins {} of \
         the pairs.",
        after.words,
        before.words,
        percent(share)
    );
    let numbers = [("words", after.words), ("words_before", before.words), ("longer_wins", longer)];
    finding("length_alone", Level::Warning, numbers, sentence, Some(Next::JudgeYourself))
}

pub fn never_ends(evidence: &Evidence) -> Option<Finding> {
    let found = evidence.comparison.as_ref()?;
    let (after, before) = (found.a.as_ref()?.eos_rate, found.b.as_ref()?.eos_rate);
    if after >= before - ENDS {
        return None;
    }
    let sentence = format!(
        "Only {} of the completions end by themselves, {} before: the model no longer knows when to stop.",
        percent(after),
        percent(before)
    );
    finding("never_ends", Level::Warning, [("eos_rate", after), ("eos_rate_before", before)], sentence, None)
}

pub fn partial_judge(evidence: &Evidence) -> Option<Finding> {
    let next = Some(Next::JudgeYourself);
    let said = |level, sentence: &str| finding("partial_judge", level, [], sentence.into(), next.clone());
    match evidence.judge? {
        JudgeTie::TrainedAgainst => said(
            Level::Warning,
            "The judge is the reward model that this model was tuned to please: that it wins says nothing. Let a person \
             judge, or a rule, or a reward model of other rankings.",
        ),
        JudgeTie::SameRankings => {
            let sentence = "The judge has learnt from the rankings that this model has learnt from: both share their \
                            mistakes. Let a person judge, or a reward model of other rankings.";
            finding("kindred_judge", Level::Warning, [], sentence.into(), next)
        }
        JudgeTie::UnknownRewardModel => {
            said(Level::Note, "A reward model judged. What it likes is what it has learnt, not what you like.")
        }
    }
}

pub fn undecided(evidence: &Evidence) -> Option<Finding> {
    let found = evidence.comparison.as_ref().filter(|found| found.low <= 0.5 && found.high >= 0.5)?;
    let (share, pairs) = (share(found), found.wins + found.ties + found.losses);
    let sentence = format!("Undecided: it wins {share} of {pairs} pairs, and half lies within. More pairs would tell.");
    let next = Some(Next::MorePairs { pairs_per_prompt: 4 });
    finding("undecided", Level::Note, rate(found), sentence, next)
}

pub fn won(evidence: &Evidence) -> Option<Finding> {
    let found = evidence.comparison.as_ref().filter(|found| found.low > 0.5)?;
    let sentence = format!("It wins: the judge prefers it in {} of the pairs.", share(found));
    let next = if found.simulated { Some(Next::JudgeYourself) } else { None };
    finding("won", Level::Good, rate(found), sentence, next)
}
