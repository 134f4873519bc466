//! Rules over what training logged, over rankings, and over a reward model's calibration.

use super::*;
use crate::method::LearnsFrom;

/// Whether what was trained learns to tell completions apart.
fn learns_pairs(evidence: &Evidence) -> bool {
    let of_pairs = |method: Method| method.info().learns_from != LearnsFrom::Rewards;
    evidence.task == "reward" || Method::named(&evidence.task).is_some_and(of_pairs)
}

pub fn diverged(evidence: &Evidence) -> Option<Finding> {
    let losses = evidence.values("loss");
    let (first, end) = (*losses.first()?, evidence.end("loss")?);
    if end.is_finite() && end <= LOSS_GROWTH.0 * first.abs() + LOSS_GROWTH.1 {
        return None;
    }
    let sentence = format!(
        "The training diverged: its loss began at {first:.3} and ended at {end:.3}. The weights are of no use; take a \
         smaller learning rate."
    );
    finding("diverged", Level::Bad, [("first", first), ("end", end)], sentence, with_smaller_rate(evidence))
}

/// Held-out pairs: against a coin.
pub fn held_out(evidence: &Evidence) -> Option<Finding> {
    let overall = evidence.calibration.as_ref().map(|found| &found.overall);
    let logged = |name: &str| {
        let end = |end: &str| evidence.last(&format!("{name}{end}"));
        Some((end("")?, end("_low")?, end("_high")?, evidence.last("eval_pairs")?))
    };
    let (accuracy, low, high, pairs) = match overall {
        Some(all) => (all.accuracy, all.low, all.high, all.pairs as f64),
        None => logged("eval_accuracy").or_else(|| logged("eval_rewards/accuracies"))?,
    };
    let numbers = [("accuracy", accuracy), ("low", low), ("high", high), ("pairs", pairs)];
    let share = format!("{} [{}, {}] of {pairs:.0} pairs", percent(accuracy), percent(low), percent(high));
    if high < 0.5 {
        let sentence = format!(
            "On prompts it has not seen it prefers the worse completion: {share} in the order of the rankings."
        );
        return finding("wrong_way_round", Level::Bad, numbers, sentence, Some(Next::Agreement));
    }
    if low > 0.5 {
        let sentence = format!("It orders completions of prompts it has not seen as the rankings do: {share}.");
        let next = if evidence.task == "reward" { Some(Next::Tune) } else { None };
        return finding("carries_over", Level::Good, numbers, sentence, next);
    }
    let sentence =
        format!("On prompts it has not seen it cannot be told from a coin: {share}. Rank more prompts, by one rule.");
    finding("coin", Level::Warning, numbers, sentence, Some(Next::RankMore))
}

pub fn known_by_heart(evidence: &Evidence) -> Option<Finding> {
    if !learns_pairs(evidence) {
        return None;
    }
    let margin = evidence.end("rewards/margins").or_else(|| evidence.end("margin"));
    let loss = evidence.end("loss").filter(|loss| loss.is_finite() && *loss >= 0.0);
    let heart = margin.is_some_and(|margin| margin > MARGIN) || loss.is_some_and(|loss| loss < LOSS_OF_PAIRS);
    if !heart {
        return None;
    }
    let (margin, loss) = (margin.unwrap_or_default(), loss.unwrap_or_default());
    let sentence = format!(
        "The pairs are known by heart: a margin of {margin:.1} (healthy: 0.1 to 2, suspicious above {MARGIN:.0}), a loss \
         of {loss:.4}. What it learnt may be these completions, not what you like."
    );
    let next = again(evidence, &[("epochs", 0.5)]).or_else(|| again(evidence, &[("learning_rate", 0.5)]));
    finding("known_by_heart", Level::Warning, [("margin", margin), ("loss", loss)], sentence, next)
}

pub fn too_few(evidence: &Evidence) -> Option<Finding> {
    let found = evidence.rankings.as_ref()?;
    if found.rankings >= FEW_RANKINGS.0 && found.pairs >= FEW_RANKINGS.1 {
        return None;
    }
    let counted = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let sentence = format!(
        "Only {} with {} to learn from: the result can be chance. Rank {} or more.",
        counted(found.rankings, "ranking"),
        counted(found.pairs, "ordered pair"),
        30
    );
    let level = if found.rankings < VERY_FEW_RANKINGS { Level::Warning } else { Level::Note };
    let numbers = [("rankings", found.rankings as f64), ("pairs", found.pairs as f64)];
    finding("too_few_rankings", level, numbers, sentence, Some(Next::RankMore))
}

pub fn contradictory(evidence: &Evidence) -> Option<Finding> {
    let found = evidence.rankings.as_ref()?;
    if found.circles as f64 <= CIRCLES * found.prompts as f64 {
        return None;
    }
    let sentence = format!(
        "The rankings contradict each other: {} circles of preferences (A above B, B above A) over {} prompts.",
        found.circles, found.prompts
    );
    let numbers = [("circles", found.circles as f64), ("prompts", found.prompts as f64)];
    finding("contradictory_rankings", Level::Warning, numbers, sentence, Some(Next::Agreement))
}

pub fn not_carried_over(evidence: &Evidence) -> Option<Finding> {
    let train = evidence.end("accuracy").or_else(|| evidence.end("rewards/accuracies"))?;
    let held_out = evidence.last("eval_accuracy").or_else(|| evidence.last("eval_rewards/accuracies"))?;
    let low = evidence.last("eval_accuracy_low").or_else(|| evidence.last("eval_rewards/accuracies_low"))?;
    let margin = evidence.end("margin").or_else(|| evidence.end("rewards/margins"))?;
    // What is better than a coin carries over, and a policy that has hardly moved has learnt nothing by heart.
    if train < BY_HEART.0 || held_out >= BY_HEART.1 || low > 0.5 || margin < MOVED {
        return None;
    }
    let sentence = format!(
        "It orders {} of the pairs that it learns from, and {} of those that it does not: it learns by heart.",
        percent(train),
        percent(held_out)
    );
    let numbers = [("accuracy", train), ("eval_accuracy", held_out)];
    finding("not_carried_over", Level::Warning, numbers, sentence, again(evidence, &[("epochs", 0.5)]))
}

pub fn held_out_rises(evidence: &Evidence) -> Option<Finding> {
    let values = evidence.values("eval_loss");
    let (best, last) = (values.iter().copied().reduce(f64::min)?, *values.last()?);
    if last <= best + HELD_OUT_RISE {
        return None;
    }
    let kept = evidence.options.get("load_best_model_at_end") == Some(&Value::Bool(true));
    let (level, end) = match kept {
        true => (Level::Note, "the weights of the best pass were kept"),
        false => (Level::Warning, "the model learns the others by heart"),
    };
    let sentence = format!("The loss on what was set aside rose from {best:.3} to {last:.3}; {end}.");
    let next = again(evidence, &[("epochs", 0.5)]);
    finding("held_out_rises", level, [("best", best), ("last", last)], sentence, next)
}

/// Gao et al. 2022: the proxy goes on rising where the true score falls.
pub fn over_optimised(evidence: &Evidence) -> Option<Finding> {
    let (scores, gold) = (evidence.values("objective/scores"), evidence.values("objective/gold_score"));
    let (score_end, gold_end) = (evidence.end("objective/scores")?, evidence.end("objective/gold_score")?);
    let (score_first, gold_first) = (*scores.first()?, *gold.first()?);
    if score_end <= score_first || gold_end >= gold_first {
        return None;
    }
    let sentence = format!(
        "Over-optimised: the reward model's score rose from {score_first:.2} to {score_end:.2} while the labeler's own \
         fell from {gold_first:.2} to {gold_end:.2}."
    );
    let numbers = [("score_first", score_first), ("score", score_end), ("gold_first", gold_first), ("gold", gold_end)];
    finding("over_optimised", Level::Warning, numbers, sentence, again(evidence, &[("kl_coef", 2.0)]))
}

pub fn length_bias(evidence: &Evidence) -> Option<Finding> {
    let [shorter, _, longer] = evidence.calibration.as_ref()?.by_length.as_slice() else { return None };
    let apart = shorter.high < longer.low || longer.high < shorter.low;
    let difference = (shorter.accuracy - longer.accuracy).abs();
    if shorter.pairs.min(longer.pairs) < FEW_PROMPTS || !apart || difference < LENGTH_BIAS {
        return None;
    }
    let likes = if longer.accuracy > shorter.accuracy { "longer" } else { "shorter" };
    let sentence = format!(
        "The reward model likes what is {likes}: it is right in {} of the pairs whose better completion is the shorter \
         one, and in {} where it is the longer one.",
        percent(shorter.accuracy),
        percent(longer.accuracy)
    );
    let numbers = [("shorter", shorter.accuracy), ("longer", longer.accuracy)];
    finding("length_bias", Level::Warning, numbers, sentence, Some(Next::RankMore))
}

pub fn hardly_moved(evidence: &Evidence) -> Option<Finding> {
    let margin = evidence.end("rewards/margins")?;
    let flat = margin.abs() < STILL && matches!(evidence.task.as_str(), "dpo" | "kto");
    if !flat {
        return None;
    }
    let sentence = format!("Hardly anything was learnt: the margin ended at {margin:.3}. Raise the learning rate.");
    finding("hardly_moved", Level::Warning, [("margin", margin)], sentence, again(evidence, &[("learning_rate", 4.0)]))
}
