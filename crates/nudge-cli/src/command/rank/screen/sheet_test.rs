//! Keys and what they do.

use super::*;

/// Presses keys: a character each, `\n` enter, `<` backspace, `\t` tab, `v` down, `^` up, `|` left.
fn press(sheet: &mut Sheet, keys: &str) -> Outcome {
    let mut outcome = Outcome::Stay;
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '<' => KeyCode::Backspace,
            '\t' => KeyCode::Tab,
            'v' => KeyCode::Down,
            '^' => KeyCode::Up,
            '|' => KeyCode::Left,
            other => KeyCode::Char(other),
        };
        outcome = sheet.key(KeyEvent::new(code, KeyModifiers::NONE));
    }
    outcome
}

fn ranked(completions: usize, keys: &str) -> Option<Vec<Vec<usize>>> {
    match press(&mut Sheet::new(completions, None), keys) {
        Outcome::Ranked(opinion) => Some(opinion.groups),
        _ => None,
    }
}

#[test]
fn digits_rank_and_an_equals_sign_ties() {
    assert_eq!(ranked(4, "21=34\n"), Some(vec![vec![1], vec![0, 2], vec![3]]));
    assert_eq!(ranked(3, "1=2=3\n"), Some(vec![vec![0, 1, 2]]));
    assert_eq!(ranked(2, "1==2\n"), Some(vec![vec![0], vec![1]]), "the second = takes the first one back");
    assert_eq!(ranked(2, "12"), None, "nothing counts before enter");
}

#[test]
fn the_cursor_ranks_without_digits() {
    // Enter places what the cursor is on; it goes on to the next completion without a place.
    assert_eq!(ranked(3, "\t\n\n\n\n"), Some(vec![vec![1], vec![2], vec![0]]));
    assert_eq!(ranked(3, "|\n= \n\n"), Some(vec![vec![2, 0], vec![1]]));
}

#[test]
fn backspace_takes_back_one_key() {
    assert_eq!(ranked(3, "1=2<3<<23\n"), Some(vec![vec![0], vec![1], vec![2]]), "2 goes, 3 comes and goes, = goes");
    let mut sheet = Sheet::new(3, None);
    press(&mut sheet, "1=2");
    for expected in [(vec![vec![0]], true), (vec![vec![0]], false), (vec![], false), (vec![], false)] {
        press(&mut sheet, "<");
        assert_eq!((sheet.groups.clone(), sheet.tie), expected);
    }
}

#[test]
fn mistakes_are_said_and_change_nothing() {
    for (keys, part) in
        [("4", "there is no completion 4"), ("11", "has its place"), ("=", "first"), ("123=", "every completion")]
    {
        let mut sheet = Sheet::new(3, None);
        press(&mut sheet, keys);
        assert!(sheet.message.as_ref().is_some_and(|message| message.contains(part)), "{keys}: {:?}", sheet.message);
        press(&mut sheet, "?");
        assert_eq!(sheet.message, None);
    }
}

#[test]
fn letters_leave_the_screen() {
    for (key, outcome) in
        [("s", Outcome::Skip), ("u", Outcome::Undo), ("q", Outcome::Quit), ("Q", Outcome::Quit), ("x", Outcome::Stay)]
    {
        assert_eq!(press(&mut Sheet::new(2, None), key), outcome);
    }
    let control = |letter| Sheet::new(2, None).key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL));
    assert_eq!((control('c'), control('s')), (Outcome::Interrupt, Outcome::Stay));
}

#[test]
fn flags_are_chosen_in_a_menu() {
    let mut sheet = Sheet::new(2, None);
    assert_eq!(press(&mut sheet, "f2"), Outcome::Stay);
    assert_eq!((sheet.flags(), sheet.overlay), (vec!["harmful".to_string()], None));
    press(&mut sheet, "f^\nfv\n");
    assert_eq!(sheet.flags(), ["other"], "harmful is taken back");
    press(&mut sheet, "fx");
    assert_eq!((sheet.flags(), sheet.overlay), (vec!["other".to_string()], None));
    assert_eq!(press(&mut sheet, "fs"), Outcome::Stay, "a letter in the menu only closes it");
}

#[test]
fn the_best_completion_is_made_better_or_an_answer_written() {
    assert_eq!(press(&mut Sheet::new(3, None), "2e"), Outcome::Write(Some(1)));
    assert_eq!(press(&mut Sheet::new(3, None), "\te"), Outcome::Write(Some(1)), "the one under the cursor");
    assert_eq!(press(&mut Sheet::new(3, None), "w"), Outcome::Write(None));
}

#[test]
fn who_compares_says_what_they_would_send() {
    let mut sheet = Sheet::new(2, None);
    sheet.compares = true;
    assert_eq!(press(&mut sheet, "ew21\n"), Outcome::Stay, "nothing is edited");
    assert_eq!(sheet.overlay, Some(Overlay::Usable));
    let Outcome::Ranked(opinion) = press(&mut sheet, "122\n") else { panic!("it is decided") };
    assert_eq!((opinion.groups, opinion.usable), (vec![vec![1], vec![0]], Some(vec![true, false])));
}

#[test]
fn help_closes_with_any_key() {
    let mut sheet = Sheet::new(2, None);
    press(&mut sheet, "?");
    assert_eq!(sheet.overlay, Some(Overlay::Help));
    assert_eq!(press(&mut sheet, "q"), Outcome::Stay);
    assert_eq!(sheet.overlay, None);
}
