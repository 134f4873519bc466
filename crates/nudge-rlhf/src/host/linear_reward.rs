//! A reward model that is linear in given features: small enough to be fitted anew after every ranking.
//!
//! `r(x) = w · x`, and `w` minimises the pairwise loss of a reward model (Bradley and Terry 1952, InstructGPT 3.5) over
//! the pairs `(c, l)` of all rankings, with an L2 penalty that keeps it finite where the pairs can be separated:
//!
//! `sum over pairs of -log σ(w · (x_c - x_l))  +  decay / 2 · |w|²`
//!
//! That is convex and has one minimum. Newton's steps find it; each solves `H p = -g` by conjugate gradients (Nocedal
//! and Wright, *Numerical Optimization*, 7.1), which need products with `H = Σ σ(m) σ(-m) d dᵀ + decay · I` alone, so
//! that no matrix is ever formed.
//!
//! A feature is divided by its deviation within a ranking and by the square root of their number: all weigh alike, and
//! `1 / decay` is about the variance of a score before anything was learnt.

/// The completions of one ranking.
#[derive(Debug, Clone, Copy)]
pub struct RankedFeatures<'a> {
    /// `[completions, width]` in row order.
    pub features: &'a [f32],
    /// `(chosen, rejected)` as rows.
    pub pairs: &'a [(usize, usize)],
}

/// Weights of the features as they are given.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearReward {
    weights: Vec<f64>,
}

/// Newton's steps at most; a handful is enough.
const STEPS: usize = 50;
/// Where the slope is this small beside that at zero, the minimum is found.
const FLAT: f64 = 1e-6;

impl LinearReward {
    /// Fits the weights of `width` features.
    ///
    /// # Panics
    /// If the features are no whole number of rows, or a pair lies outside its ranking.
    pub fn fit(rankings: &[RankedFeatures], width: usize, decay: f64) -> Self {
        rankings.iter().for_each(|ranking| super::assert_rows("features", ranking.features.len(), width));
        let scale = scales(rankings, width);
        let problem = Problem::new(rankings, &scale, decay);
        let mut weights = vec![0.0; width];
        let start = norm(&problem.slope(&weights));
        for _ in 0..STEPS {
            let slope = problem.slope(&weights);
            if norm(&slope) <= FLAT * start {
                break;
            }
            let step = problem.newton(&weights, &slope);
            weights = problem.descend(weights, &step);
        }
        Self { weights: weights.iter().zip(&scale).map(|(weight, scale)| weight * scale).collect() }
    }

    /// The score of one row of features. Only differences within a ranking mean anything.
    pub fn score(&self, features: &[f32]) -> f64 {
        dot(features, &self.weights)
    }
}

/// What each feature is multiplied by; 0 for one that is the same within every ranking.
fn scales(rankings: &[RankedFeatures], width: usize) -> Vec<f64> {
    let (mut squares, mut rows) = (vec![0.0; width], 0.0);
    for ranking in rankings {
        let count = ranking.features.len() / width;
        rows += count as f64;
        for (feature, sum) in squares.iter_mut().enumerate() {
            let values = ranking.features.iter().skip(feature).step_by(width).map(|value| f64::from(*value));
            let mean = values.clone().sum::<f64>() / count as f64;
            *sum += values.map(|value| (value - mean).powi(2)).sum::<f64>();
        }
    }
    let scale = |sum: &f64| if *sum > 0.0 { (rows / sum / width as f64).sqrt() } else { 0.0 };
    squares.iter().map(scale).collect()
}

/// The loss as a function of the weights of scaled features.
struct Problem {
    /// Scaled, row after row.
    rows: Vec<f32>,
    pairs: Vec<(usize, usize)>,
    width: usize,
    decay: f64,
}

impl Problem {
    fn new(rankings: &[RankedFeatures], scale: &[f64], decay: f64) -> Self {
        let (mut rows, mut pairs) = (Vec::new(), Vec::new());
        for ranking in rankings {
            let before = rows.len() / scale.len();
            pairs.extend(ranking.pairs.iter().map(|(chosen, rejected)| (chosen + before, rejected + before)));
            let scaled = ranking.features.iter().zip(scale.iter().cycle());
            rows.extend(scaled.map(|(value, scale)| (f64::from(*value) * scale) as f32));
        }
        Self { rows, pairs, width: scale.len(), decay }
    }

    /// `v · d` of each pair's difference `d`.
    fn margins(&self, v: &[f64]) -> Vec<f64> {
        let scores: Vec<f64> = self.rows.chunks_exact(self.width).map(|row| dot(row, v)).collect();
        self.pairs.iter().map(|(chosen, rejected)| scores[*chosen] - scores[*rejected]).collect()
    }

    /// `Σ c d + decay · v` over the pairs, one coefficient `c` each.
    fn gathered(&self, coefficients: impl Iterator<Item = f64>, v: &[f64]) -> Vec<f64> {
        let mut of_rows = vec![0.0; self.rows.len() / self.width];
        for ((chosen, rejected), coefficient) in self.pairs.iter().zip(coefficients) {
            of_rows[*chosen] += coefficient;
            of_rows[*rejected] -= coefficient;
        }
        let mut sum: Vec<f64> = v.iter().map(|value| self.decay * value).collect();
        for (row, coefficient) in self.rows.chunks_exact(self.width).zip(of_rows) {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += coefficient * f64::from(*value));
        }
        sum
    }

    fn loss(&self, weights: &[f64]) -> f64 {
        // log(1 + exp(-m)), which does not overflow.
        let of_pair = |margin: &f64| (-margin).max(0.0) + (-margin.abs()).exp().ln_1p();
        self.margins(weights).iter().map(of_pair).sum::<f64>() + self.decay / 2.0 * norm(weights).powi(2)
    }

    fn slope(&self, weights: &[f64]) -> Vec<f64> {
        self.gathered(self.margins(weights).into_iter().map(|margin| -sigmoid(-margin)), weights)
    }

    /// The step `p` with `H p = -slope`.
    fn newton(&self, weights: &[f64], slope: &[f64]) -> Vec<f64> {
        let curvature: Vec<f64> = self.margins(weights).iter().map(|m| sigmoid(*m) * sigmoid(-m)).collect();
        let bent = |v: &[f64]| {
            let margins = self.margins(v).into_iter();
            self.gathered(margins.zip(&curvature).map(|(margin, curvature)| margin * curvature), v)
        };
        let mut step = vec![0.0; self.width];
        let mut rest: Vec<f64> = slope.iter().map(|value| -value).collect();
        let mut direction = rest.clone();
        let enough = FLAT * norm(slope);
        for _ in 0..self.width {
            let left = norm(&rest);
            if left <= enough {
                break;
            }
            let bent = bent(&direction);
            let length = left.powi(2) / inner(&direction, &bent);
            add(&mut step, length, &direction);
            add(&mut rest, -length, &bent);
            let ratio = (norm(&rest) / left).powi(2);
            direction = rest.iter().zip(&direction).map(|(rest, direction)| rest + ratio * direction).collect();
        }
        step
    }

    /// The weights after a step, which is halved until it goes down.
    fn descend(&self, weights: Vec<f64>, step: &[f64]) -> Vec<f64> {
        let before = self.loss(&weights);
        let mut length = 1.0;
        while length > FLAT {
            let mut after = weights.clone();
            add(&mut after, length, step);
            if self.loss(&after) <= before {
                return after;
            }
            length /= 2.0;
        }
        weights
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn dot(row: &[f32], v: &[f64]) -> f64 {
    row.iter().zip(v).map(|(a, b)| f64::from(*a) * b).sum()
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(v: &[f64]) -> f64 {
    inner(v, v).sqrt()
}

fn add(to: &mut [f64], factor: f64, v: &[f64]) {
    to.iter_mut().zip(v).for_each(|(to, value)| *to += factor * value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pair_and_one_feature_by_hand() {
        // Rows 3 and 1: mean 2, deviation 1, so that nothing is scaled and d = 2. At the minimum
        // 2 σ(-2 w) = decay · w, and w = 0.5 has decay = 4 σ(-1) = 1.075766.
        let ranking = RankedFeatures { features: &[3.0, 1.0], pairs: &[(0, 1)] };
        let decay = 4.0 / (1.0 + 1f64.exp());
        let fitted = LinearReward::fit(&[ranking], 1, decay);
        assert!((fitted.score(&[1.0]) - 0.5).abs() < 1e-6, "{fitted:?}");
        // The other way round, the other sign; ten times the feature, a tenth of the weight.
        let turned = RankedFeatures { features: &[30.0, 10.0], pairs: &[(1, 0)] };
        let fitted = LinearReward::fit(&[turned], 1, decay);
        assert!((fitted.score(&[10.0]) + 0.5).abs() < 1e-6, "{fitted:?}");
    }

    #[test]
    fn nothing_is_learnt_from_no_pair_or_a_feature_that_never_differs() {
        let tied = RankedFeatures { features: &[1.0, 2.0], pairs: &[] };
        assert_eq!(LinearReward::fit(&[tied], 1, 1.0).score(&[5.0]), 0.0);
        let same = RankedFeatures { features: &[2.0, 7.0, 1.0, 7.0], pairs: &[(0, 1)] };
        let fitted = LinearReward::fit(&[same], 2, 1.0);
        assert_eq!(fitted.score(&[0.0, 9.0]), 0.0);
        assert!(fitted.score(&[1.0, 0.0]) > 0.0);
    }

    /// Features and pairs of a ranking.
    type Made = (Vec<f32>, Vec<(usize, usize)>);

    /// Rankings of four by a hidden direction, of features that a generator draws.
    fn ranked_by(taste: &[f64], count: usize, seed: u64) -> Vec<Made> {
        let mut state = seed;
        let mut drawn = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        let ranking = |_| {
            let features: Vec<f32> = (0..4 * taste.len()).map(|_| drawn()).collect();
            let score = |row: usize| dot(&features[row * taste.len()..][..taste.len()], taste);
            let mut order = [0, 1, 2, 3];
            order.sort_by(|a, b| score(*b).total_cmp(&score(*a)));
            let pairs = (0..4).flat_map(|better| (better + 1..4).map(move |worse| (better, worse)));
            let pairs = pairs.map(|(better, worse)| (order[better], order[worse])).collect();
            (features, pairs)
        };
        (0..count).map(ranking).collect()
    }

    #[test]
    fn a_taste_that_is_linear_is_learnt() {
        let taste = [2.0, -1.0, 0.0, 0.5, 0.0, 1.5, -0.5, 0.0];
        let made = ranked_by(&taste, 60, 1);
        let rankings: Vec<RankedFeatures> =
            made.iter().map(|(features, pairs)| RankedFeatures { features, pairs }).collect();
        let fitted = LinearReward::fit(&rankings[..40], 8, 0.1);
        let right = |rankings: &[RankedFeatures]| {
            let judged = rankings.iter().flat_map(|ranking| {
                let score = |row: usize| fitted.score(&ranking.features[row * 8..][..8]);
                ranking.pairs.iter().map(move |(chosen, rejected)| score(*chosen) > score(*rejected))
            });
            let judged: Vec<bool> = judged.collect();
            judged.iter().filter(|right| **right).count() as f64 / judged.len() as f64
        };
        assert!(right(&rankings[..40]) > 0.95, "{}", right(&rankings[..40]));
        assert!(right(&rankings[40..]) > 0.9, "{}", right(&rankings[40..]));
        // At the minimum nothing pulls any more.
        let scale = scales(&rankings[..40], 8);
        let problem = Problem::new(&rankings[..40], &scale, 0.1);
        let weights: Vec<f64> = fitted.weights.iter().zip(&scale).map(|(weight, scale)| weight / scale).collect();
        assert!(norm(&problem.slope(&weights)) < 1e-4);
        assert_eq!(fitted, LinearReward::fit(&rankings[..40], 8, 0.1));
    }
}
