//! `nudge self-check`: what the device computes beside what it should compute, a line a check.
//!
//! A check that fails fails the command.

use super::Workplace;
use crate::args::SelfCheck;
use crate::device::{self, DeviceChoice};
use crate::report;
use crate::table::Table;
use anyhow::{Result, bail};
use futures_lite::future::block_on;
use nudge_session::self_check::{self, Report};
use serde::Serialize;

/// What `--json` prints.
#[derive(Serialize)]
struct Checked<'a> {
    /// `cpu`, `wgpu` or `cuda`.
    device: &'static str,
    #[serde(flatten)]
    report: &'a Report,
}

/// Checks the device against the CPU, prints all checks, and fails if one of them does.
pub fn run(arguments: &SelfCheck) -> Result<()> {
    let workplace = Workplace::open(arguments.common.device)?;
    let cpu = device::open(DeviceChoice::Cpu)?.device;
    let report = block_on(self_check::run(workplace.session.device(), &cpu))?;
    let checked = Checked { device: workplace.device, report: &report };
    report::result(arguments.common.json, &checked, || format!("{}\n{}", table(&report).text(), sentence(&checked)))?;
    conclude(&report, workplace.device)
}

/// A row a check: whether it holds, its name, how far off, how far it may be.
fn table(report: &Report) -> Table {
    let mut table = Table::new(["result", "check", "off by", "at most"], "");
    for check in &report.checks {
        let verdict = if check.ok { "ok" } else { "FAILED" };
        table.row([verdict.into(), check.name.into(), short(check.value), short(check.limit)]);
    }
    table
}

/// What the rows come to.
fn sentence(checked: &Checked) -> String {
    let Checked { device, report } = checked;
    let failed = report.checks.iter().filter(|check| !check.ok).count();
    match failed {
        0 => format!(
            "{device} computes what the CPU computes: all {} checks hold; you can train on it.",
            report.checks.len()
        ),
        _ => format!("{failed} of {} checks fail: do not trust what {device} trains or samples.", report.checks.len()),
    }
}

/// 2.1e-7, 0.
fn short(number: f64) -> String {
    if number == 0.0 { "0".into() } else { format!("{number:.1e}") }
}

fn conclude(report: &Report, device: &str) -> Result<()> {
    if report.ok {
        return Ok(());
    }
    let failed: Vec<&str> = report.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect();
    bail!("{device} does not compute what it should ({}). Update its driver or use --device cpu", failed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nudge_session::self_check::Check;

    #[test]
    fn a_failed_check_is_marked_and_fails_the_command() {
        let checks = vec![
            Check::new("sum", -2e-7, 1e-5),
            Check::new("gather", 0.0, 0.0),
            Check::new("matrix product", f64::NAN, 1e-3),
        ];
        let report = Report::new(checks);
        let lines = [
            "result  check            off by  at most",
            "ok      sum             -2.0e-7   1.0e-5",
            "ok      gather                0        0",
            "FAILED  matrix product      NaN   1.0e-3",
        ];
        assert_eq!(table(&report).text(), lines.join("\n"));
        let said = sentence(&Checked { device: "wgpu", report: &report });
        assert!(said.starts_with("1 of 3 checks fail"), "{said}");
        let error = conclude(&report, "wgpu").unwrap_err().to_string();
        assert!(error.starts_with("wgpu does not compute what it should (matrix product)."), "{error}");
        assert!(conclude(&Report::new(vec![Check::new("sum", 0.0, 0.0)]), "wgpu").is_ok());
        let json = serde_json::to_value(Checked { device: "wgpu", report: &report }).unwrap();
        assert_eq!(json["device"], "wgpu");
        assert_eq!(json["ok"], false);
        assert_eq!(
            json["checks"][2],
            serde_json::json!({"name": "matrix product", "ok": false, "value": null, "limit": 1e-3})
        );
    }
}
