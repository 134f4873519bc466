//! The date that a template may print.
//!
//! Llama 3 and others print the day into the system's turn. A library has no clock, and a model that was tuned on one
//! day should not see another prompt on the next, so the date is the caller's to give.

use minijinja::{Error, ErrorKind};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// 26 July 2024: what Llama 3.1 and 3.2 print where there is no clock.
    pub const FIXED: Self = Self { year: 2024, month: 7, day: 26 };

    /// The day, or `None` if the calendar has no such day. Months and days count from 1.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            _ => return None,
        };
        ((1..=days).contains(&day) && (1..=9999).contains(&year)).then_some(Self { year, month, day })
    }

    /// Python's `strftime` for dates; a time of day is midnight.
    pub(super) fn strftime(self, format: &str) -> Result<String, Error> {
        let mut out = String::new();
        let mut characters = format.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                out.push(character);
                continue;
            }
            let (padded, code) = match characters.next() {
                Some('-') => (false, characters.next()),
                code => (true, code),
            };
            let field = code.and_then(|code| self.field(code)).ok_or_else(|| {
                let reason = format!("strftime_now is asked for {format:?}, of which a part is not a date's");
                Error::new(ErrorKind::InvalidOperation, reason)
            })?;
            out.push_str(if padded { &field } else { field.trim_start_matches(['0', ' ']) });
        }
        Ok(out)
    }

    fn field(self, code: char) -> Option<String> {
        let month = MONTHS[usize::from(self.month) - 1];
        let weekday = WEEKDAYS[self.weekday()];
        Some(match code {
            'Y' => format!("{:04}", self.year),
            'y' => format!("{:02}", self.year % 100),
            'm' => format!("{:02}", self.month),
            'd' => format!("{:02}", self.day),
            'e' => format!("{:2}", self.day),
            'B' => month.to_owned(),
            'b' => month[..3].to_owned(),
            'A' => weekday.to_owned(),
            'a' => weekday[..3].to_owned(),
            'F' => format!("{:04}-{:02}-{:02}", self.year, self.month, self.day),
            'H' | 'M' | 'S' => "00".to_owned(),
            '%' => "%".to_owned(),
            _ => return None,
        })
    }

    /// Days since a Sunday, modulo 7, by Sakamoto's table.
    fn weekday(self) -> usize {
        const SHIFT: [usize; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = usize::from(self.year) - usize::from(self.month < 3);
        (year + year / 4 - year / 100 + year / 400 + SHIFT[usize::from(self.month) - 1] + usize::from(self.day)) % 7
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_python_writes_them() {
        let date = Date::new(2024, 7, 6).expect("a day");
        assert_eq!(
            date.strftime("%d %b %Y|%-d %B %y|%A, %a|%F %%").expect("formats"),
            "06 Jul 2024|6 July 24|Saturday, Sat|2024-07-06 %"
        );
        assert!(date.strftime("%Q").expect_err("is refused").to_string().contains("%Q"));
        assert!(date.strftime("%").is_err());
    }

    #[test]
    fn the_calendar_is_kept() {
        let weekday = |year, month, day| Date::new(year, month, day).expect("a day").field('A').expect("a name");
        assert_eq!(
            [weekday(2000, 2, 29), weekday(1970, 1, 1), weekday(2026, 11, 21)],
            ["Tuesday", "Thursday", "Saturday"]
        );
        for (year, month, day) in
            [(1900, 2, 29), (2023, 2, 29), (2024, 4, 31), (2024, 13, 1), (2024, 0, 1), (2024, 1, 0), (0, 1, 1)]
        {
            assert_eq!(Date::new(year, month, day), None);
        }
    }
}
