//! Why something in a file gives no record.

/// Why there is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A ranking that is whole and prefers nothing: the only reason that is no mistake.
    #[error("it ties all completions, so it carries no preference")]
    TiesEverything,
    /// What is wrong, and how to mend it.
    #[error("{0}")]
    Wrong(String),
}

impl From<String> for Reason {
    fn from(wrong: String) -> Self {
        Self::Wrong(wrong)
    }
}
