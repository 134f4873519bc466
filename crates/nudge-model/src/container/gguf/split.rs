//! A model in several GGUF files, as llama.cpp splits them: `NAME-00001-of-00003.gguf` and so on. Each says which of how
//! many it is, the first holds the metadata of all, and any may hold tensors.

use super::{ContainerError, Part, Value};
use std::collections::BTreeMap;

/// Which file it is, from 0.
const NUMBER: &str = "split.no";
/// Of how many.
const COUNT: &str = "split.count";
/// How many tensors all of them hold.
const TENSORS: &str = "split.tensors.count";

/// The names of all files of the model that a file of this name is one of, in order; nothing where the name does not say
/// that there are several.
pub fn parts_of(file: &str) -> Option<Vec<String>> {
    let (name, count) = named(file)?;
    Some((1..=count).map(|number| part_name(name, number, count)).collect())
}

/// What stands before the numbers in the name of a part, and how many parts there are.
fn named(file: &str) -> Option<(&str, usize)> {
    let digits = |text: &str| (text.len() == 5).then(|| text.parse::<usize>().ok())?;
    let (rest, count) = file.strip_suffix(".gguf")?.rsplit_once("-of-")?;
    let (name, number) = rest.rsplit_once('-')?;
    let (number, count) = (digits(number)?, digits(count)?);
    (count > 1 && (1..=count).contains(&number)).then_some((name, count))
}

fn part_name(name: &str, number: usize, count: usize) -> String {
    format!("{name}-{number:05}-of-{count:05}.gguf")
}

/// The files of one model as one: the metadata of the first, the tensors of all.
///
/// # Errors
/// [`ContainerError`] if a file is missing, is there twice, or is of another model.
pub(super) fn joined(parts: Vec<Part>) -> Result<Part, ContainerError> {
    let split = parts.iter().find(|part| whole(part, COUNT).is_some_and(|count| count > 1));
    let Some(count) = split.and_then(|part| whole(part, COUNT)) else { return only(parts) };
    let example = split.map(|part| part.file.to_string()).unwrap_or_default();
    let mut by_number: BTreeMap<usize, Part> = BTreeMap::new();
    for part in parts {
        refuse_foreign(&part, &example, count)?;
        let number = whole(&part, NUMBER).filter(|number| *number < count);
        let number = number.ok_or_else(|| of_key(&part, NUMBER, format!("must be a number below {count}")))?;
        if let Some(first) = by_number.get(&number) {
            let reason = format!("is {number}, as in {}; each file of a model must be there once", first.file);
            return Err(of_key(&part, NUMBER, reason));
        }
        by_number.insert(number, part);
    }
    if let Some(missing) = (0..count).find(|number| !by_number.contains_key(number)) {
        let missing = match named(&example) {
            Some((name, _)) => part_name(name, missing + 1, count),
            None => format!("file {} of {count}", missing + 1),
        };
        let reason = format!("is {count}, but {missing} is not there; copy or download all files of the model");
        return Err(of_key(&by_number.into_values().next().unwrap_or_default(), COUNT, reason));
    }
    let mut parts = by_number.into_values();
    let mut all = parts.next().unwrap_or_default();
    parts.try_for_each(|part| add(&mut all, part))?;
    match whole(&all, TENSORS) {
        Some(told) if told != all.tensors.len() => {
            let reason = format!("is {told}, but the files hold {}; they are of different models", all.tensors.len());
            Err(of_key(&all, TENSORS, reason))
        }
        _ => Ok(all),
    }
}

/// The one file of a model that is in one.
fn only(parts: Vec<Part>) -> Result<Part, ContainerError> {
    let mut parts = parts.into_iter();
    let first = parts.next().unwrap_or_default();
    match parts.next() {
        None => Ok(first),
        Some(other) => {
            let reason = format!("is not there, so it is no part of {}; open one model at a time", first.file);
            Err(of_key(&other, COUNT, reason))
        }
    }
}

/// Refuses a file that cannot be of the same model as `example`.
fn refuse_foreign(part: &Part, example: &str, count: usize) -> Result<(), ContainerError> {
    let found = whole(part, COUNT).unwrap_or(1);
    let other = |reason: String| Err(of_key(part, COUNT, format!("{reason}; the files are of different models")));
    if found != count {
        return other(format!("says 1 of {found}, and {example} is 1 of {count}"));
    }
    match (named(&part.file), named(example)) {
        (Some((name, _)), Some((expected, _))) if name != expected => {
            other(format!("is that of `{name}`, and {example} is one of `{expected}`"))
        }
        _ => Ok(()),
    }
}

/// Adds the tensors of a further part.
fn add(all: &mut Part, part: Part) -> Result<(), ContainerError> {
    for (tensor, entry) in part.tensors {
        if let Some(first) = all.tensors.get(&tensor) {
            let (first, second) = (first.file.to_string(), entry.file.to_string());
            return Err(ContainerError::Twice { tensor, first, second });
        }
        all.tensors.insert(tensor, entry);
    }
    Ok(())
}

fn whole(part: &Part, key: &str) -> Option<usize> {
    match part.metadata.get(key) {
        Some(Value::Integer(number)) => usize::try_from(*number).ok(),
        _ => None,
    }
}

fn of_key(part: &Part, key: &str, reason: String) -> ContainerError {
    ContainerError::Metadata { file: part.file.to_string(), key: key.into(), reason }
}

#[cfg(test)]
mod tests {
    use super::parts_of;

    #[test]
    fn names_say_which_of_how_many() {
        let parts = parts_of("a-b-00002-of-00003.gguf").unwrap();
        assert_eq!(parts, [1, 2, 3].map(|number| format!("a-b-0000{number}-of-00003.gguf")));
        for single in
            ["a.gguf", "a-00001-of-00001.gguf", "a-00004-of-00003.gguf", "a-00000-of-00003.gguf", "a-1-of-3.gguf"]
        {
            assert_eq!(parts_of(single), None, "{single}");
        }
    }
}
