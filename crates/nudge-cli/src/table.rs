//! A table of results, the same in a terminal and in a report: columns where they fit, otherwise a list, and below it
//! the sentence that says how to read it.

use crate::terminal;
use textwrap::core::display_width;

/// Letters of a unit, or of what stands between two numbers, at most.
const LONGEST_UNIT: usize = 4;

/// Rows under a head.
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    explanation: String,
}

impl Table {
    /// One without rows.
    pub fn new<const N: usize>(head: [&str; N], explanation: &str) -> Self {
        Self::with(head.map(String::from).to_vec(), explanation)
    }

    /// One with columns that are only known now.
    pub fn with(head: Vec<String>, explanation: &str) -> Self {
        Self { head, rows: vec![], explanation: explanation.into() }
    }

    /// A row below the others, a cell a column.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.cells(cells.to_vec());
    }

    /// The same where the columns are only known now.
    pub fn cells(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.head.len(), "a cell a column");
        self.rows.push(cells);
    }

    /// The names of the columns.
    pub fn head(&self) -> &[String] {
        &self.head
    }

    /// The cells, row by row.
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// How to read it.
    pub fn explanation(&self) -> &str {
        &self.explanation
    }

    /// For the terminal that standard output goes to.
    pub fn text(&self) -> String {
        self.within(terminal::stdout_width().unwrap_or(usize::MAX))
    }

    fn within(&self, width: usize) -> String {
        let widths: Vec<usize> = (0..self.head.len()).map(|column| self.width(column)).collect();
        let columns = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1) <= width;
        let rows = if columns { self.columns(&widths) } else { self.list() };
        if self.explanation.is_empty() { rows } else { format!("{rows}\n{}", self.explanation) }
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| display_width(&row[column]));
        cells.chain([display_width(&self.head[column])]).max().unwrap_or_default()
    }

    fn columns(&self, widths: &[usize]) -> String {
        let numbers: Vec<bool> = (0..widths.len()).map(|column| self.holds_numbers(column)).collect();
        let line = |cells: Vec<&str>| {
            let padded = cells.into_iter().zip(widths).zip(&numbers).map(|((cell, width), number)| {
                let room = " ".repeat(width - display_width(cell));
                if *number { format!("{room}{cell}") } else { format!("{cell}{room}") }
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_string()
        };
        let rows = self.rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
        std::iter::once(line(self.head.iter().map(String::as_str).collect())).chain(rows).collect::<Vec<_>>().join("\n")
    }

    /// Numbers stand on the right of their column; what is missing is a dash.
    fn holds_numbers(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().map(|row| row[column].trim_start_matches('-'));
        let is_number = |cell: &str| {
            let begins = cell.starts_with(|first: char| first.is_ascii_digit());
            begins && cell.split(' ').all(|word| word.len() <= LONGEST_UNIT || !word.chars().all(char::is_alphabetic))
        };
        cells.all(|cell| is_number(cell) || ["", "?", "NaN"].contains(&cell))
    }

    /// A line a cell, an empty line between rows.
    fn list(&self) -> String {
        let width = self.head.iter().map(|name| display_width(name)).max().unwrap_or_default();
        let row = |row: &Vec<String>| {
            let cells = self.head.iter().zip(row).map(|(name, cell)| format!("{name:width$}  {cell}"));
            cells.map(|line| line.trim_end().to_string() + "\n").collect::<String>()
        };
        self.rows.iter().map(row).collect::<Vec<_>>().join("\n").trim_end().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_on_the_right_and_counted_things_on_the_left() {
        let mut table = Table::new(["a step", "memory"], "");
        table.row(["2 rankings of 4".into(), "0.06 GiB".into()]);
        table.row(["16 pairs".into(), "12.00 GiB".into()]);
        assert_eq!(
            table.within(80),
            "a step              memory\n2 rankings of 4   0.06 GiB\n16 pairs         12.00 GiB"
        );
    }

    #[test]
    fn columns_where_they_fit_and_a_list_where_not() {
        let mut table = Table::new(["method", "KL", "win rate"], "How to read it.");
        table.row(["dpo".into(), "0.40".into(), "71.2 %".into()]);
        table.row(["best-of".into(), "-".into(), "9 ± 3 %".into()]);
        let columns = "method     KL  win rate\ndpo      0.40    71.2 %\nbest-of     -   9 ± 3 %\nHow to read it.";
        assert_eq!(table.within(23), columns);
        let list = "method    dpo\nKL        0.40\nwin rate  71.2 %\n\nmethod    best-of\nKL        -\nwin rate  9 ± 3 %\n\
                    How to read it.";
        assert_eq!(table.within(22), list);
    }
}
