//! `nudge data inspect`: what is understood of a file, in constant memory whatever its size.

use super::reading::Opened;
use crate::args::Inspect;
use crate::report;
use anyhow::Result;
use nudge_data::format::Inspection;

/// Reads the file and prints what was understood.
pub fn run(arguments: &Inspect) -> Result<()> {
    let opened = Opened::new(&arguments.file, arguments.format)?;
    let mut inspection = Inspection::new(opened.format, &opened.layout);
    opened.each(arguments.strict, |record| {
        inspection.add(record);
        Ok(())
    })?;
    let found = inspection.finish();
    report::result(arguments.json, &found, || found.to_string())
}
