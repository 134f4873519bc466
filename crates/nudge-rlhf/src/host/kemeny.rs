//! One ranking out of several: the median of Kemeny.
//!
//! The distance of two rankings with ties counts each pair of completions: 0 if both say the same, 1 if one of them
//! ties the two, 2 if they contradict each other (Kemeny 1959, "Mathematics without Numbers"; Kemeny and Snell 1962).
//! The median is the ranking whose distances to all given ones have the smallest sum. Young (1988, "Condorcet's Theory
//! of Voting") shows that it is the most likely order if each labeler errs on each pair with the same probability.

/// With so many completions or fewer the median is exact; it takes `3^completions` steps.
pub const EXACT_COMPLETIONS: usize = 10;

/// The median of rankings of the same completions `0..completions`, as tiers, best first.
///
/// Of several medians, those are taken that tie the fewest pairs with a majority and order the fewest without one; in
/// these each completion has a mean place, and completions of the same mean place are tied. So completions are tied
/// where votes are even, and none wins by standing first in the file. Beyond [`EXACT_COMPLETIONS`] completions the
/// order is Borda's, that of the mean places over the rankings.
///
/// ```
/// use nudge_rlhf::kemeny_median;
///
/// let rankings = [vec![vec![0], vec![1], vec![2]], vec![vec![0], vec![2], vec![1]]];
/// assert_eq!(kemeny_median(3, &rankings), [vec![0], vec![1, 2]]);
/// ```
///
/// # Panics
/// If a ranking does not name each completion once.
pub fn kemeny_median(completions: usize, rankings: &[Vec<Vec<usize>>]) -> Vec<Vec<usize>> {
    let places: Vec<Vec<usize>> = rankings.iter().map(|ranking| double_places(completions, ranking)).collect();
    if completions > EXACT_COMPLETIONS {
        let borda: Vec<f64> = (0..completions).map(|one| places.iter().map(|of| of[one] as f64).sum()).collect();
        return tiers_by_place(&borda);
    }
    tiers_by_place(&Medians::new(completions, &places).mean_places())
}

/// Twice the place of each completion, from 0, that of tied ones in the middle of their tier.
fn double_places(completions: usize, ranking: &[Vec<usize>]) -> Vec<usize> {
    let mut places = vec![None; completions];
    let mut above = 0;
    for tier in ranking {
        for &completion in tier {
            let before = places[completion].replace(2 * above + tier.len() - 1);
            assert!(before.is_none(), "completion {completion} is in a ranking twice");
        }
        above += tier.len();
    }
    let named =
        |(one, place): (usize, Option<usize>)| place.unwrap_or_else(|| panic!("completion {one} is not ranked"));
    places.into_iter().enumerate().map(named).collect()
}

fn tiers_by_place(places: &[f64]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|one, other| places[*one].total_cmp(&places[*other]));
    let mut tiers: Vec<Vec<usize>> = Vec::new();
    for completion in order {
        match tiers.last_mut() {
            // Means of equal counts differ by rounding at most.
            Some(tier) if (places[tier[0]] - places[completion]).abs() < 1e-9 => tier.push(completion),
            _ => tiers.push(vec![completion]),
        }
    }
    tiers
}

/// Distance, then pairs that are tied against a majority or ordered without one.
type Cost = (usize, usize);

/// All best ways to write the completions as tiers, by dynamic programming over what stands above: a ranking is a
/// ranked set, a next tier, and the rest. Sets are bit masks.
struct Medians {
    completions: usize,
    /// Distance of `[row][column]` where the row's completion is above the column's.
    ordered: Vec<Vec<usize>>,
    /// Distance where the two are tied.
    tied: Vec<Vec<usize>>,
    /// By set: the lowest cost of ranking it above the rest, and how many rankings of it cost that.
    above: Vec<(Cost, f64)>,
    /// By set: the same of ranking what it leaves.
    below: Vec<(Cost, f64)>,
}

impl Medians {
    fn new(completions: usize, places: &[Vec<usize>]) -> Self {
        let matrix = |distance: fn(usize, usize) -> usize| {
            let pair = |one: usize, other: usize| places.iter().map(|of| distance(of[one], of[other])).sum();
            (0..completions).map(|one| (0..completions).map(|other| pair(one, other)).collect()).collect()
        };
        let ordered = matrix(|one, other| match one.cmp(&other) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => 1,
            std::cmp::Ordering::Greater => 2,
        });
        let tied = matrix(|one, other| usize::from(one != other));
        let unknown = vec![((usize::MAX, 0), 0.0); 1 << completions];
        let mut medians = Self { completions, ordered, tied, above: unknown.clone(), below: unknown };
        let all = (1 << completions) - 1;
        medians.above[0] = ((0, 0), 1.0);
        medians.below[all] = ((0, 0), 1.0);
        for set in 0..=all {
            for tier in subsets(all & !set) {
                let (before, count) = medians.above[set];
                let cost = add(before, medians.cost(set, tier));
                take_lower(&mut medians.above[set | tier], cost, count);
            }
        }
        for set in (0..=all).rev() {
            for tier in subsets(all & !set) {
                let (after, count) = medians.below[set | tier];
                let cost = add(medians.cost(set, tier), after);
                take_lower(&mut medians.below[set], cost, count);
            }
        }
        medians
    }

    /// The cost of `tier` next below `set`: its pairs with each other and with all that comes after it.
    fn cost(&self, set: usize, tier: usize) -> Cost {
        let mut cost = (0, 0);
        for one in members(tier) {
            for other in members(tier).filter(|other| one < *other) {
                let majority = self.ordered[one][other] != self.ordered[other][one];
                cost = add(cost, (self.tied[one][other], usize::from(majority)));
            }
            for other in members(((1 << self.completions) - 1) & !set & !tier) {
                let majority = self.ordered[one][other] != self.ordered[other][one];
                cost = add(cost, (self.ordered[one][other], usize::from(!majority)));
            }
        }
        cost
    }

    /// Twice the mean place of each completion over all best rankings.
    fn mean_places(&self) -> Vec<f64> {
        let all = (1 << self.completions) - 1;
        let (best, count) = self.above[all];
        let mut places = vec![0.0; self.completions];
        for set in 0..=all {
            for tier in subsets(all & !set) {
                let ((before, ways_before), (after, ways_after)) = (self.above[set], self.below[set | tier]);
                if add(add(before, self.cost(set, tier)), after) == best {
                    let place = 2 * set.count_ones() + tier.count_ones() - 1;
                    members(tier).for_each(|one| places[one] += f64::from(place) * ways_before * ways_after / count);
                }
            }
        }
        places
    }
}

fn add(one: Cost, other: Cost) -> Cost {
    (one.0.saturating_add(other.0), one.1 + other.1)
}

fn take_lower(best: &mut (Cost, f64), cost: Cost, count: f64) {
    match cost.cmp(&best.0) {
        std::cmp::Ordering::Less => *best = (cost, count),
        std::cmp::Ordering::Equal => best.1 += count,
        std::cmp::Ordering::Greater => {}
    }
}

/// The members of a set.
fn members(set: usize) -> impl Iterator<Item = usize> {
    (0..usize::BITS as usize).take_while(move |bit| set >> bit != 0).filter(move |bit| set >> bit & 1 == 1)
}

/// The subsets of a set that are not empty.
fn subsets(set: usize) -> impl Iterator<Item = usize> {
    std::iter::successors((set != 0).then_some(set), move |subset| {
        let next = (subset - 1) & set;
        (next != 0).then_some(next)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(completions: &[usize]) -> Vec<Vec<usize>> {
        completions.iter().map(|completion| vec![*completion]).collect()
    }

    #[test]
    fn by_hand() {
        // One labeler's ranking is its own median.
        let tied = vec![vec![2], vec![0, 1]];
        assert_eq!(kemeny_median(3, std::slice::from_ref(&tied)), tied);
        // Two of three agree on everything.
        assert_eq!(kemeny_median(3, &[order(&[0, 1, 2]), order(&[0, 1, 2]), order(&[2, 1, 0])]), order(&[0, 1, 2]));
        // Even votes tie, whoever comes first.
        assert_eq!(kemeny_median(2, &[order(&[0, 1]), order(&[1, 0])]), [vec![0, 1]]);
        // One vote and one tie: the votes are not even.
        assert_eq!(kemeny_median(2, &[order(&[1, 0]), vec![vec![0, 1]]]), order(&[1, 0]));
        // Two ties outvote one order: distances 1 against 2.
        assert_eq!(kemeny_median(2, &[order(&[1, 0]), vec![vec![0, 1]], vec![vec![0, 1]]]), [vec![0, 1]]);
    }

    #[test]
    fn cycles_break_at_their_weakest_pair() {
        // Three orders in a circle: every median is as good as its rotations, so nothing is preferred.
        let circle = [order(&[0, 1, 2]), order(&[1, 2, 0]), order(&[2, 0, 1])];
        assert_eq!(kemeny_median(3, &circle), [vec![0, 1, 2]]);
        // 0 > 1 and 1 > 2 by 5 to 2, 2 > 0 by 4 to 3: the last one gives way.
        let mut votes = vec![order(&[0, 1, 2]); 3];
        votes.extend([order(&[1, 2, 0]), order(&[1, 2, 0]), order(&[2, 0, 1]), order(&[2, 0, 1])]);
        assert_eq!(kemeny_median(3, &votes), order(&[0, 1, 2]));
    }

    #[test]
    fn kemeny_and_borda_differ() {
        // Three put 0 above 1 above 2, two put 1 above 2 above 0: 0 has the majority, 1 the better mean place.
        let votes = [order(&[0, 1, 2]), order(&[0, 1, 2]), order(&[0, 1, 2]), order(&[1, 2, 0]), order(&[1, 2, 0])];
        assert_eq!(kemeny_median(3, &votes), order(&[0, 1, 2]));
        // With more completions than are exact, the order is Borda's: places of 0 add up to 4, those of 1 to 3.
        let pad = |head: [usize; 3]| order(&head.into_iter().chain(3..12).collect::<Vec<_>>());
        let many = [pad([0, 1, 2]), pad([0, 1, 2]), pad([0, 1, 2]), pad([1, 2, 0]), pad([1, 2, 0])];
        assert_eq!(kemeny_median(12, &many)[0], [1]);
    }

    #[test]
    #[should_panic(expected = "completion 1 is not ranked")]
    fn a_completion_left_out_is_named() {
        kemeny_median(2, &[order(&[0])]);
    }

    /// Rankings of `completions` completions by a level each.
    fn by_levels(levels: &[usize]) -> Vec<Vec<usize>> {
        let tier = |level: usize| (0..levels.len()).filter(|a| levels[*a] == level).collect::<Vec<_>>();
        (0..levels.len()).map(tier).filter(|tier| !tier.is_empty()).collect()
    }

    fn distance(one: &[Vec<usize>], other: &[Vec<usize>]) -> usize {
        let tier = |ranking: &[Vec<usize>], one| ranking.iter().position(|tier| tier.contains(&one)).unwrap();
        let mut sum = 0;
        for a in 0..4 {
            for b in 0..a {
                let sign = |ranking| (tier(ranking, a) as isize - tier(ranking, b) as isize).signum();
                sum += sign(one).abs_diff(sign(other));
            }
        }
        sum
    }

    proptest! {
        #[test]
        fn an_only_median_is_the_closest_of_all_rankings(
            levels in prop::collection::vec(prop::collection::vec(0usize..4, 4), 1..6)
        ) {
            let rankings: Vec<_> = levels.iter().map(|levels| by_levels(levels)).collect();
            let cost = |ranking: &Vec<Vec<usize>>| rankings.iter().map(|other| distance(ranking, other)).sum::<usize>();
            let mut all: Vec<_> = (0..256usize).map(|code| by_levels(&[code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6])).collect();
            all.sort();
            all.dedup();
            prop_assert_eq!(all.len(), 75, "the weak orders of four");
            let lowest = all.iter().map(cost).min().unwrap();
            let best: Vec<_> = all.iter().filter(|ranking| cost(ranking) == lowest).collect();
            let found = kemeny_median(4, &rankings);
            if let [only] = best.as_slice() {
                prop_assert_eq!(&found, *only);
            }
            // What all medians order, the one found orders so too.
            let place = |ranking: &[Vec<usize>], one| ranking.iter().position(|tier| tier.contains(&one)).unwrap();
            for a in 0..4 {
                for b in 0..4 {
                    if best.iter().all(|ranking| place(ranking, a) < place(ranking, b)) {
                        prop_assert!(place(&found, a) < place(&found, b));
                    }
                }
            }
        }
    }
}
