//! One screen as a state machine: a key in, what it means for the sitting out. No terminal, no clock.

use crate::command::rank::desk::Opinion;
use nudge_data::sitting::FLAGS;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The screen stays.
    Stay,
    /// What the person thinks, by places on the screen.
    Ranked(Opinion),
    /// Make the completion at this place better; without one, write an answer.
    Write(Option<usize>),
    /// Passed over.
    Skip,
    /// The screen before, again.
    Undo,
    /// Enough for now.
    Quit,
    /// Ctrl-C.
    Interrupt,
}

/// What lies over the completions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Overlay {
    /// The keys.
    Help,
    /// Flags to choose from; the cursor's place.
    Flags(usize),
    /// Which completions one would send.
    Usable,
}

/// A screen being ranked.
pub struct Sheet {
    /// Completions on the screen.
    pub completions: usize,
    /// Groups of places on the screen so far, best group first.
    pub groups: Vec<Vec<usize>>,
    /// The next completion ties with the one before.
    pub tie: bool,
    /// The completion that the cursor is on.
    pub focus: usize,
    /// Lines by which each completion is scrolled, where completions stand side by side.
    pub scroll: Vec<usize>,
    /// Lines by which all completions are scrolled, where they are stacked.
    pub stack_scroll: usize,
    /// The cursor moved: stacked completions scroll to it.
    pub follow: bool,
    /// Lines below the edge, where completions are stacked.
    pub below: usize,
    /// Completions of which nothing was on the screen yet; the drawing knows them.
    pub unseen: Vec<bool>,
    /// Whether it was drawn as a stack.
    pub drawn: bool,
    /// What lies over the completions.
    pub overlay: Option<Overlay>,
    /// Something to say, until the next key.
    pub message: Option<String>,
    /// Whether each completion is good enough to use.
    pub usable: Vec<bool>,
    /// Whether two models are compared.
    pub compares: bool,
    flagged: [bool; FLAGS.len()],
}

impl Sheet {
    /// An empty screen of `completions` completions.
    pub fn new(completions: usize, message: Option<String>) -> Self {
        Self {
            completions,
            groups: Vec::new(),
            tie: false,
            focus: 0,
            scroll: vec![0; completions],
            stack_scroll: 0,
            follow: true,
            below: 0,
            unseen: vec![false; completions],
            drawn: false,
            overlay: None,
            message,
            usable: vec![false; completions],
            compares: false,
            flagged: [false; FLAGS.len()],
        }
    }

    /// The flags that are set.
    pub fn flags(&self) -> Vec<String> {
        FLAGS.iter().zip(self.flagged).filter(|(_, set)| *set).map(|(flag, _)| flag.to_string()).collect()
    }

    /// Whether the flag at a place of [`FLAGS`] is set.
    pub fn is_flagged(&self, flag: usize) -> bool {
        self.flagged[flag]
    }

    /// The group that holds a completion, from 0.
    pub fn place_of(&self, completion: usize) -> Option<usize> {
        self.groups.iter().position(|group| group.contains(&completion))
    }

    /// True when every completion has its place.
    pub fn is_complete(&self) -> bool {
        (0..self.completions).all(|completion| self.place_of(completion).is_some())
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Outcome {
        self.message = None;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if matches!(key.code, KeyCode::Char('c' | 'C')) { Outcome::Interrupt } else { Outcome::Stay };
        }
        match self.overlay {
            Some(Overlay::Help) => self.overlay = None,
            Some(Overlay::Flags(cursor)) => self.flag_key(key.code, cursor),
            Some(Overlay::Usable) => return self.usable_key(key.code),
            None => return self.ranking_key(key.code),
        }
        Outcome::Stay
    }

    fn ranking_key(&mut self, code: KeyCode) -> Outcome {
        match code {
            KeyCode::Char(digit @ '1'..='9') => self.place(digit as usize - '1' as usize),
            KeyCode::Char('=') => self.tie_next(),
            KeyCode::Backspace | KeyCode::Delete => self.take_back(),
            KeyCode::Tab | KeyCode::Right => self.move_focus(1),
            KeyCode::BackTab | KeyCode::Left => self.move_focus(self.completions.saturating_sub(1)),
            KeyCode::Down => self.scroll_by(1),
            KeyCode::Up => self.scroll_by(-1),
            KeyCode::PageDown => self.scroll_by(10),
            KeyCode::PageUp => self.scroll_by(-10),
            KeyCode::Enter if self.is_complete() && self.compares => self.overlay = Some(Overlay::Usable),
            KeyCode::Enter if self.is_complete() => return Outcome::Ranked(Opinion::order(self.groups.clone())),
            KeyCode::Enter | KeyCode::Char(' ') => self.place(self.focus),
            KeyCode::Char('s' | 'S') => return Outcome::Skip,
            KeyCode::Char('u' | 'U') => return Outcome::Undo,
            KeyCode::Char('q' | 'Q') => return Outcome::Quit,
            KeyCode::Char('e' | 'E') if !self.compares => return Outcome::Write(Some(self.best())),
            KeyCode::Char('w' | 'W') if !self.compares => return Outcome::Write(None),
            KeyCode::Char('f' | 'F') => self.overlay = Some(Overlay::Flags(0)),
            KeyCode::Char('?' | 'h' | 'H') => self.overlay = Some(Overlay::Help),
            _ => {}
        }
        Outcome::Stay
    }

    /// The completion to make better: the best so far, else the one that the cursor is on.
    fn best(&self) -> usize {
        self.groups.first().map_or(self.focus, |group| group[0])
    }

    /// Digits say which completions one would send.
    fn usable_key(&mut self, code: KeyCode) -> Outcome {
        match code {
            KeyCode::Char(digit @ '1'..='9') => {
                if let Some(usable) = self.usable.get_mut(digit as usize - '1' as usize) {
                    *usable = !*usable;
                }
            }
            KeyCode::Enter => {
                let usable = Some(self.usable.clone());
                return Outcome::Ranked(Opinion { usable, ..Opinion::order(self.groups.clone()) });
            }
            KeyCode::Esc | KeyCode::Backspace => self.overlay = None,
            _ => {}
        }
        Outcome::Stay
    }

    /// Puts a completion into the next place.
    fn place(&mut self, completion: usize) {
        let number = completion + 1;
        if completion >= self.completions {
            self.message = Some(format!("there is no completion {number}; there are 1 to {}", self.completions));
        } else if self.unseen[completion] {
            self.message = Some(format!("completion {number} is below the edge: down or page down shows it"));
        } else if self.place_of(completion).is_some() {
            self.message = Some(format!("completion {number} has its place; backspace takes the last one back"));
        } else {
            match self.groups.last_mut() {
                Some(group) if self.tie => group.push(completion),
                _ => self.groups.push(vec![completion]),
            }
            self.tie = false;
            // The cursor goes to what is still to be placed.
            let all = self.completions;
            let open = (0..all).map(|step| (completion + step) % all).find(|one| self.place_of(*one).is_none());
            self.focus = open.unwrap_or(completion);
            self.follow = true;
        }
    }

    fn tie_next(&mut self) {
        if self.groups.is_empty() {
            self.message = Some("name a completion first; = ties the next one with it".into());
        } else if self.is_complete() {
            self.message = Some("every completion has its place; backspace takes the last one back".into());
        } else {
            self.tie = !self.tie;
        }
    }

    /// Takes back the last `=` or completion; a completion that was tied leaves its `=` behind.
    fn take_back(&mut self) {
        if std::mem::take(&mut self.tie) {
            return;
        }
        if let Some(group) = self.groups.last_mut() {
            self.focus = group.pop().unwrap_or(self.focus);
            self.tie = !group.is_empty();
            self.follow = true;
        }
        self.groups.retain(|group| !group.is_empty());
    }

    fn move_focus(&mut self, by: usize) {
        self.focus = (self.focus + by) % self.completions;
        self.follow = true;
    }

    /// The drawing knows how far there is to scroll, and cuts off what is too much.
    fn scroll_by(&mut self, lines: isize) {
        for scroll in [&mut self.scroll[self.focus], &mut self.stack_scroll] {
            *scroll = scroll.saturating_add_signed(lines);
        }
    }

    fn flag_key(&mut self, code: KeyCode, cursor: usize) {
        match code {
            KeyCode::Char(digit @ '1'..='9') if (digit as usize - '1' as usize) < FLAGS.len() => {
                let flag = digit as usize - '1' as usize;
                self.flagged[flag] = !self.flagged[flag];
                self.overlay = None;
            }
            KeyCode::Down | KeyCode::Tab => self.overlay = Some(Overlay::Flags((cursor + 1) % FLAGS.len())),
            KeyCode::Up | KeyCode::BackTab => {
                self.overlay = Some(Overlay::Flags((cursor + FLAGS.len() - 1) % FLAGS.len()));
            }
            KeyCode::Enter | KeyCode::Char(' ') => {
                self.flagged[cursor] = !self.flagged[cursor];
                self.overlay = None;
            }
            _ => self.overlay = None,
        }
    }
}

#[cfg(test)]
#[path = "sheet_test.rs"]
mod tests;
