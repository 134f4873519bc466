//! Colours that read on dark and on light backgrounds: the terminal's own foreground for text, two of its colours for
//! places and warnings, and nothing that only a colour says. `NO_COLOR` (no-color.org) leaves bold and reverse.

use ratatui::style::{Color, Modifier, Style};

/// How the parts of a screen look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Theme {
    /// Titles.
    pub title: Style,
    /// A completion that has its place.
    pub placed: Style,
    /// What the cursor is on.
    pub focus: Style,
    /// Flags and messages.
    pub notice: Style,
    /// What is there for beginners.
    pub quiet: Style,
}

impl Theme {
    /// As the environment asks for.
    pub fn from_environment() -> Self {
        Self::new(std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    /// With or without colours.
    pub fn new(colour: bool) -> Self {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let coloured = |style: Style, color: Color| if colour { style.fg(color) } else { style };
        Self {
            title: bold,
            placed: coloured(bold, Color::Green),
            focus: bold.add_modifier(Modifier::REVERSED),
            notice: coloured(bold, Color::Magenta),
            quiet: Style::new().add_modifier(Modifier::DIM),
        }
    }
}
