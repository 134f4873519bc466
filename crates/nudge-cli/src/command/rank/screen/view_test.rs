//! Drawings on terminals of several sizes, in memory.

use super::*;
use crate::command::rank::schedule::{schedule, tests::candidates};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Cell;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

const LONG: &str = "alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa \
    quebec romeo sierra tango uniform victor whiskey xray yankee zulu";

fn screen(completions: &[&str]) -> Screen {
    schedule(&[candidates("x", completions)], 1, 0.0).remove(0)
}

/// The rows of a drawing.
fn drawn(width: u16, height: u16, screen: &Screen, sheet: &mut Sheet) -> Vec<String> {
    let progress =
        Progress { screens: 30, ranked: 2, skipped: 1, flagged: 1, repeats: 3, repeats_ranked: 1, seconds: Some(24.4) };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, 3, &progress, screen, sheet, &Theme::new(true))).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(row).collect()
}

fn key(sheet: &mut Sheet, code: KeyCode) {
    sheet.key(KeyEvent::new(code, KeyModifiers::NONE));
}

#[test]
fn wide_terminals_show_completions_side_by_side() {
    let screen = screen(&["one one", "two two", "three three", LONG]);
    let mut sheet = Sheet::new(4, None);
    sheet.key(KeyEvent::new(KeyCode::Char('2'), KeyModifiers::NONE));
    let rows = drawn(120, 40, &screen, &mut sheet);
    assert!(rows[0].starts_with("4 of 30 | 1 skipped | 1 flagged | 1 of 3 repeats | 24 s a screen"), "{}", rows[0]);
    assert!(rows[1].starts_with("prompt x"), "{}", rows[1]);
    for title in [" 1 ", " 2: place 1 ", " 3 ", " 4 "] {
        assert!(rows[2].contains(title), "{}", rows[2]);
    }
    for words in ["one one", "two two", "three three", "alpha bravo"] {
        assert!(rows[3].contains(words), "{words} is not in {}", rows[3]);
    }
    let all = rows.join("\n");
    assert!(LONG.split(' ').all(|word| all.contains(word)), "{all}");
    assert!(rows[38].starts_with("Best to worst: 2 > _"), "{}", rows[38]);
    assert!(rows[39].contains("? help"), "{}", rows[39]);
}

#[test]
fn narrow_terminals_stack_them() {
    let screen = screen(&["one one", "two two", "three three", LONG]);
    let rows = drawn(60, 24, &screen, &mut Sheet::new(4, None));
    let heading = |number: &str| rows.iter().position(|row| row.trim() == number).unwrap();
    for completion in 0..4 {
        let text = completion_text(&screen, completion);
        let row = heading(&(completion + 1).to_string());
        assert!(text.starts_with(rows[row + 1].trim()), "{}", rows.join("\n"));
    }
}

#[test]
fn what_is_below_the_edge_is_marked_and_not_ranked_unseen() {
    let screen = screen(&[LONG, &format!("{LONG} one"), &format!("{LONG} two"), &format!("{LONG} three")]);
    let mut sheet = Sheet::new(4, None);
    let rows = drawn(60, 12, &screen, &mut sheet);
    assert!(rows[11].contains("lines below: down"), "{}", rows[11]);
    key(&mut sheet, KeyCode::Char('4'));
    assert!(
        sheet.groups.is_empty() && sheet.message.as_ref().is_some_and(|message| message.contains("below the edge"))
    );
    for _ in 0..4 {
        key(&mut sheet, KeyCode::PageDown);
        drawn(60, 12, &screen, &mut sheet);
    }
    key(&mut sheet, KeyCode::Char('4'));
    assert_eq!(sheet.groups, [[3]], "it was seen");
    assert_eq!(sheet.below, 0);
}

#[test]
fn small_terminals_scroll_to_the_cursor() {
    let screen = screen(&["one one", "two two", "three three", LONG]);
    let mut sheet = Sheet::new(4, None);
    let mut seen = String::new();
    for completion in 0..4 {
        let rows = drawn(20, 8, &screen, &mut sheet);
        assert!(rows.iter().any(|row| row.trim() == (completion + 1).to_string()), "{completion}: {}", rows.join("\n"));
        for _ in 0..20 {
            seen += &drawn(20, 8, &screen, &mut sheet).join("\n");
            key(&mut sheet, KeyCode::Down);
        }
        key(&mut sheet, KeyCode::Tab);
    }
    for completion in 0..4 {
        assert!(completion_text(&screen, completion).split(' ').all(|word| seen.contains(word)), "{seen}");
    }
}

#[test]
fn a_long_completion_says_how_much_is_hidden_and_scrolls_no_further_than_its_end() {
    let long = format!("{LONG}\n").repeat(20) + "the end";
    let screen = screen(&[&long, "short"]);
    let mut sheet = Sheet::new(2, None);
    sheet.focus = screen.shown.iter().position(|index| *index == 0).unwrap();
    let all = drawn(120, 20, &screen, &mut sheet).join("\n");
    assert!(all.contains("lines below") && !all.contains("the end"), "{all}");
    for _ in 0..50 {
        key(&mut sheet, KeyCode::PageDown);
    }
    let all = drawn(120, 20, &screen, &mut sheet).join("\n");
    assert!(all.contains("the end") && all.contains("lines above"), "{all}");
    key(&mut sheet, KeyCode::Up);
    let all = drawn(120, 20, &screen, &mut sheet).join("\n");
    assert!(all.contains("1 below"), "{all}");
}

#[test]
fn any_size_is_drawn() {
    let wide = "\u{1f600}\u{65e5}\u{672c}\u{8a9e} e\u{301}".repeat(40);
    let screen = screen(&[&wide, "", "a\u{1b}[2Jb\u{202e}c", "\n\n\n", LONG]);
    for (width, height) in [(0, 0), (1, 1), (2, 3), (5, 2), (20, 8), (60, 24), (300, 3), (120, 40), (3, 100)] {
        let mut sheet = Sheet::new(screen.shown.len(), Some("a message".into()));
        for code in [
            KeyCode::Tab,
            KeyCode::Char('1'),
            KeyCode::Char('='),
            KeyCode::Char('f'),
            KeyCode::Enter,
            KeyCode::Char('?'),
        ] {
            let all = drawn(width, height, &screen, &mut sheet).join("\n");
            assert!(!all.contains('\u{1b}') && !all.contains('\u{202e}'));
            key(&mut sheet, code);
        }
        drawn(width, height, &screen, &mut sheet);
    }
}

#[test]
fn menus_lie_over_the_completions() {
    let screen = screen(&["one", "two"]);
    let mut sheet = Sheet::new(2, None);
    key(&mut sheet, KeyCode::Char('f'));
    key(&mut sheet, KeyCode::Char('2'));
    key(&mut sheet, KeyCode::Char('f'));
    let all = drawn(60, 24, &screen, &mut sheet).join("\n");
    assert!(all.contains("2 [x] harmful") && all.contains("3 [ ] off topic"), "{all}");
    key(&mut sheet, KeyCode::Esc);
    key(&mut sheet, KeyCode::Char('?'));
    let rows = drawn(60, 24, &screen, &mut sheet);
    assert!(rows[0].contains("flagged: harmful"), "{}", rows[0]);
    assert!(rows.join("\n").contains("undo the screen before"), "{}", rows.join("\n"));
}

#[test]
fn without_colour_nothing_is_coloured() {
    let screen = screen(&["one", "two"]);
    let mut sheet = Sheet::new(2, Some("a message".into()));
    sheet.key(KeyEvent::new(KeyCode::Char('1'), KeyModifiers::NONE));
    let colours = |colour: bool, sheet: &mut Sheet| {
        let mut terminal = Terminal::new(TestBackend::new(80, 20)).unwrap();
        terminal.draw(|frame| draw(frame, 0, &Progress::default(), &screen, sheet, &Theme::new(colour))).unwrap();
        let reset = |cell: &ratatui::buffer::Cell| cell.fg == ratatui::style::Color::Reset;
        terminal.backend().buffer().content().iter().filter(|cell| !reset(cell)).count()
    };
    assert!(colours(true, &mut sheet) > 0);
    assert_eq!(colours(false, &mut sheet), 0);
}

#[test]
fn waiting_for_the_next_screen_is_said() {
    let progress = Progress { screens: 30, ranked: 2, skipped: 1, ..Progress::default() };
    for width in [80, 40, 20] {
        let mut terminal = Terminal::new(TestBackend::new(width, 8)).unwrap();
        terminal.draw(|frame| draw_waiting(frame, &progress, &Theme::new(true))).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |cells: &[Cell]| cells.iter().map(|cell| cell.symbol()).collect::<String>();
        let text: Vec<String> = buffer.content().chunks(width.into()).map(row).collect();
        let text = text.join(" ");
        let words: Vec<&str> = text.split_whitespace().collect();
        assert!(words.join(" ").starts_with("3 of 30 The next completions are still being sampled"), "{words:?}");
    }
}

#[test]
fn the_keys_have_room_in_a_narrow_terminal() {
    let screen = screen(&["one", "two"]);
    let mut sheet = Sheet::new(2, None);
    let rows = drawn(40, 30, &screen, &mut sheet);
    assert_eq!(rows[29].trim_end(), "1-9 rank  s skip  q stop  ? help");
    key(&mut sheet, KeyCode::Char('?'));
    let all = drawn(40, 30, &screen, &mut sheet).concat();
    let words: Vec<&str> = all.split([' ', '│']).filter(|word| !word.is_empty()).collect();
    for (_, what) in KEYS {
        // The name of a key stands before the first line alone.
        assert!(what.split(' ').all(|word| words.contains(&word)), "{what} is not in {all}");
    }
}
