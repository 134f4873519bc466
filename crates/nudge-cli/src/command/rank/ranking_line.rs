//! What a person types to rank: `2 > 1 = 3 > 4`, or `2 1=3 4`. Numbers are those on the screen.

use nudge_data::sitting::FLAGS;

/// What a typed line means.
#[derive(Debug, PartialEq)]
pub enum Typed {
    /// Groups of positions on the screen, from 0, best first.
    Ranking(Vec<Vec<usize>>),
    /// Leave this one out.
    Skip,
    /// Rank the one before again.
    Undo,
    /// Save and stop.
    Quit,
    /// Flag what is on the screen, or take the flag back.
    Flag(String),
    /// Show the help.
    Help,
}

/// Reads a line for `completions` completions. The error says what is wrong in words for the person who typed.
pub fn parse(line: &str, completions: usize) -> Result<Typed, String> {
    match line.trim().to_lowercase().as_str() {
        "s" | "skip" => return Ok(Typed::Skip),
        "u" | "undo" => return Ok(Typed::Undo),
        "q" | "quit" => return Ok(Typed::Quit),
        "" | "?" | "h" | "help" => return Ok(Typed::Help),
        _ => {}
    }
    if let Some(flag) = line.trim().strip_prefix("f ").or_else(|| line.trim().strip_prefix("flag ")) {
        let flag = flag.trim().to_lowercase().replace([' ', '-'], "_");
        return match FLAGS.contains(&flag.as_str()) {
            true => Ok(Typed::Flag(flag)),
            false => Err(format!("`{flag}` is no flag; there are {}", FLAGS.join(", "))),
        };
    }
    let groups = groups(line, completions)?;
    let mut seen = vec![false; completions];
    for &position in groups.iter().flatten() {
        if std::mem::replace(&mut seen[position], true) {
            return Err(format!("completion {} is named twice; name each once", position + 1));
        }
    }
    match seen.iter().position(|seen| !seen) {
        Some(position) => Err(format!("completion {} is missing; name each once", position + 1)),
        None => Ok(Typed::Ranking(groups)),
    }
}

fn groups(line: &str, completions: usize) -> Result<Vec<Vec<usize>>, String> {
    let spaced = line.replace('=', " = ").replace(['>', ','], " > ");
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let (mut tie, mut expects_number) = (false, true);
    for word in spaced.split_whitespace() {
        if word == "=" || word == ">" {
            if expects_number {
                return Err(format!("there is no completion before `{word}`"));
            }
            (tie, expects_number) = (word == "=", true);
            continue;
        }
        let number = word.parse::<usize>().ok().filter(|number| (1..=completions).contains(number));
        let position = number.ok_or_else(|| format!("`{word}` is no completion; there are 1 to {completions}"))? - 1;
        match groups.last_mut() {
            Some(group) if tie => group.push(position),
            _ => groups.push(vec![position]),
        }
        (tie, expects_number) = (false, false);
    }
    if expects_number { Err("a completion is missing at the end".into()) } else { Ok(groups) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_a_ranking() {
        let expected = Ok(Typed::Ranking(vec![vec![1], vec![0, 2], vec![3]]));
        for line in ["2 > 1 = 3 > 4", "2 1=3 4", " 2>1=3>4\n", "2, 1 = 3, 4"] {
            assert_eq!(parse(line, 4), expected, "{line}");
        }
        assert_eq!(parse("1=2", 2), Ok(Typed::Ranking(vec![vec![0, 1]])));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, part) in [
            ("1 2", "completion 3 is missing"),
            ("1 2 2", "completion 2 is named twice"),
            ("1 2 4", "`4` is no completion; there are 1 to 3"),
            ("best", "`best` is no completion"),
            ("1 2 3 >", "missing at the end"),
            ("= 1 2 3", "no completion before `=`"),
            ("1 > = 2 3", "no completion before `=`"),
            ("0 1 2", "`0` is no completion"),
            ("f bad", "`bad` is no flag; there are nonsense, harmful"),
        ] {
            let error = parse(line, 3).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn letters_are_commands() {
        assert_eq!(parse("q", 2), Ok(Typed::Quit));
        assert_eq!(parse(" U ", 2), Ok(Typed::Undo));
        assert_eq!(parse("skip", 2), Ok(Typed::Skip));
        assert_eq!(parse("", 2), Ok(Typed::Help));
        assert_eq!(parse("f Off topic", 2), Ok(Typed::Flag("off_topic".into())));
    }
}
