//! A row of a table of costs.

use super::super::{
    load::Burst,
    table::{median, range, ratio, show},
};

/// One server, or one way to ask it, round by round.
pub struct Row {
    pub name: String,
    /// Microseconds of a processor for one token.
    pub cost: Vec<f64>,
    /// Empty where the tokens are not those of a burst alone.
    per_second: Vec<f64>,
    pub failed: u64,
}

impl Row {
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), cost: Vec::new(), per_second: Vec::new(), failed: 0 }
    }

    pub fn add(&mut self, burst: &Burst) {
        self.cost.push(burst.cost());
        self.per_second.push(burst.per_second());
        self.failed += burst.failed;
    }

    /// Its cells, with its ratio to each of `others`.
    pub fn cells(&self, others: &[&Self]) -> Vec<String> {
        let mut cells = vec![self.name.clone(), show(median(&self.cost)), range(&self.cost)];
        cells.extend(others.iter().map(|other| show(ratio(&self.cost, &other.cost))));
        cells.push(match self.per_second.as_slice() {
            [] => "–".to_owned(),
            per_second => show(median(per_second)),
        });
        cells
    }
}

/// The names of the columns.
pub fn head<'a>(others: &[&'a str]) -> Vec<&'a str> {
    [&["", "µs per token", "least – most"], others, &["tokens/s"]].concat()
}

/// A line for each row in which requests failed.
pub fn failures<'a>(rows: impl IntoIterator<Item = &'a Row>) -> String {
    let failed = rows.into_iter().filter(|row| row.failed > 0);
    failed.map(|row| format!("\n{}: {} requests failed.\n", row.name, row.failed)).collect()
}
