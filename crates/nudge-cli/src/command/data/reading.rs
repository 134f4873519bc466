//! A file of records being read from end to end, with its progress.

use crate::failure::Interrupted;
use crate::{input, interrupt};
use anyhow::{Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use nudge_data::format::{Read, detect, plain_prompts, read};
use nudge_data::source::Layout;
use nudge_data::{Format, Found, Source};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

/// Records between two looks at the clock and at Ctrl-C.
const OFTEN: usize = 256;

/// A file whose format is known and whose records are still to be read.
pub struct Opened {
    /// Its format.
    pub format: Format,
    /// How it is laid out, such as `jsonl` or `jsonl, gzip`.
    pub layout: String,
    name: String,
    bytes: u64,
    source: Rc<RefCell<Source<'static>>>,
    found: Box<dyn Iterator<Item = Found>>,
}

impl Opened {
    /// Opens `path` and tells its format, unless the user has named it.
    pub fn new(path: &Path, format: Option<Format>) -> Result<Self> {
        Self::open(path, format, |_, source| Box::new(source))
    }

    /// The same where prompts are wanted: plain texts are prompts.
    pub fn prompts(path: &Path, format: Option<Format>) -> Result<Self> {
        Self::open(path, format, |layout, source| Box::new(plain_prompts(layout, source)))
    }

    fn open(
        path: &Path,
        format: Option<Format>,
        records: impl FnOnce(Layout, Shared) -> Box<dyn Iterator<Item = Found>>,
    ) -> Result<Self> {
        let name = path.display().to_string();
        let source = input::open(path)?;
        let kind = source.layout();
        let layout = match source.compression().name() {
            "none" => source.layout().name().to_string(),
            compression => format!("{}, {compression}", source.layout().name()),
        };
        let source = Rc::new(RefCell::new(source));
        let found = records(kind, Shared(Rc::clone(&source)));
        let detected = detect(&name, found, format).map_err(|reason| anyhow!("{reason}; name it with --format"))?;
        let bytes = std::fs::metadata(path).map_or(0, |data| data.len());
        Ok(Self { format: detected.format, layout, name, bytes, source, found: Box::new(detected.found) })
    }

    /// Gives every entry or drop to `take`. With `strict` the first drop is an error.
    pub fn each(self, strict: bool, mut take: impl FnMut(&Read) -> Result<()>) -> Result<()> {
        let bar = bar(self.bytes);
        for (index, record) in read(self.format, self.found).enumerate() {
            if let (true, Err(reason)) = (strict, &record.result) {
                bail!("{}, line {}: {reason}", self.name, record.line);
            }
            take(&record)?;
            if index % OFTEN == 0 {
                bar.set_position(self.source.borrow().bytes_read());
                if interrupt::requested() {
                    return Err(Interrupted { go_on: None }.into());
                }
            }
        }
        bar.finish_and_clear();
        Ok(())
    }
}

/// A source that is read by one and asked for its position by another.
struct Shared(Rc<RefCell<Source<'static>>>);

impl Iterator for Shared {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        self.0.borrow_mut().next()
    }
}

fn bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
