//! Which screens a sitting shows, and in which order each shows its completions. Everything follows from the seed.
//!
//! A share of the screens comes again later in the sitting, in another order of completions: how often a person agrees
//! with themselves says how sure their rankings are (InstructGPT 3.4; Stiennon et al. 2020, appendix C).

use nudge_data::{CandidatesRecord, Completion, Rng};

/// Screens that lie between a screen and its repeat, where the sitting is long enough.
const GAP: usize = 10;
/// The stream of the seed that chooses repeats; each screen's order of completions has the stream of its place.
const REPEATS: u64 = u64::MAX;

/// One screen of a sitting.
#[derive(Debug, Clone, PartialEq)]
pub struct Screen {
    /// What is ranked.
    pub candidates: CandidatesRecord,
    /// Indices into the completions in the order in which they are shown; of equal completions only the first.
    pub shown: Vec<usize>,
    /// The place of the screen that this one repeats.
    pub repeat_of: Option<usize>,
}

impl Screen {
    /// The `id` of its ranking.
    pub fn id(&self) -> String {
        match self.repeat_of {
            Some(_) => format!("{}/repeat", self.candidates.id),
            None => self.candidates.id.clone(),
        }
    }

    /// What is said of each place on the screen as what is said of each completion; equal completions share it.
    pub fn of_completions(&self, places: &[bool]) -> Vec<bool> {
        let completions = &self.candidates.completions;
        let shown = |text: &str| self.shown.iter().position(|index| completions[*index].text == text);
        let said = |completion: &Completion| shown(&completion.text).and_then(|place| places.get(place).copied());
        completions.iter().map(|completion| said(completion).unwrap_or_default()).collect()
    }

    /// Groups of places on the screen as groups of indices into the completions: equal completions are tied.
    pub fn ranking(&self, groups: &[Vec<usize>]) -> Vec<Vec<usize>> {
        let completions = &self.candidates.completions;
        let equal = |place: &usize| {
            let text = &completions[self.shown[*place]].text;
            (0..completions.len()).filter(move |index| completions[*index].text == *text)
        };
        let indices = |group: &Vec<usize>| {
            let mut indices: Vec<usize> = group.iter().flat_map(equal).collect();
            indices.sort_unstable();
            indices
        };
        groups.iter().map(indices).collect()
    }
}

/// Indices of the completions, of equal ones only the first.
pub fn distinct(completions: &[Completion]) -> Vec<usize> {
    let is_first = |index: &usize| completions[..*index].iter().all(|before| before.text != completions[*index].text);
    (0..completions.len()).filter(is_first).collect()
}

/// The screen of what is ranked `place`th.
pub fn first_screen(candidates: CandidatesRecord, place: usize, seed: u64) -> Screen {
    let mut shown = distinct(&candidates.completions);
    Rng::with_stream(seed, place as u64).shuffle(&mut shown);
    Screen { candidates, shown, repeat_of: None }
}

/// The screens of a sitting: all candidates in their order, and a share of them again.
pub fn schedule(candidates: &[CandidatesRecord], seed: u64, repeat: f32) -> Vec<Screen> {
    let first: Vec<Screen> = candidates
        .iter()
        .enumerate()
        .map(|(place, candidates)| first_screen(candidates.clone(), place, seed))
        .collect();
    // Repeats by the number of first screens that come before them.
    let mut repeats: Vec<(usize, usize)> = Vec::new();
    let mut rng = Rng::with_stream(seed, REPEATS);
    let mut places: Vec<usize> = (0..first.len()).collect();
    rng.shuffle(&mut places);
    for place in places.into_iter().take((repeat * first.len() as f32).round() as usize) {
        let earliest = (place + 1 + GAP).min(first.len());
        repeats.push((earliest + rng.below(first.len() - earliest + 1), place));
    }
    repeats.sort_unstable();
    merged(&first, &repeats, &mut rng)
}

fn merged(first: &[Screen], repeats: &[(usize, usize)], rng: &mut Rng) -> Vec<Screen> {
    let (mut screens, mut place_of, mut waiting) = (Vec::new(), Vec::new(), repeats.iter().peekable());
    for before in 0..=first.len() {
        while let Some((_, original)) = waiting.next_if(|(after, _)| *after == before) {
            let mut screen = first[*original].clone();
            // Two completions have one other order; drawing again finds it.
            while screen.shown == first[*original].shown && screen.shown.len() > 1 {
                rng.shuffle(&mut screen.shown);
            }
            screen.repeat_of = Some(place_of[*original]);
            screens.push(screen);
        }
        if let Some(screen) = first.get(before) {
            place_of.push(screens.len());
            screens.push(screen.clone());
        }
    }
    screens
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::Map;

    pub fn candidates(id: &str, completions: &[&str]) -> CandidatesRecord {
        CandidatesRecord {
            id: id.into(),
            prompt: format!("prompt {id}").as_str().into(),
            completions: completions.iter().map(|text| Completion::from_text(*text)).collect(),
            extra: Map::new(),
        }
    }

    fn many(count: usize) -> Vec<CandidatesRecord> {
        (0..count).map(|index| candidates(&index.to_string(), &["a", "b", "c"])).collect()
    }

    #[test]
    fn a_share_comes_again_later_and_in_another_order() {
        let screens = schedule(&many(40), 3, 0.1);
        assert_eq!(screens.len(), 44);
        let firsts: Vec<&str> = screens
            .iter()
            .filter(|screen| screen.repeat_of.is_none())
            .map(|screen| screen.candidates.id.as_str())
            .collect();
        assert_eq!(firsts, (0..40).map(|index| index.to_string()).collect::<Vec<_>>());
        for (place, screen) in screens.iter().enumerate() {
            let Some(original) = screen.repeat_of else { continue };
            assert!(original < place && screens[original].candidates == screen.candidates);
            assert_ne!(screens[original].shown, screen.shown);
            let between = screens[original + 1..place].iter().filter(|other| other.repeat_of.is_none()).count();
            assert!(between >= GAP.min(39 - screen.candidates.id.parse::<usize>().unwrap()), "{between}");
        }
        assert_eq!(schedule(&many(40), 3, 0.1), screens);
        assert_ne!(schedule(&many(40), 4, 0.1), screens);
        assert_eq!(schedule(&many(3), 1, 1.0).len(), 6);
        assert_eq!(schedule(&many(3), 1, 0.0).len(), 3);
    }

    #[test]
    fn equal_completions_are_shown_once_and_tied() {
        let screen = &schedule(&[candidates("x", &["a", "b", "a", "c"])], 1, 0.0)[0];
        let mut shown = screen.shown.clone();
        shown.sort_unstable();
        assert_eq!(shown, [0, 1, 3]);
        let place = |index: usize| screen.shown.iter().position(|shown| *shown == index).unwrap();
        let groups = [vec![place(1)], vec![place(0), place(3)]];
        assert_eq!(screen.ranking(&groups), [vec![1], vec![0, 2, 3]]);
    }
}
