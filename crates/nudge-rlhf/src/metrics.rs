#![doc = include_str!("metrics.md")]

use serde::Serialize;

const MARKDOWN: &str = include_str!("metrics.md");

/// What one logged number means. Plain text, without Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MetricDoc {
    /// Its name in the log.
    pub name: &'static str,
    /// What it is, with its unit.
    pub meaning: &'static str,
    /// The values to expect.
    pub healthy: &'static str,
    /// What to do when it leaves them.
    pub act: &'static str,
}

/// Every metric, in the order of the stages.
pub fn all() -> Vec<MetricDoc> {
    MARKDOWN.lines().filter_map(row).collect()
}

/// The metric of this name.
///
/// `eval_` in front of a name without a row of its own means the same number on data set aside, and
/// finds that row; so does `a/` or `b/`, the same number of one of two models. A number of best-of-n finds the row of `n`.
///
/// ```
/// use nudge_rlhf::metrics::find;
///
/// assert!(find("objective/kl").is_some_and(|kl| kl.meaning.contains("nats")));
/// assert_eq!(find("eval_rewards/margins"), find("rewards/margins"));
/// assert_eq!(find("best_of_8/score"), find("best_of_n/score"));
/// assert_eq!(find("no/such/metric"), None);
/// ```
pub fn find(name: &str) -> Option<MetricDoc> {
    let all = all();
    let named = |name: &str| all.iter().copied().find(|metric| metric.name == name);
    let of_any_n = || {
        let (n, what) = name.strip_prefix("best_of_")?.split_once('/')?;
        n.parse::<usize>().ok().and_then(|_| named(&format!("best_of_n/{what}")))
    };
    let of_one_side = || named(["a/", "b/"].iter().find_map(|side| name.strip_prefix(side))?);
    named(name).or_else(|| named(name.strip_prefix("eval_")?)).or_else(of_one_side).or_else(of_any_n)
}

/// A row of a table whose first cell is a name in backticks; heads and rules have none.
fn row(line: &'static str) -> Option<MetricDoc> {
    let cells: Vec<&'static str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let &[name, meaning, healthy, act] = cells.as_slice() else {
        return None;
    };
    let name = name.strip_prefix('`')?.strip_suffix('`')?;
    Some(MetricDoc { name, meaning, healthy, act })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_row_of_every_table_is_a_metric() {
        let tables = MARKDOWN.lines().filter(|line| line.starts_with("|---")).count();
        let lines = MARKDOWN.lines().filter(|line| line.starts_with('|')).count();
        assert!(tables > 5);
        assert_eq!(all().len(), lines - 2 * tables);
    }

    #[test]
    fn names_are_unique_and_no_cell_is_empty() {
        let mut names = HashSet::new();
        for metric in all() {
            assert!(names.insert(metric.name), "{} is there twice", metric.name);
            for cell in [metric.name, metric.meaning, metric.healthy, metric.act] {
                assert!(!cell.is_empty(), "{} has an empty cell", metric.name);
                assert!(!cell.contains(['`', '*', '[', '<']), "{} has Markdown in it: {cell}", metric.name);
            }
        }
    }

    #[test]
    fn a_metric_is_found_with_all_its_cells() {
        let kl = find("objective/kl").expect("logged by PPO");
        assert!(kl.meaning.contains("reference"));
        assert!(kl.healthy.contains("nats"));
        assert!(kl.act.contains("kl_coef"));
    }

    #[test]
    fn measurements_on_data_set_aside_are_found_too() {
        assert_eq!(find("eval_loss").map(|metric| metric.name), Some("eval_loss"));
        assert_eq!(find("eval_rewards/margins").map(|metric| metric.name), Some("rewards/margins"));
        assert_eq!(find("eval_"), None);
        assert_eq!(find(""), None);
    }
}
