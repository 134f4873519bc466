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
    /// Make the completion at this position better.
    Edit(usize),
    /// Write an answer, since none is good.
    Write,
    /// Show the help.
    Help,
}

/// Reads a line for `completions` completions. The error says what is wrong in words for the person who typed.
pub fn parse(line: &str, completions: usize) -> Result<Typed, String> {
    match line.trim().to_lowercase().as_str() {
        "s" | "skip" => return Ok(Typed::Skip),
        "u" | "undo" => return Ok(Typed::Undo),
        "q" | "quit" => return Ok(Typed::Quit),
        "w" | "write" => return Ok(Typed::Write),
        "" | "?" | "h" | "help" => return Ok(Typed::Help),
        _ => {}
    }
    if let Some(number) = line.trim().strip_prefix("e ").or_else(|| line.trim().strip_prefix("edit ")) {
        return position(number.trim(), completions).map(Typed::Edit);
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

/// The position of the completion that a number names.
fn position(word: &str, completions: usize) -> Result<usize, String> {
    let number = word.parse::<usize>().ok().filter(|number| (1..=completions).contains(number));
    number.map(|number| number - 1).ok_or_else(|| format!("`{word}` is no completion; there are 1 to {completions}"))
}

/// Which of `completions` a line names as good enough to use: their numbers, or nothing of them as `0` or `none`.
pub fn parse_usable(line: &str, completions: usize) -> Result<Vec<bool>, String> {
    let mut usable = vec![false; completions];
    match line.trim().to_lowercase().as_str() {
        "" => return Err("type the numbers of those that you would send, or 0 for none".into()),
        "0" | "none" => return Ok(usable),
        "all" | "both" => return Ok(vec![true; completions]),
        _ => {}
    }
    for word in line.split([' ', ',', '>', '=']).map(str::trim).filter(|word| !word.is_empty()) {
        usable[position(word, completions)?] = true;
    }
    Ok(usable)
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
        let position = position(word, completions)?;
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
    fn those_that_one_would_send_are_numbers() {
        assert_eq!(parse_usable("2", 2), Ok(vec![false, true]));
        assert_eq!(parse_usable("1, 2\n", 2), Ok(vec![true, true]));
        assert_eq!(parse_usable("none", 2), Ok(vec![false, false]));
        assert!(parse_usable("", 2).is_err() && parse_usable("3", 2).unwrap_err().contains("`3`"));
    }

    #[test]
    fn letters_are_commands() {
        assert_eq!(parse("q", 2), Ok(Typed::Quit));
        assert_eq!(parse(" U ", 2), Ok(Typed::Undo));
        assert_eq!(parse("skip", 2), Ok(Typed::Skip));
        assert_eq!(parse("", 2), Ok(Typed::Help));
        assert_eq!((parse("e 2", 2), parse("w", 2)), (Ok(Typed::Edit(1)), Ok(Typed::Write)));
        assert!(parse("e 3", 2).unwrap_err().contains("`3` is no completion"));
        assert_eq!(parse("f Off topic", 2), Ok(Typed::Flag("off_topic".into())));
    }
}
