//! `launch.sh`. What a shell reads comes in two kinds that must not mix: words of the script itself, which stand in the
//! source of this program, and data, such as the name of a model, which a stranger may have chosen.
//!
//! [`Words`] has no way from one to the other: a script is `&'static str`, and data enter it quoted.

use crate::runner::quoted;
use std::fmt::Display;

/// Words of a command, as the shell reads them.
#[derive(Debug, Clone, PartialEq)]
pub struct Words(String);

impl Words {
    /// Words of the script.
    pub fn script(text: &'static str) -> Self {
        Self(text.into())
    }

    /// Words of the script with data in place of each `{}`. Whatever the data hold, the shell takes them literally and
    /// as part of one word.
    pub fn with<const N: usize>(script: &'static str, data: [&dyn Display; N]) -> Self {
        debug_assert_eq!(script.matches("{}").count(), N, "a value for each {{}}");
        let mut data = data.into_iter();
        let mut words = String::new();
        for (number, part) in script.split("{}").enumerate() {
            let value = if number > 0 { data.next() } else { None };
            words += &value.map_or(String::new(), |value| quoted(&value.to_string()));
            words += part;
        }
        Self(words)
    }

    /// Words of the script with others in place of `{}`.
    pub fn joined(script: &'static str, others: &'static str) -> Self {
        Self(script.replace("{}", others))
    }

    /// These words, then a word that is data.
    pub fn and(self, data: &str) -> Self {
        Self(format!("{} {}", self.0, quoted(data)))
    }
}

/// The script that starts `command`. `places` are variables that name models unless the environment sets them.
pub fn launch(places: &[(&'static str, String)], command: &[Words]) -> String {
    let mut script = String::from(
        "#!/bin/sh\n# Further words go to the trainer. GPUS a machine, NODES machines, this one is number RANK.\nset -eu\n\
         cd \"$(dirname \"$0\")\"\n: \"${GPUS:=1}\" \"${NODES:=1}\" \"${RANK:=0}\" \"${MASTER:=127.0.0.1}\" \"${PORT:=29500}\"\n",
    );
    for (name, place) in places {
        // Not `: "${POLICY:=...}"`: in there a shell runs $(...), whatever quotes are around it.
        script += &format!("[ -n \"${{{name}-}}\" ] || {name}={}\n", quoted(place));
    }
    let command: Vec<&str> = command.iter().map(|words| words.0.as_str()).collect();
    script + &format!("exec {} \"$@\"\n", command.join(" \\\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_quoted_and_numbers_stay_readable() {
        let words = Words::with("--rate {} --batch $(( {} + GPUS )) --name={}", [&0.5, &8, &"$(x) 'y'"]);
        assert_eq!(words.0, r"--rate 0.5 --batch $(( 8 + GPUS )) --name='$(x) '\''y'\'''");
        assert_eq!(Words::script("--targets").and("a").and("&").0, "--targets a '&'");
    }
}
