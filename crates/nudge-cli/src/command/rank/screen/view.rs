//! Draws a screen: how far the sitting is, prompt, completions side by side or stacked, the ranking so far, the keys.
//!
//! Any size is drawn; what does not fit is scrolled to or cut off.

use super::sheet::{Overlay, Sheet};
use super::theme::Theme;
use crate::command::rank::desk::Progress;
use crate::command::rank::for_terminal;
use crate::command::rank::plain::WAITING;
use crate::command::rank::schedule::Screen;
use nudge_data::sitting::FLAGS;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Wrap};

/// Completions stand side by side where each has at least so many columns, border included.
const COLUMN: u16 = 28;
/// ... and at least so many rows.
const COLUMN_HEIGHT: u16 = 6;

const KEYS: [(&str, &str); 13] = [
    ("1 to 9", "put the completion into the next place, best first"),
    ("=", "tie the next completion with the one before"),
    ("backspace", "take back the last key"),
    ("tab, arrows", "go to the next completion"),
    ("enter", "put it into the next place; when all have one: keep"),
    ("up, down", "scroll a long completion, page up and down by ten"),
    ("e", "make the best completion better, in your editor"),
    ("w", "write an answer where none is good"),
    ("s", "skip"),
    ("f", "flag what you see, then rank or skip it"),
    ("u", "undo the screen before"),
    ("q", "stop; everything is saved"),
    ("?", "these keys"),
];

/// The keys, where there is room.
const HINT: &str = "1-9 rank  = tie  e edit  w write  s skip  f flag  u undo  q stop  ? help";

/// Columns for the name of a key.
const KEY: u16 = 13;

/// Draws the screen at `place`.
pub fn draw(frame: &mut Frame, place: usize, progress: &Progress, screen: &Screen, sheet: &mut Sheet, theme: &Theme) {
    let area = frame.area();
    let prompt = wrap(&for_terminal(&screen.candidates.prompt.to_string()), area.width);
    let prompt_height = (prompt.len() as u16).clamp(1, (area.height / 4).max(1));
    let [top, asked, completions, ranking, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(prompt_height),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(header(place, progress, screen, sheet, theme), top);
    let prompt: Vec<Line> = prompt.into_iter().map(|line| Line::styled(line, theme.title)).collect();
    frame.render_widget(Paragraph::new(prompt), asked);
    if completions.width / sheet.completions as u16 >= COLUMN && completions.height >= COLUMN_HEIGHT {
        columns(frame, completions, screen, sheet, theme);
    } else {
        stack(frame, completions, screen, sheet, theme);
    }
    frame.render_widget(ranking_line(sheet, theme), ranking);
    frame.render_widget(hint(sheet, bottom.width, theme), bottom);
    match sheet.overlay {
        Some(Overlay::Help) => help(frame, theme),
        Some(Overlay::Flags(cursor)) => flag_menu(frame, sheet, cursor, theme),
        Some(Overlay::Usable) => usable_menu(frame, sheet, theme),
        None => {}
    }
}

/// Draws what is seen while the next screen is still being made.
pub fn draw_waiting(frame: &mut Frame, progress: &Progress, theme: &Theme) {
    let decided = progress.ranked + progress.skipped;
    let lines = [
        Line::styled(format!("{decided} of {}", progress.screens), theme.title),
        Line::raw(WAITING),
        Line::styled("q stop; everything is saved", theme.quiet),
    ];
    frame.render_widget(Paragraph::new(lines.to_vec()).wrap(Wrap { trim: true }), frame.area());
}

fn header<'a>(place: usize, progress: &Progress, screen: &Screen, sheet: &Sheet, theme: &Theme) -> Line<'a> {
    // On a narrow terminal the end is cut off: what is most worth knowing comes first.
    let flags = sheet.flags();
    let flags = if flags.is_empty() { String::new() } else { format!(" | flagged: {}", flags.join(", ")) };
    let mut parts = Vec::new();
    parts.extend(screen.repeat_of.map(|_| "again, in another order".to_string()));
    parts.extend((progress.skipped > 0).then(|| format!("{} skipped", progress.skipped)));
    parts.extend((progress.flagged > 0).then(|| format!("{} flagged", progress.flagged)));
    parts
        .extend((progress.repeats > 0).then(|| format!("{} of {} repeats", progress.repeats_ranked, progress.repeats)));
    parts.extend(progress.seconds.map(|seconds| format!("{seconds:.0} s a screen")));
    let parts: String = parts.iter().map(|part| format!(" | {part}")).collect();
    Line::from(vec![
        Span::styled(format!("{} of {}", place + 1, progress.screens), theme.title),
        Span::styled(flags, theme.notice),
        Span::styled(parts, theme.quiet),
    ])
}

/// What stands above a completion: its number, and its place once it has one.
fn heading(completion: usize, sheet: &Sheet) -> String {
    match sheet.place_of(completion) {
        Some(place) if sheet.groups[place].len() > 1 => format!(" {}: place {}, tied ", completion + 1, place + 1),
        Some(place) => format!(" {}: place {} ", completion + 1, place + 1),
        None => format!(" {} ", completion + 1),
    }
}

fn heading_style(completion: usize, sheet: &Sheet, theme: &Theme) -> ratatui::style::Style {
    let style = if sheet.place_of(completion).is_some() { theme.placed } else { theme.title };
    if sheet.focus == completion { style.patch(theme.focus) } else { style }
}

fn completion_text(screen: &Screen, completion: usize) -> String {
    for_terminal(&screen.candidates.completions[screen.shown[completion]].text)
}

fn columns(frame: &mut Frame, mut area: Rect, screen: &Screen, sheet: &mut Sheet, theme: &Theme) {
    let widths = vec![Constraint::Fill(1); sheet.completions];
    // No higher than the longest completion needs, border included.
    let column = area.width / sheet.completions as u16 - 2;
    let longest =
        (0..sheet.completions).map(|one| wrap(&completion_text(screen, one), column).len()).max().unwrap_or(0);
    area.height = area.height.min(longest.saturating_add(2).min(u16::MAX.into()) as u16);
    for (completion, column) in Layout::horizontal(widths).split(area).iter().enumerate() {
        let style = heading_style(completion, sheet, theme);
        let mut block = Block::bordered().title(Span::styled(heading(completion, sheet), style));
        if sheet.focus == completion {
            block = block.border_type(BorderType::Thick);
        }
        let inside = block.inner(*column);
        let lines = wrap(&completion_text(screen, completion), inside.width);
        let height = inside.height as usize;
        sheet.scroll[completion] = sheet.scroll[completion].min(lines.len().saturating_sub(height));
        let below = lines.len().saturating_sub(height + sheet.scroll[completion]);
        if below > 0 || sheet.scroll[completion] > 0 {
            block = block.title_bottom(Span::styled(more(sheet.scroll[completion], below), theme.quiet));
        }
        let shown: Vec<Line> = lines.into_iter().skip(sheet.scroll[completion]).take(height).map(Line::from).collect();
        frame.render_widget(block, *column);
        frame.render_widget(Paragraph::new(shown), inside);
    }
}

fn more(above: usize, below: usize) -> String {
    match (above, below) {
        (_, 0) => format!(" {above} lines above "),
        (0, _) => format!(" {below} lines below "),
        _ => format!(" {above} above, {below} below "),
    }
}

fn stack(frame: &mut Frame, area: Rect, screen: &Screen, sheet: &mut Sheet, theme: &Theme) {
    let mut lines = Vec::new();
    let (mut focus, mut ranges) = (0..0, Vec::new());
    for completion in 0..sheet.completions {
        let from = lines.len();
        lines.push(Line::styled(heading(completion, sheet), heading_style(completion, sheet, theme)));
        let text = wrap(&completion_text(screen, completion), area.width.saturating_sub(2));
        lines.extend(text.into_iter().map(|line| Line::from(format!("  {line}"))));
        if completion == sheet.focus {
            focus = from..lines.len();
        }
        ranges.push(from..lines.len());
    }
    let height = area.height as usize;
    if std::mem::take(&mut sheet.follow) {
        // Its end first, then its heading, which matters more.
        sheet.stack_scroll = sheet.stack_scroll.max(focus.end.saturating_sub(height)).min(focus.start);
    }
    sheet.stack_scroll = sheet.stack_scroll.min(lines.len().saturating_sub(height));
    let end = sheet.stack_scroll + height;
    sheet.below = lines.len().saturating_sub(end);
    // The heading alone shows nothing of a completion.
    let is_shown = |range: &std::ops::Range<usize>| range.start + 1 < end && range.end > sheet.stack_scroll;
    let unseen = |(range, unseen): (_, &bool)| *unseen && !is_shown(range);
    sheet.unseen = match sheet.drawn {
        true => ranges.iter().zip(&sheet.unseen).map(unseen).collect(),
        false => ranges.iter().map(|range| !is_shown(range)).collect(),
    };
    sheet.drawn = true;
    let shown: Vec<Line> = lines.into_iter().skip(sheet.stack_scroll).take(height).collect();
    frame.render_widget(Paragraph::new(shown), area);
}

fn ranking_line<'a>(sheet: &Sheet, theme: &Theme) -> Line<'a> {
    let group = |group: &Vec<usize>| group.iter().map(|one| (one + 1).to_string()).collect::<Vec<_>>().join(" = ");
    let mut text = sheet.groups.iter().map(group).collect::<Vec<_>>().join(" > ");
    if !sheet.is_complete() {
        text += match (sheet.groups.is_empty(), sheet.tie) {
            (true, _) => "_",
            (false, true) => " = _",
            (false, false) => " > _",
        };
    }
    Line::from(vec![Span::raw("Best to worst: "), Span::styled(text, theme.placed)])
}

fn hint<'a>(sheet: &Sheet, width: u16, theme: &Theme) -> Line<'a> {
    if let Some(message) = &sheet.message {
        return Line::styled(message.clone(), theme.notice);
    }
    match sheet.is_complete() {
        true => Line::styled("enter keeps it, backspace takes back", theme.title),
        false if sheet.below > 0 => Line::styled(
            format!("{} lines below: down, page down  |  1-9 rank  s skip  q stop  ? help", sheet.below),
            theme.title,
        ),
        false if HINT.len() > width.into() => Line::styled("1-9 rank  s skip  q stop  ? help", theme.quiet),
        false => Line::styled(HINT, theme.quiet),
    }
}

fn help(frame: &mut Frame, theme: &Theme) {
    let width = frame.area().width.min(68);
    let of_key = |(key, what): &(&'static str, &str)| {
        let lines = wrap(what, width.saturating_sub(KEY + 2)).into_iter().enumerate();
        let line = |(number, text): (usize, String)| {
            let key = if number == 0 { *key } else { "" };
            Line::from(vec![Span::styled(format!("{key:<width$}", width = KEY.into()), theme.title), Span::raw(text)])
        };
        lines.map(line).collect::<Vec<_>>()
    };
    popup(frame, " Keys ", KEYS.iter().flat_map(of_key).collect(), width);
}

fn flag_menu(frame: &mut Frame, sheet: &Sheet, cursor: usize, theme: &Theme) {
    let lines = FLAGS.iter().enumerate().map(|(flag, name)| {
        let mark = if sheet.is_flagged(flag) { 'x' } else { ' ' };
        let style = if flag == cursor { theme.focus } else { theme.title };
        Line::styled(format!("{} [{mark}] {}", flag + 1, name.replace('_', " ")), style)
    });
    popup(frame, " Flag as ", lines.collect(), 24);
}

fn usable_menu(frame: &mut Frame, sheet: &Sheet, theme: &Theme) {
    let mut lines: Vec<Line> = sheet
        .usable
        .iter()
        .enumerate()
        .map(|(completion, usable)| {
            let mark = if *usable { 'x' } else { ' ' };
            Line::styled(format!("{} [{mark}] good enough to send", completion + 1), theme.title)
        })
        .collect();
    lines.push(Line::styled("enter keeps it, escape goes back", theme.quiet));
    popup(frame, " Would you send it? ", lines, 36);
}

fn popup(frame: &mut Frame, title: &str, lines: Vec<Line>, width: u16) {
    let height = lines.len() as u16 + 2;
    let area = frame.area().centered(Constraint::Length(width), Constraint::Length(height));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title.to_string())), area);
}

/// A text in lines of at most `width` columns; what was a line of its own stays one.
fn wrap(text: &str, width: u16) -> Vec<String> {
    let wrapped = textwrap::wrap(text, usize::from(width.max(1)));
    wrapped.into_iter().map(|line| line.into_owned()).collect()
}

#[cfg(test)]
#[path = "view_test.rs"]
mod tests;
