//! A sitting without a terminal.

use super::*;
use crate::command::rank::schedule::{schedule, tests::candidates};
use crate::live_records::audience;
use std::path::Path;

fn store(folder: &Path) -> Store {
    Store::at(folder.join("r.jsonl"))
}

fn desk(folder: &Path, count: usize, repeat: f32) -> Desk {
    let all: Vec<_> = (0..count).map(|index| candidates(&format!("c{index}"), &["a", "b", "c"])).collect();
    let stored = store(folder).read().unwrap();
    Desk::new(schedule(&all, 1, repeat), stored, "ann".into(), 1, store(folder)).unwrap()
}

fn rank(desk: &mut Desk, groups: &[&[usize]]) -> String {
    let place = desk.current().unwrap();
    let groups = groups.iter().map(|group| group.to_vec()).collect();
    desk.decide(place, &Verdict::Ranked(Opinion::order(groups)), vec![], &Attention::start()).unwrap();
    desk.screen(place).id()
}

fn skip(desk: &mut Desk, flags: &[&str]) -> String {
    let place = desk.current().unwrap();
    let flags = flags.iter().map(ToString::to_string).collect();
    desk.decide(place, &Verdict::Skipped, flags, &Attention::start()).unwrap();
    desk.screen(place).id()
}

#[test]
fn every_decision_is_on_the_disk_and_undone_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = desk(folder.path(), 3, 0.0);
    assert!(!desk.undo().unwrap());
    rank(&mut desk, &[&[0], &[1, 2]]);
    let stored = store(folder.path()).read().unwrap();
    let shown = &desk.screen(0).shown;
    let mut tied = vec![shown[1], shown[2]];
    tied.sort_unstable();
    assert_eq!(stored.rankings[0].ranking, [vec![shown[0]], tied]);
    let sitting = Sitting::of(&stored.rankings[0].extra).unwrap();
    assert_eq!((sitting.shown.as_ref(), sitting.order_seed), (Some(shown), Some(1)));
    skip(&mut desk, &["harmful"]);
    assert_eq!(store(folder.path()).read().unwrap().skipped.len(), 1);
    assert!(desk.undo().unwrap());
    let stored = store(folder.path()).read().unwrap();
    assert_eq!((stored.rankings.len(), stored.skipped.len()), (1, 0));
    assert!(desk.undo().unwrap() && !desk.undo().unwrap());
    assert_eq!(desk.current(), Some(0));
}

#[test]
fn an_edit_and_what_is_usable_are_kept_by_completion() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = desk(folder.path(), 3, 0.0);
    let shown = desk.screen(0).shown.clone();
    let edit = |of| Edit { of, text: "better".into() };
    let opinion = Opinion::edited(vec![vec![1]], edit(Some(1)), 3);
    assert_eq!(opinion.groups, [vec![1], vec![0, 2]], "the others share the last place");
    let opinion = Opinion { usable: Some(vec![false, true, false]), ..opinion };
    desk.decide(0, &Verdict::Ranked(opinion), vec![], &Attention::start()).unwrap();
    assert!(!desk.wants_examples());
    let record = store(folder.path()).read().unwrap().rankings.remove(0);
    assert_eq!(record.edit, Some(edit(Some(shown[1]))));
    let usable = Sitting::of(&record.extra).unwrap().usable.unwrap();
    assert_eq!(usable.iter().position(|usable| *usable), Some(shown[1]));
    for place in [1, 2] {
        desk.decide(place, &Verdict::Ranked(Opinion::edited(vec![], edit(None), 3)), vec![], &Attention::start())
            .unwrap();
    }
    assert!(desk.wants_examples(), "two answers written anew");
}

#[test]
fn after_a_resume_only_what_was_passed_over_without_a_reason_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = desk(folder.path(), 4, 0.0);
    assert_eq!(skip(&mut first, &[]), "c0");
    assert_eq!(rank(&mut first, &[&[0], &[1], &[2]]), "c1");
    assert_eq!(skip(&mut first, &["nonsense"]), "c2");
    assert_eq!(first.current(), Some(3));
    let mut second = desk(folder.path(), 4, 0.0);
    let expected =
        Progress { screens: 4, ranked: 1, skipped: 2, flagged: 1, seconds: Some(0.0), ..Progress::default() };
    assert_eq!(second.progress(), expected);
    assert_eq!(rank(&mut second, &[&[0], &[1], &[2]]), "c0");
    assert_eq!(rank(&mut second, &[&[0], &[1], &[2]]), "c3");
    assert_eq!(second.current(), None);
    let stored = store(folder.path()).read().unwrap();
    assert_eq!(stored.rankings.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["c0", "c1", "c3"]);
    assert_eq!(stored.skipped[0].id, "c2");
}

#[test]
fn a_repeat_bears_the_id_of_its_first_and_is_left_out_where_that_was_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = desk(folder.path(), 2, 1.0);
    let mut ids = Vec::new();
    while let Some(place) = desk.current() {
        ids.push(match desk.screen(place).candidates.id.as_str() {
            "c0" => skip(&mut desk, &[]),
            _ => rank(&mut desk, &[&[2], &[1], &[0]]),
        });
    }
    ids.sort();
    assert_eq!(ids, ["c0", "c1", "c1/repeat"]);
    let stored = store(folder.path()).read().unwrap();
    let repeats: Vec<_> =
        stored.rankings.iter().filter_map(|record| Sitting::of(&record.extra).unwrap().repeat_of).collect();
    assert_eq!(repeats, ["c1"]);
    let again = super::tests::desk(folder.path(), 2, 1.0).progress();
    assert_eq!((again.ranked, again.repeats, again.repeats_ranked), (2, 2, 1));
}

#[test]
fn a_decision_about_another_screen_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    rank(&mut desk(folder.path(), 2, 0.0), &[&[0], &[1], &[2]]);
    let others = schedule(&[candidates("d", &["a", "b", "c"])], 1, 0.0);
    let stored = store(folder.path()).read().unwrap();
    let error = Desk::new(others, stored, "ann".into(), 1, store(folder.path())).err().unwrap().to_string();
    assert!(error.contains("ranks `c0`") && error.contains("--candidates"), "{error}");
}

#[test]
fn screens_may_come_while_others_are_decided() {
    let folder = tempfile::tempdir().unwrap();
    let line = |id: &str, texts: &[&str]| serde_json::to_string(&candidates(id, texts)).unwrap();
    let followed = |arrivals| {
        let stored = store(folder.path()).read().unwrap();
        Desk::follow(arrivals, 3, stored, "ann".into(), 1, store(folder.path()))
    };
    let (mut maker, arrivals) = audience();
    let mut desk = followed(arrivals);
    assert_eq!(desk.next().unwrap(), Next::NotYet);
    maker.show_file(&format!("{}\n{}\n", line("c0", &["a", "b"]), line("equal", &["a", "a"])));
    assert_eq!(desk.next().unwrap(), Next::Screen(0));
    assert_eq!((desk.progress().screens, desk.left_out), (2, 1), "one was left out, one is to come");
    rank(&mut desk, &[&[0], &[1]]);
    maker.show_file(&line("c1", &["a", "b"]));
    maker.end();
    assert_eq!(desk.next().unwrap(), Next::Screen(1));
    rank(&mut desk, &[&[1], &[0]]);
    assert_eq!(desk.next().unwrap(), Next::Nothing);
    // Both screens are those of a sitting that has all of its candidates.
    let whole = schedule(&[candidates("c0", &["a", "b"]), candidates("c1", &["a", "b"])], 1, 0.0);
    assert_eq!(desk.screens, whole);
    // In the next sitting what was decided stays decided, whether it has come again or not.
    let before = store(folder.path()).read().unwrap().rankings;
    let (mut maker, arrivals) = audience();
    let mut desk = followed(arrivals);
    desk.write().unwrap();
    maker.show_file(&line("c0", &["a", "b"]));
    assert_eq!(desk.next().unwrap(), Next::NotYet);
    desk.write().unwrap();
    assert_eq!(store(folder.path()).read().unwrap().rankings, before);
    drop(maker);
    assert!(desk.next().unwrap_err().is::<crate::live_records::CutOff>());
}
