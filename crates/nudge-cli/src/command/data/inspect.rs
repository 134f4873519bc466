//! `nudge data inspect`: what is understood of a file, in constant memory whatever its size.

use super::reading::each;
use crate::args::Inspect;
use crate::report;
use anyhow::{Context, Result};
use nudge_data::format::Inspection;
use std::cell::RefCell;

/// Reads the file and prints what was understood.
pub fn run(arguments: &Inspect) -> Result<()> {
    let inspection = RefCell::new(None);
    let start = |known: super::reading::Known| {
        inspection.replace(Some(Inspection::new(known.format, &known.layout)));
        Ok(())
    };
    each(&arguments.file, arguments.format, arguments.strict, start, |record| {
        if let Some(inspection) = inspection.borrow_mut().as_mut() {
            inspection.add(record);
        }
        Ok(())
    })?;
    let found = inspection.into_inner().context("the file was not read")?.finish();
    report::result(arguments.json, &found, || found.to_string())
}
