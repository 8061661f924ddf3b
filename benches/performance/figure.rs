//! Figures: many values of one thing in a median and its spread.

use serde::{Deserialize, Serialize};

/// A figure of a part.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// Unique in its part.
    pub id: String,
    /// What was measured, in words.
    pub what: String,
    pub unit: String,
    pub median: f64,
    pub min: f64,
    pub max: f64,
    /// A tenth of the values is below.
    pub p10: f64,
    /// A tenth of the values is above.
    pub p90: f64,
    /// How many values there are.
    pub n: usize,
    /// What the median may be at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// How many objects there were, where that was varied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<usize>,
}

impl Figure {
    /// Of these values, of which there is at least one.
    pub fn of(id: impl Into<String>, what: impl Into<String>, unit: &str, values: &[f64]) -> Self {
        let (id, what) = (id.into(), what.into());
        assert!(!values.is_empty(), "nothing was measured for {id}");
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (sorted.len() - 1) as f64 * share;
            let (low, high) = (
                sorted[index.floor() as usize],
                sorted[index.ceil() as usize],
            );
            round(low + (high - low) * index.fract())
        };
        Self {
            id,
            what,
            unit: unit.to_owned(),
            median: at(0.5),
            min: at(0.0),
            max: at(1.0),
            p10: at(0.1),
            p90: at(0.9),
            n: sorted.len(),
            target: None,
            objects: None,
        }
    }

    /// With a target.
    pub fn at_most(mut self, target: f64) -> Self {
        self.target = Some(target);
        self
    }

    /// With so many objects.
    pub fn with_objects(mut self, objects: usize) -> Self {
        self.objects = Some(objects);
        self
    }

    /// Whether the target is reached, where there is one.
    pub fn reached(&self) -> Option<bool> {
        self.target.map(|target| self.median <= target)
    }

    /// The spread: of few values all of it, of many without the outermost tenths.
    pub fn spread(&self) -> (f64, f64) {
        if self.n < 10 {
            (self.min, self.max)
        } else {
            (self.p10, self.p90)
        }
    }
}

/// The median of these values.
pub fn median(values: &[f64]) -> f64 {
    Figure::of("median", "", "", values).median
}

/// To five significant digits; more would only make the file longer.
fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 4 - value.abs().log10().floor() as i32;
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

/// A number for people.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A line of a plot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Series {
    /// Unique in its part.
    pub id: String,
    /// What it is, in words.
    pub what: String,
    pub points: Vec<(f64, f64)>,
}

/// What a part measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub figures: Vec<Figure>,
    pub series: Vec<Series>,
    /// What there is to say about how it was measured.
    pub notes: Vec<String>,
}
