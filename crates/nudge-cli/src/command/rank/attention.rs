//! How long a person looked at a screen. The clock pauses two minutes after the last key, until the next one.

use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Without a key for longer, nobody is looking.
const AWAY: Duration = Duration::from_secs(120);

/// The clock of one screen.
pub struct Attention {
    /// When the screen was shown, in RFC 3339, UTC, whole seconds.
    pub started_at: Option<String>,
    last: Instant,
    counted: Duration,
}

impl Attention {
    /// Starts now.
    pub fn start() -> Self {
        let now = OffsetDateTime::now_utc().replace_nanosecond(0);
        Self::at(Instant::now(), now.ok().and_then(|now| now.format(&Rfc3339).ok()))
    }

    /// Nobody looks: a program judges.
    pub fn none() -> Self {
        Self::at(Instant::now(), None)
    }

    fn at(now: Instant, started_at: Option<String>) -> Self {
        Self { started_at, last: now, counted: Duration::ZERO }
    }

    /// A key was pressed.
    pub fn key(&mut self) {
        self.key_at(Instant::now());
    }

    fn key_at(&mut self, now: Instant) {
        self.counted += now.duration_since(self.last).min(AWAY);
        self.last = now;
    }

    /// Seconds up to the last key, to a tenth.
    pub fn seconds(&self) -> f32 {
        (self.counted.as_secs_f32() * 10.0).round() / 10.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_away_does_not_count() {
        let start = Instant::now();
        let mut attention = Attention::at(start, None);
        for seconds in [3, 10, 10 + 3600, 10 + 3600 + 4] {
            attention.key_at(start + Duration::from_secs(seconds));
        }
        assert_eq!(attention.seconds(), 3.0 + 7.0 + 120.0 + 4.0);
    }

    #[test]
    fn the_start_is_a_date_and_time_in_utc() {
        let started_at = Attention::start().started_at.unwrap();
        assert!(started_at.len() == "2026-01-02T03:04:05Z".len() && started_at.ends_with('Z'), "{started_at}");
    }
}
