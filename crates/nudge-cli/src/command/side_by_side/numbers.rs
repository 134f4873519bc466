//! Every number of every step as one table, a row a step, for spreadsheets and data frames.

use super::group::Group;
use anyhow::{Context, Result};
use csv::Writer;
use std::collections::BTreeSet;

/// CSV with a header: which curve and run, its seed, the step, and a column a number.
///
/// # Errors
/// If it cannot be written, which memory never refuses.
pub fn table(groups: &[Group]) -> Result<String> {
    let names: BTreeSet<&str> = groups.iter().flat_map(Group::logged).collect();
    let mut table = Writer::from_writer(Vec::new());
    table.write_record(["group", "run", "seed", "step"].into_iter().chain(names.iter().copied()))?;
    for group in groups {
        for run in &group.runs {
            let seed = run.option("seed").map(ToString::to_string).unwrap_or_default();
            for (step, numbers) in &run.steps {
                let first = [group.name(), run.name.clone(), seed.clone(), step.to_string()];
                let cells = names.iter().map(|name| numbers.get(*name).map(f64::to_string).unwrap_or_default());
                table.write_record(first.into_iter().chain(cells))?;
            }
        }
    }
    let bytes = table.into_inner().map_err(|error| error.into_error())?;
    String::from_utf8(bytes).context("names are text")
}

#[cfg(test)]
mod tests {
    use super::super::{group, test_runs::run};

    #[test]
    fn a_row_a_step_and_nothing_where_nothing_was_logged() {
        let mut runs = [run("a,b", 1, 0.1, &[1.5]), run("c", 2, 0.1, &[3.0])];
        runs[1].steps[0].1.remove("objective/kl");
        let table = super::table(&group::of(&runs).unwrap()).unwrap();
        assert_eq!(
            table,
            "group,run,seed,step,loss,objective/kl,objective/scores,seconds\n\
             \"a,b (2 seeds)\",\"a,b\",1,1,1.5,0,1,2\n\
             \"a,b (2 seeds)\",c,2,1,3,,1,2\n"
        );
    }
}
