//! Records that somebody reads while others are still being made.
//!
//! Who makes them shows a record when it is on the disk, so that nobody decides about what a killed process has lost.
//! Who reads them may leave; then the making stops.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// What arrives at the reader.
#[derive(Debug, PartialEq)]
pub enum Arrival {
    /// A record, one line of JSON.
    Record(String),
    /// There are no more.
    End,
    /// Nothing yet.
    Nothing,
}

/// Whoever made the records stopped before the last; it knows why.
#[derive(Debug)]
pub struct CutOff;

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the records ended before the last one was made")
    }
}

impl std::error::Error for CutOff {}

/// The reader, as whoever makes records sees them.
#[derive(Clone)]
pub struct Audience {
    arrivals: Sender<Arrival>,
    /// Made, and not on the disk yet.
    held: Vec<String>,
    left: Arc<AtomicBool>,
}

/// The records, as the reader sees them.
pub struct Arrivals {
    arrivals: Receiver<Arrival>,
    left: Arc<AtomicBool>,
}

/// Both ends.
pub fn audience() -> (Audience, Arrivals) {
    let (sender, receiver) = mpsc::channel();
    let left = Arc::<AtomicBool>::default();
    (Audience { arrivals: sender, held: vec![], left: Arc::clone(&left) }, Arrivals { arrivals: receiver, left })
}

impl Audience {
    /// A record was made.
    pub fn hold(&mut self, record: &str) {
        self.held.push(record.into());
    }

    /// What was made is on the disk.
    pub fn show(&mut self) {
        self.held.drain(..).for_each(|record| drop(self.arrivals.send(Arrival::Record(record))));
    }

    /// The lines of a file were made before.
    pub fn show_file(&mut self, text: &str) {
        text.lines().for_each(|line| self.hold(line));
        self.show();
    }

    /// The last one was made, and everything is on the disk.
    pub fn end(&mut self) {
        self.show();
        let _ = self.arrivals.send(Arrival::End);
    }

    /// Whether nobody reads any more.
    pub fn has_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }
}

impl Arrivals {
    /// The next arrival, waiting no longer than `patience`.
    ///
    /// # Errors
    /// If the records are cut off.
    pub fn next(&self, patience: Duration) -> Result<Arrival, CutOff> {
        match self.arrivals.recv_timeout(patience) {
            Ok(arrival) => Ok(arrival),
            Err(RecvTimeoutError::Timeout) => Ok(Arrival::Nothing),
            Err(RecvTimeoutError::Disconnected) => Err(CutOff),
        }
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.left.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_arrive_when_they_are_on_the_disk() {
        let (mut maker, reader) = audience();
        let next = || reader.next(Duration::ZERO).unwrap();
        maker.show_file("1\n2\n");
        maker.hold("3");
        assert_eq!([next(), next()], ["1", "2"].map(|record| Arrival::Record(record.into())));
        assert_eq!(next(), Arrival::Nothing);
        maker.end();
        assert_eq!([next(), next()], [Arrival::Record("3".into()), Arrival::End]);
    }

    #[test]
    fn both_see_that_the_other_has_left() {
        let (maker, reader) = audience();
        assert!(!maker.has_left());
        drop(reader);
        assert!(maker.has_left());
        let (maker, reader) = audience();
        drop(maker);
        assert!(reader.next(Duration::ZERO).is_err());
    }
}
