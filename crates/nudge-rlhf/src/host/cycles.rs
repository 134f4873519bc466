//! Contradictions in preferences: A above B, B above C, C above A.
//!
//! A person who is sure has none; Kendall and Babington Smith (1940, "On the Method of Paired Comparisons") measure
//! inconsistency by them. Between persons they are Condorcet's paradox: every majority is sound, together they are no
//! order.

use std::collections::VecDeque;

/// A shortest cycle of each knot: of each set of completions that can all be reached from each other.
///
/// `above[one][other]` says that `one` is better than `other`. A cycle starts at its lowest completion, and the last is
/// better than the first. Cycles come in the order of their first completions. A knot without its shortest cycle may
/// still hold others.
///
/// # Panics
/// If the matrix is not square.
pub fn preference_cycles(above: &[Vec<bool>]) -> Vec<Vec<usize>> {
    let count = above.len();
    let reaches: Vec<Vec<bool>> = (0..count).map(|start| reachable(above, start)).collect();
    let mut cycles = Vec::new();
    let mut done = vec![false; count];
    for start in 0..count {
        if done[start] || !reaches[start][start] {
            continue;
        }
        let knot: Vec<usize> = (start..count).filter(|end| reaches[start][*end] && reaches[*end][start]).collect();
        knot.iter().for_each(|completion| done[*completion] = true);
        cycles.extend(knot.iter().filter_map(|completion| shortest_cycle(above, *completion)).min_by_key(Vec::len));
    }
    for cycle in &mut cycles {
        let lowest = (0..cycle.len()).min_by_key(|place| cycle[*place]).unwrap_or(0);
        cycle.rotate_left(lowest);
    }
    cycles.sort();
    cycles
}

/// What can be reached in one step or more.
fn reachable(above: &[Vec<bool>], start: usize) -> Vec<bool> {
    let mut found = vec![false; above.len()];
    let mut waiting = vec![start];
    while let Some(completion) = waiting.pop() {
        for next in 0..above.len() {
            if above[completion][next] && !std::mem::replace(&mut found[next], true) {
                waiting.push(next);
            }
        }
    }
    found
}

/// The shortest way from `start` back to it, by breadth-first search.
fn shortest_cycle(above: &[Vec<bool>], start: usize) -> Option<Vec<usize>> {
    let mut before: Vec<Option<usize>> = vec![None; above.len()];
    let mut waiting = VecDeque::from([start]);
    while let Some(completion) = waiting.pop_front() {
        if above[completion][start] {
            let mut cycle = vec![completion];
            while cycle[cycle.len() - 1] != start {
                cycle.push(before[cycle[cycle.len() - 1]]?);
            }
            cycle.reverse();
            return Some(cycle);
        }
        for next in 0..above.len() {
            if above[completion][next] && next != start && before[next].is_none() {
                before[next] = Some(completion);
                waiting.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycles(completions: usize, above: &[(usize, usize)]) -> Vec<Vec<usize>> {
        let mut matrix = vec![vec![false; completions]; completions];
        above.iter().for_each(|(one, other)| matrix[*one][*other] = true);
        preference_cycles(&matrix)
    }

    #[test]
    fn an_order_has_none() {
        assert!(cycles(4, &[(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]).is_empty());
        assert!(cycles(0, &[]).is_empty());
    }

    #[test]
    fn a_cycle_starts_at_its_lowest_completion_and_keeps_its_direction() {
        assert_eq!(cycles(3, &[(2, 1), (1, 0), (0, 2)]), [vec![0, 2, 1]]);
        assert_eq!(cycles(3, &[(0, 1), (1, 2), (2, 0)]), [vec![0, 1, 2]]);
        assert_eq!(cycles(2, &[(0, 1), (1, 0)]), [vec![0, 1]]);
    }

    #[test]
    fn the_shortest_of_each_knot() {
        // 0 > 1 > 2 > 3 > 0 with the short cut 3 > 1, and apart from it 4 > 5 > 6 > 4, below 3.
        let above = [(0, 1), (1, 2), (2, 3), (3, 0), (3, 1), (3, 4), (4, 5), (5, 6), (6, 4)];
        assert_eq!(cycles(7, &above), [vec![1, 2, 3], vec![4, 5, 6]]);
    }
}
