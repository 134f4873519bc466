use proptest::prelude::*;

use super::*;
use serde_json::Map;

fn record(task: &str, index: usize, cluster: Option<&str>) -> DemonstrationRecord {
    let extra: Map<_, _> = cluster.map(|cluster| ("cluster".to_owned(), cluster.into())).into_iter().collect();
    let prompt = format!("{task} {index}").as_str().into();
    DemonstrationRecord { prompt, completion: "x".to_owned(), task: Some(task.to_owned()), split: None, extra }
}

fn records(counts: &[(&str, usize)]) -> Vec<DemonstrationRecord> {
    counts.iter().flat_map(|&(task, count)| (0..count).map(move |index| record(task, index, None))).collect()
}

fn options(cap: usize, size: Option<usize>) -> MixtureOptions {
    MixtureOptions { cap, size, held_out: Vec::new(), seed: 1 }
}

#[test]
fn rates_are_proportional_up_to_the_cap() {
    // min(n, 30): 10, 30, 30 of 70.
    let mixture = mix(records(&[("a", 10), ("b", 30), ("c", 100)]), &options(30, None));
    let shares: Vec<_> = mixture.report.tasks.iter().map(|share| (share.task.as_str(), share.drawn)).collect();
    assert_eq!(shares, [("a", 10), ("b", 30), ("c", 30)]);
    let rates: Vec<f64> = mixture.report.tasks.iter().map(|share| share.rate).collect();
    assert_eq!(rates, [10.0 / 70.0, 30.0 / 70.0, 30.0 / 70.0]);
    assert_eq!((mixture.report.records, mixture.records.len()), (70, 70));
}

#[test]
fn a_size_is_shared_out_by_rate_and_repeats_are_told() {
    // Shares of 22 at rates 1/7, 3/7, 3/7: 3.14, 9.43, 9.43; the largest remainder, of b, gets the last one.
    let mixture = mix(records(&[("a", 10), ("b", 30), ("c", 100)]), &options(30, Some(22)));
    let drawn =
        |mixture: &Mixture| mixture.report.tasks.iter().map(|share| (share.drawn, share.repeated)).collect::<Vec<_>>();
    assert_eq!(drawn(&mixture), [(3, 0), (10, 0), (9, 0)]);
    // 140: a has 20, ten of them again; b 60; c 60 of its 100 without any repeat.
    let mixture = mix(records(&[("a", 10), ("b", 30), ("c", 100)]), &options(30, Some(140)));
    assert_eq!(drawn(&mixture), [(20, 10), (60, 30), (60, 0)]);
    let times = |task: &str, index: usize| {
        mixture.records.iter().filter(|other| other.prompt == record(task, index, None).prompt).count()
    };
    assert!((0..10).all(|index| times("a", index) == 2));
    assert!((0..100).all(|index| times("c", index) <= 1));
}

#[test]
fn held_out_clusters_leave_the_mixture_whole() {
    let mut all = records(&[("own", 4)]);
    all.extend((0..3).map(|index| record("who", index, Some("reading"))));
    all.extend((0..2).map(|index| record("where", index, Some("reading"))));
    let held_out = vec!["reading".to_owned(), "raeding".to_owned()];
    let mixture = mix(all.clone(), &MixtureOptions { held_out, ..options(30, None) });
    assert_eq!(mixture.held_out, all[4..]);
    assert!(mixture.records.iter().all(|record| record.task.as_deref() == Some("own")));
    let shares: Vec<_> = mixture.report.held_out.iter().map(|share| (share.task.as_str(), share.available)).collect();
    assert_eq!(shares, [("where", 2), ("who", 3)]);
    assert_eq!(mixture.report.held_out[0].cluster, "reading");
    assert_eq!(mixture.report.unknown, ["raeding"]);
    // A task can be left out of its cluster.
    let rest = mix(all.clone(), &MixtureOptions { held_out: vec!["where".to_owned()], ..options(30, None) });
    assert_eq!((rest.records.len(), rest.held_out.len()), (7, 2));
    assert!(rest.report.unknown.is_empty());
    // A task without a cluster is its own.
    assert_eq!(mix(all, &MixtureOptions { held_out: vec!["own".to_owned()], ..options(30, None) }).records.len(), 5);
}

#[test]
fn nothing_mixes_to_nothing() {
    assert!(mix(Vec::new(), &options(3, Some(10))).records.is_empty());
    assert!(mix(records(&[("a", 2)]), &options(0, Some(10))).records.is_empty());
}

#[test]
fn records_without_a_task_get_the_files_name() {
    let mut own = vec![record("a", 0, None), DemonstrationRecord { task: None, ..record("b", 0, None) }];
    assert_eq!(mix(own.clone(), &options(3, None)).report.tasks[1].task, OTHER_TASK);
    name_task(&mut own, "my file");
    assert_eq!(own.iter().filter_map(|record| record.task.as_deref()).collect::<Vec<_>>(), ["a", "my file"]);
}

#[test]
fn a_cap_for_a_size_wastes_little() {
    let all = records(&[("a", 10), ("b", 30), ("c", 100)]);
    // Caps of 29 and 30 give 68 and 70 examples.
    assert_eq!(cap_for(&all, 69), 29);
    assert_eq!(cap_for(&all, 70), 30);
    assert_eq!(cap_for(&all, 1_000), 100);
    assert_eq!(cap_for(&all, 2), 0);
    assert_eq!(cap_for(&[], 5), 0);
}

proptest! {
    #[test]
    fn mixtures_have_their_size_and_repeat_only_when_all_are_used(
        counts in prop::collection::vec(1usize..20, 1..6), cap in 1usize..25, size in 0usize..120, seed: u64,
    ) {
        let names = ["a", "b", "c", "d", "e"];
        let tasks: Vec<(&str, usize)> = names.into_iter().zip(counts).collect();
        let all = records(&tasks);
        let options = MixtureOptions { seed, ..options(cap, Some(size)) };
        let mixture = mix(all.clone(), &options);
        prop_assert_eq!(mixture.records.len(), size);
        prop_assert!((mixture.report.tasks.iter().map(|share| share.rate).sum::<f64>() - 1.0).abs() < 1e-12);
        for share in &mixture.report.tasks {
            let drawn: Vec<_> = mixture.records.iter().filter(|record| record.task.as_ref() == Some(&share.task)).collect();
            let different: HashSet<_> = drawn.iter().map(|record| &record.prompt).collect();
            prop_assert_eq!(drawn.len(), share.drawn);
            prop_assert_eq!(different.len(), share.drawn.min(share.available));
            prop_assert_eq!(share.repeated, share.drawn - different.len());
            prop_assert!((share.drawn as f64 - share.rate * size as f64).abs() < 1.0);
        }
        prop_assert_eq!(mix(all, &options), mixture);
    }

    #[test]
    fn no_prompt_is_on_both_sides(prompts in prop::collection::vec(0usize..9, 0..40), fraction in 0.0f32..=1.0, seed: u64) {
        let all: Vec<_> = prompts.iter().map(|&index| record("a", index, None)).collect();
        let (mut train, held_out) = split_demonstrations_by_prompt(all.clone(), fraction, seed);
        prop_assert_eq!(train.len() + held_out.len(), all.len());
        prop_assert!(train.iter().all(|record| record.split.as_deref() == Some("train")));
        prop_assert!(held_out.iter().all(|record| record.split.as_deref() == Some("held_out")));
        let before = train.len();
        remove_prompts_of(&mut train, &held_out);
        prop_assert_eq!(train.len(), before);
        remove_prompts_of(&mut train, &all);
        prop_assert!(train.is_empty());
    }
}
