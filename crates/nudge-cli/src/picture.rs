//! Reports as one HTML file that holds everything: text, tables, and pictures as SVG. No scripts, nothing from elsewhere.

use crate::disk::write_atomic;
use crate::report::{self, Aside};
use crate::svg::{self, Chart, Curve, escaped};
use crate::table::Table;
use crate::verdicts::Verdicts;
use anyhow::Result;
use nudge_session::protocol::{AccuracySlice, Calibration};
use nudge_session::verdict::{Finding, JudgedPair, Level};
use nudge_session::{Metrics, Verdict, Winner};
use serde_json::{Map, Value};
use std::path::Path;

/// Numbers that are drawn, most telling first, as far as a log has them.
pub const DRAWN: [&str; 8] = [
    "loss",
    "eval_loss",
    "eval_accuracy",
    "rewards/margins",
    "eval_rewards/accuracies",
    "objective/scores",
    "objective/gold_score",
    "objective/kl",
];
/// Pairs that are shown.
const PAIRS: usize = 20;
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color:#222;background:#fff}h1,h2{line-height:1.2}table{border-collapse:collapse;width:100%;table-layout:fixed}\
td,th{border:1px solid #ccc;padding:.4rem .6rem;vertical-align:top;text-align:left;white-space:pre-wrap;\
overflow-wrap:anywhere}.won{background:#e8f4e8}.bad{color:#a00}.warning{color:#a50}pre{overflow-x:auto;background:#f4f4f4;\
padding:.6rem}figure{display:inline-block;margin:.5rem 1rem .5rem 0}figcaption{font-size:.85rem}svg{max-width:100%;height:auto}svg text{font-size:11px;\
fill:#555}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}.won{background:#203520}.bad{color:#f77}\
.warning{color:#fb6}pre{background:#222}td,th{border-color:#444}svg text{fill:#aaa}}";

/// A report being written.
pub struct Page {
    body: String,
    title: String,
}

impl Page {
    /// An empty one.
    pub fn new(title: &str) -> Self {
        Self { body: String::new(), title: title.into() }
    }

    /// The file.
    pub fn html(&self) -> String {
        let title = escaped(&self.title);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n{}</html>\n",
            self.body
        )
    }

    /// Writes the file and says so.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomic(path, self.html().as_bytes())?;
        if !Aside::is_on() {
            crate::failure::tell(&format!("report: {}", path.display()));
        }
        Ok(())
    }

    /// A heading.
    pub fn heading(&mut self, text: &str) {
        self.body += &format!("<h2>{}</h2>\n", escaped(text));
    }

    /// A paragraph.
    pub fn text(&mut self, text: &str) {
        self.body += &format!("<p>{}</p>\n", escaped(text));
    }

    /// Lines as they would stand in a terminal.
    pub fn lines(&mut self, text: &str) {
        self.body += &format!("<pre>{}</pre>\n", escaped(text));
    }

    /// Who won, and what the rules say.
    pub fn verdict(&mut self, verdict: &Verdict, verdicts: &Verdicts) {
        self.heading("Who won");
        report::usable(verdict).iter().for_each(|usable| self.text(usable));
        self.text(&report::win_rate(verdict));
        self.interval(verdict.win_rate, verdict.low, verdict.high);
        self.verdicts(verdicts);
    }

    /// What the rules say, and what to do next.
    pub fn verdicts(&mut self, verdicts: &Verdicts) {
        self.heading("Verdict");
        self.findings(&verdicts.findings);
        if let Some(next) = &verdicts.next {
            self.text("Next:");
            self.lines(next);
        }
    }

    /// Findings as a list.
    pub fn findings(&mut self, findings: &[Finding]) {
        let item = |finding: &Finding| {
            let (class, mark) = match finding.level {
                Level::Good => ("good", "Good"),
                Level::Note => ("note", "Note"),
                Level::Warning => ("warning", "Suspicious"),
                Level::Bad => ("bad", "Spoiled"),
            };
            format!("<li class=\"{class}\"><b>{mark}.</b> {}</li>\n", escaped(&finding.sentence))
        };
        let items: String = findings.iter().map(item).collect();
        self.body += &format!("<ul>\n{items}</ul>\n");
    }

    /// Completions side by side; the preferred one is marked.
    pub fn pairs(&mut self, pairs: &[JudgedPair]) {
        self.heading("Completions side by side");
        self.side_by_side(pairs);
    }

    /// The same below another heading.
    pub fn side_by_side(&mut self, pairs: &[JudgedPair]) {
        let cell = |text: &str, won: bool| {
            let (class, mark) = if won { (" class=\"won\"", "\u{2713} ") } else { ("", "") };
            format!("<td{class}>{mark}{}</td>", escaped(text))
        };
        let row = |pair: &JudgedPair| {
            format!(
                "<tr>{}{}{}</tr>\n",
                cell(&pair.prompt, false),
                cell(&pair.a, pair.preference == Some(Winner::A)),
                cell(&pair.b, pair.preference == Some(Winner::B))
            )
        };
        let rows: String = pairs.iter().take(PAIRS).map(row).collect();
        self.body +=
            &format!("<table>\n<tr><th>prompt</th><th>a (after)</th><th>b (before)</th></tr>\n{rows}</table>\n");
    }

    /// A table, and how to read it.
    pub fn table(&mut self, table: &Table) {
        let row = |cells: &[String], kind: &str| {
            let cells: String = cells.iter().map(|cell| format!("<{kind}>{}</{kind}>", escaped(cell))).collect();
            format!("<tr>{cells}</tr>\n")
        };
        let head = row(table.head(), "th");
        let rows: String = table.rows().iter().map(|cells| row(cells, "td")).collect();
        self.body += &format!("<table>\n{head}{rows}</table>\n");
        self.text(table.explanation());
    }

    /// A number over steps.
    pub fn curve(&mut self, curve: &Curve) {
        self.body +=
            &format!("<figure>{}<figcaption>{}</figcaption></figure>\n", svg::polyline(curve), escaped(&curve.name));
    }

    /// Several numbers over the same places.
    pub fn chart(&mut self, chart: &Chart) {
        self.body +=
            &format!("<figure>{}<figcaption>{}</figcaption></figure>\n", svg::chart(chart), escaped(&chart.name));
    }

    /// Lines that are shown when they are asked for.
    pub fn folded(&mut self, summary: &str, text: &str) {
        let (summary, text) = (escaped(summary), escaped(text));
        self.body += &format!("<details><summary>{summary}</summary><pre>{text}</pre></details>\n");
    }

    /// Amounts beside each other.
    pub fn bars(&mut self, caption: &str, bars: &[(String, f64)]) {
        let picture = svg::bars(caption, bars);
        self.body += &format!("<figure>{picture}<figcaption>{}</figcaption></figure>\n", escaped(caption));
    }

    /// A share with its interval.
    pub fn interval(&mut self, share: f64, low: f64, high: f64) {
        self.body += &svg::interval(share, low, high);
    }

    /// A mean share with the half width of its interval, if it has one.
    pub fn mean(&mut self, mean: f64, half_width: Option<f64>) {
        let half_width = half_width.unwrap_or_default();
        self.interval(mean, (mean - half_width).max(0.0), (mean + half_width).min(1.0));
    }

    /// How certain a reward model is, against how often it is right.
    pub fn calibration(&mut self, found: &Calibration) {
        self.heading("Certain, and right");
        let points: Vec<(f64, f64)> =
            found.bins.iter().filter(|bin| bin.pairs > 0).map(|bin| (bin.confidence, bin.accuracy)).collect();
        let caption =
            "share right over certainty; a reward model that knows what it does not know lies on the diagonal";
        self.curve(&Curve { name: caption.into(), points });
        let row = |slice: &AccuracySlice| {
            format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                escaped(&slice.name),
                slice.pairs,
                if slice.pairs == 0 { "-".into() } else { report::percent(slice.accuracy, slice.low, slice.high) }
            )
        };
        let slices = std::iter::once(&found.overall).chain(&found.by_margin).chain(&found.by_length);
        let rows: String = slices.map(row).collect();
        self.body += &format!("<table>\n<tr><th>pairs</th><th>how many</th><th>right</th></tr>\n{rows}</table>\n");
    }
}

/// The curves of a log, as far as it is there.
pub fn curves_of(log: &Path) -> Vec<Curve> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let step = |line: &str| {
        let line: Map<String, Value> = serde_json::from_str(line).ok()?;
        let numbers: Metrics = line.iter().filter_map(|(name, value)| Some((name.clone(), value.as_f64()?))).collect();
        Some((numbers.get("step").copied()?, numbers))
    };
    curves_of_steps(&text.lines().filter_map(step).collect::<Vec<_>>())
}

/// The curves of steps and their numbers.
pub fn curves_of_steps(steps: &[(f64, Metrics)]) -> Vec<Curve> {
    let curve = |name: &&str| {
        let point = |(step, numbers): &(f64, Metrics)| Some((*step, *numbers.get(*name)?));
        let points: Vec<(f64, f64)> = steps.iter().filter_map(point).filter(|point| point.1.is_finite()).collect();
        (points.len() > 1).then(|| Curve { name: name.to_string(), points })
    };
    DRAWN.iter().filter_map(curve).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_models_are_no_markup_and_nothing_runs() {
        let mut page = Page::new("<b>\"one\" & two");
        let pair = JudgedPair {
            prompt: "<script>alert(1)</script>".into(),
            a: "</td><img src=x onerror=y>".into(),
            b: "fine".into(),
            preference: Some(Winner::B),
        };
        page.pairs(&[pair]);
        let html = page.html();
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("http"), "{html}");
        assert!(html.contains("&lt;script&gt;") && html.contains("class=\"won\">\u{2713} fine"), "{html}");
    }
}
