//! The one source of randomness: seeded, serialisable, the same in the tab and natively.
//!
//! The algorithm is xoshiro256++ 1.0 (David Blackman and Sebastiano Vigna, "Scrambled Linear
//! Pseudorandom Number Generators", 2021, <https://prng.di.unimi.it>), its state filled from the
//! seed by SplitMix64 as its authors advise. It is not meant for secrets.
//!
//! It lacks distributions beyond the three that training needs: uniform, integer below `n`, normal.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A xoshiro256++ generator.
///
/// It serialises as one string of 64 hexadecimal digits, because JavaScript's numbers can not
/// carry 64-bit integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// A generator whose whole sequence is fixed by `seed`.
    pub fn new(seed: u64) -> Self {
        let mut filler = SplitMix64(seed);
        Self { state: std::array::from_fn(|_| filler.next_u64()) }
    }

    /// A generator for the `index`-th of many independent uses of one seed, such as epochs.
    ///
    /// `with_stream(seed, i)` and `with_stream(seed, j)` do not overlap in practice, and neither
    /// equals `with_stream(seed + 1, i)`.
    pub fn with_stream(seed: u64, index: u64) -> Self {
        Self::new(SplitMix64(seed).next_u64().wrapping_add(index))
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in `[0, 1)`, a multiple of 2⁻²⁴, so that every value is exact in `f32`.
    pub fn uniform(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// An integer in `0..n`, without bias (Lemire, "Fast Random Integer Generation in an Interval",
    /// 2019).
    ///
    /// # Panics
    ///
    /// If `n` is zero: there is no integer to choose.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "Rng::below needs n > 0");
        let n = n as u64;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            // The low half tells whether this draw falls into the incomplete last interval.
            if product as u64 >= n.wrapping_neg() % n {
                return (product >> 64) as usize;
            }
        }
    }

    /// A draw from the standard normal distribution (Box and Muller, 1958).
    ///
    /// The second value that the method yields is thrown away: keeping it would be hidden state.
    pub fn normal(&mut self) -> f32 {
        const STEP: f64 = 1.0 / (1u64 << 53) as f64;
        // In (0, 1], so that the logarithm is finite.
        let radius_draw = ((self.next_u64() >> 11) + 1) as f64 * STEP;
        let angle_draw = (self.next_u64() >> 11) as f64 * STEP;
        let radius = (-2.0 * radius_draw.ln()).sqrt();
        (radius * (std::f64::consts::TAU * angle_draw).cos()) as f32
    }

    /// Puts `items` into a uniformly random order (Fisher and Yates, as Durstenfeld wrote it).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

impl Serialize for Rng {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [a, b, c, d] = self.state;
        serializer.serialize_str(&format!("{a:016x}{b:016x}{c:016x}{d:016x}"))
    }
}

impl<'de> Deserialize<'de> for Rng {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_state(&text).map(|state| Self { state }).ok_or_else(|| {
            D::Error::custom(format!(
                "the random-number state must be 64 hexadecimal digits that are not all zero, \
                     found {text:?}"
            ))
        })
    }
}

fn parse_state(text: &str) -> Option<[u64; 4]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut state = [0; 4];
    for (i, word) in state.iter_mut().enumerate() {
        *word = u64::from_str_radix(&text[16 * i..16 * (i + 1)], 16).ok()?;
    }
    // From the all-zero state the generator never leaves.
    (state != [0; 4]).then_some(state)
}

/// SplitMix64 (Steele, Lea and Flood, 2014), used only to spread a seed over the state.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::{Rng, SplitMix64};
    use proptest::prelude::{prop_assert_eq, proptest};

    #[test]
    fn splitmix_gives_the_published_values() {
        let mut filler = SplitMix64(1_234_567);
        let drawn: [u64; 3] = std::array::from_fn(|_| filler.next_u64());
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn xoshiro_gives_the_published_values() {
        let mut rng = Rng { state: [1, 2, 3, 4] };
        let drawn: [u64; 4] = std::array::from_fn(|_| rng.next_u64());
        assert_eq!(drawn, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let mut rng = Rng::new(7);
        let n = 200_000;
        let (mut sum, mut normal_sum, mut normal_squares) = (0.0f64, 0.0f64, 0.0f64);
        for _ in 0..n {
            let u = rng.uniform();
            assert!((0.0..1.0).contains(&u));
            sum += f64::from(u);
            let z = f64::from(rng.normal());
            normal_sum += z;
            normal_squares += z * z;
        }
        let n = f64::from(n);
        assert!((sum / n - 0.5).abs() < 0.005);
        assert!((normal_sum / n).abs() < 0.01);
        assert!((normal_squares / n - 1.0).abs() < 0.02);
    }

    #[test]
    fn below_is_even() {
        let mut rng = Rng::new(3);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[rng.below(6)] += 1;
        }
        // Standard deviation of each count is about 91.
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 500), "{counts:?}");
    }

    #[test]
    fn streams_of_a_seed_differ() {
        let first: Vec<u64> = (0..4).map(|i| Rng::with_stream(5, i).next_u64()).collect();
        let mut unique = first.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), 4);
        assert_ne!(Rng::with_stream(6, 0), Rng::with_stream(5, 1));
    }

    #[test]
    fn a_broken_state_is_refused() {
        for text in ["\"\"", "\"12\"", &format!("\"{}\"", "0".repeat(64)), "7"] {
            assert!(serde_json::from_str::<Rng>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn state_round_trips_through_json(seed: u64, draws in 0usize..50) {
            let mut rng = Rng::new(seed);
            for _ in 0..draws {
                rng.next_u64();
            }
            let json = serde_json::to_string(&rng).expect("serialises");
            let mut back: Rng = serde_json::from_str(&json).expect("parses");
            prop_assert_eq!(&back, &rng);
            prop_assert_eq!(back.next_u64(), rng.next_u64());
        }

        #[test]
        fn shuffle_keeps_every_item(seed: u64, n in 0usize..200) {
            let mut items: Vec<usize> = (0..n).collect();
            Rng::new(seed).shuffle(&mut items);
            items.sort_unstable();
            prop_assert_eq!(items, (0..n).collect::<Vec<_>>());
        }
    }
}
