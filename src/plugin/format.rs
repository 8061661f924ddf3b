//! How a command shows what it found.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::failure::Failure;

/// The form of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns, for a person
    #[default]
    Table,
    /// The same with more columns
    Wide,
    /// For programs
    Json,
    /// For programs and people
    Yaml,
    /// For a pull request or an issue
    Markdown,
}

/// `-o`.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Output {
    /// The form of what is printed
    #[arg(short = 'o', long = "output", value_enum, default_value_t)]
    pub format: Format,
}

/// As JSON with a line feed at its end.
///
/// # Errors
/// Never for what the plugin prints.
pub fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| cannot_be_written(&error))
}

/// As YAML.
///
/// # Errors
/// Never for what the plugin prints.
pub fn yaml(value: &impl Serialize) -> Result<String, Failure> {
    serde_norway::to_string(value).map_err(|error| cannot_be_written(&error))
}

fn cannot_be_written(error: &dyn std::error::Error) -> Failure {
    Failure::new(
        format!("could not write the answer down: {error}"),
        "That is a fault of this program: please report it.",
    )
}
