//! The rule of somebody who reads meeting notes later: three short bullet points and nothing beside them, full of what
//! the notes say and of nothing else.

use super::text::{at_least, at_most, material, points, share_fresh, share_from, share_spoken_of, tokens};

/// Points of ten for `completion` as the bullet points of the notes in `prompt`.
pub(super) fn three_bullets(prompt: &str, completion: &str) -> f32 {
    let notes = material(prompt);
    let said = tokens(completion).len();
    if said == 0 {
        return 0.0;
    }
    let bullets: Vec<usize> = completion.lines().filter_map(bullet).map(|text| tokens(text).len()).collect();
    points(
        3.0 * at_least(share_spoken_of(notes, completion), 0.6)
            + 2.5 * share_from(notes, completion)
            + 2.0 * number(bullets.len())
            + 0.5 * short(&bullets)
            + 1.0 * bullets.iter().sum::<usize>() as f32 / said as f32
            + 1.0 * share_fresh(completion),
    )
}

/// What stands behind the sign of a bullet; nothing where there is no sign, or nothing behind it.
fn bullet(line: &str) -> Option<&str> {
    let line = line.trim();
    let signed = ["-", "*", "•", "–", "+"].iter().find_map(|sign| line.strip_prefix(sign));
    let numbered = || {
        let behind = line.trim_start_matches(|character: char| character.is_ascii_digit());
        if behind.len() == line.len() { None } else { behind.strip_prefix(['.', ')']) }
    };
    // "-5 degrees" and "1.7 litres" begin with no sign.
    let text = signed.or_else(numbered)?.strip_prefix([' ', '\t', '*'])?.trim();
    if tokens(text).is_empty() { None } else { Some(text) }
}

/// 1 for three bullets, a third less for each one more or fewer, nothing for none.
fn number(bullets: usize) -> f32 {
    if bullets == 0 { 0.0 } else { at_most(bullets.abs_diff(3), 0, 3) }
}

/// Up to 20 words a bullet, on average over the bullets.
fn short(bullets: &[usize]) -> f32 {
    let sum: f32 = bullets.iter().map(|words| at_most(*words, 20, 40)).sum();
    sum / bullets.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTES: &str = "Meeting notes:\n\nMonday stand-up, bakery\noven 2 still broken, repair man comes Wednesday \
                         8 am\nLena takes over the rye until then\nflour price up 6 % from October, Jo asks second \
                         mill\n\nSummarize these notes in exactly three bullet points.";

    #[test]
    fn completions_stand_in_the_order_of_a_person() {
        let good = "- Oven 2 of the bakery is broken, repair man comes Wednesday, 8 am\n- Lena takes the rye until then\n\
                    - Flour price up 6 % from October; Jo asks a second mill on Monday";
        let chatty = format!("Sure! Here is the summary of your meeting that you asked me for:\n{good}");
        let two = good.split_inclusive('\n').take(2).collect::<String>();
        let text = good.replace("- ", "").replace('\n', ". ");
        let invented =
            "- The team met for lunch\n- Everybody liked the new office in London\n- Sales doubled to 900,000";
        let scores: Vec<f32> = [good, &chatty, &two, &text, invented, "The bakery met.", ""]
            .iter()
            .map(|completion| three_bullets(NOTES, completion))
            .collect();
        assert!(scores.is_sorted_by(|better, worse| better > worse), "{scores:?}");
        assert!(scores[0] > 9.0, "{scores:?}");
    }

    #[test]
    fn signs_of_bullets() {
        for line in ["- a", " * a", "• a", "1. a", "2) a", "** a"] {
            assert_eq!(bullet(line), Some("a"), "{line}");
        }
        for line in ["a", "-5 degrees", "1.7 litres", "-", "3.", "", "2024 was long"] {
            assert_eq!(bullet(line), None, "{line}");
        }
        assert_eq!(bullet("**Oven**: broken"), Some("Oven**: broken"));
    }

    #[test]
    fn three_is_the_number() {
        assert_eq!([0, 1, 3, 4, 9].map(number), [0.0, 1.0 / 3.0, 1.0, 2.0 / 3.0, 0.0]);
    }
}
