//! Takes from the module where in a library's sources a panic would come from: thousands of places, each a file, a line
//! and a column, which nobody sees who opens a page. Our own stay, and a page built to be read keeps all.
//!
//! The compiler lays a place down as four numbers: where the file's name lies and how long it is, line, column. The
//! numbers of lines and columns become zeros, and so do the names. Deliberately absent: taking away the places
//! themselves, to which code points.

use std::collections::BTreeSet;
use std::ops::Range;

use anyhow::{Result, ensure};
use walrus::ir::Value;
use walrus::{ConstExpr, Data, DataId, DataKind, Module};

/// Begins the path of every file in our own workspace.
const OUR_FOLDERS: [&str; 2] = ["crates/", "web/"];

/// Bytes of a place: four numbers.
const PLACE: usize = 16;

/// Above the length of a file's name, the lines of a file, and the columns of a line.
const MOST: [usize; 3] = [300, 100_000, 1_000];

/// Empties the places in libraries.
///
/// # Errors
/// If there are none: places are no longer laid down as described above.
pub fn empty_foreign(module: &mut Module) -> Result<()> {
    let (places, names) = foreign(module);
    ensure!(
        !places.is_empty(),
        "the module names no library's sources. Has the compiler changed how panics say where?"
    );
    println!("Emptied {} places in the sources of libraries.", places.len());
    let numbers = places.iter().map(|place| place + PLACE / 2..place + PLACE);
    let ranges: Vec<Range<usize>> = numbers.chain(names.into_iter().map(|(from, to)| from..to)).collect();
    let segments: Vec<DataId> = module.data.iter().map(Data::id).collect();
    for segment in segments {
        let data = module.data.get_mut(segment);
        for range in &ranges {
            if let Some(bytes) = inside(data, range) {
                data.value[bytes].fill(0);
            }
        }
    }
    Ok(())
}

/// Where in memory places in libraries lie, and the names of their files.
fn foreign(module: &Module) -> (Vec<usize>, BTreeSet<(usize, usize)>) {
    let (mut places, mut names) = (Vec::new(), BTreeSet::new());
    for data in module.data.iter() {
        let Some(begin) = address(data) else { continue };
        for place in (begin.next_multiple_of(4)..(begin + data.value.len()).saturating_sub(PLACE - 1)).step_by(4) {
            let (words, _) = data.value[place - begin..][..PLACE].as_chunks::<4>();
            let [name, length, line, column] = std::array::from_fn(|i| u32::from_le_bytes(words[i]) as usize);
            let in_bounds = length < MOST[0] && (1..MOST[1]).contains(&line) && (1..MOST[2]).contains(&column);
            if in_bounds && is_foreign(module, &(name..name + length)) {
                places.push(place);
                names.insert((name, name + length));
            }
        }
    }
    (places, names)
}

/// Whether the name of a source file that is not ours lies there.
fn is_foreign(module: &Module, name: &Range<usize>) -> bool {
    let bytes = module.data.iter().find_map(|data| Some(&data.value[inside(data, name)?]));
    let Some(name) = bytes.and_then(|bytes| str::from_utf8(bytes).ok()) else { return false };
    let of_path = |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    let is_path = name.ends_with(".rs") && name.contains('/') && name.chars().all(of_path);
    is_path && !OUR_FOLDERS.iter().any(|folder| name.starts_with(folder))
}

/// Where in memory the segment begins.
fn address(data: &Data) -> Option<usize> {
    match data.kind {
        DataKind::Active { offset: ConstExpr::Value(Value::I32(begin)), .. } => Some(begin as u32 as usize),
        _ => None,
    }
}

/// The part of the segment that lies at `range` in memory, if all of that does.
fn inside(data: &Data, range: &Range<usize>) -> Option<Range<usize>> {
    let begin = address(data)?;
    (begin <= range.start && range.end <= begin + data.value.len()).then(|| range.start - begin..range.end - begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: usize = 1000;

    /// A module whose memory holds names and, after them, places in these files.
    fn module(names: &[&str]) -> (Module, usize) {
        let mut bytes = names.concat().into_bytes();
        let first = (BEGIN + bytes.len()).next_multiple_of(4);
        bytes.resize(first - BEGIN, b'|');
        let mut name = BEGIN;
        for (index, text) in names.iter().enumerate() {
            for number in [name, text.len(), 10 + index, 5] {
                bytes.extend((number as u32).to_le_bytes());
            }
            name += text.len();
        }
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        let offset = ConstExpr::Value(Value::I32(BEGIN as i32));
        module.data.add(DataKind::Active { memory, offset }, bytes);
        (module, first)
    }

    fn memory(module: &Module) -> Vec<u8> {
        module.data.iter().next().map(|data| data.value.clone()).unwrap_or_default()
    }

    #[test]
    fn lines_columns_and_names_of_libraries_become_zeros_and_ours_stay() -> Result<()> {
        let names =
            ["library-1.0/src/lib.rs", "crates/xtask/src/main.rs", "a text of lib/x.rs", "web/src/lib.rs", "b/c.rs"];
        let (mut module, first) = module(&names);
        let before = memory(&module);
        empty_foreign(&mut module)?;
        let after = memory(&module);
        let changed: Vec<usize> = (0..before.len()).filter(|&i| before[i] != after[i]).collect();
        let place = |index: usize| first - BEGIN + PLACE * index;
        let mut expected: Vec<usize> = (0..names[0].len()).collect();
        let last_name = names[..4].concat().len();
        expected.extend(last_name..last_name + names[4].len());
        // The numbers are small: of their four bytes one was not zero.
        expected.extend([0, 4].into_iter().flat_map(|index| [place(index) + 8, place(index) + 12]));
        expected.sort_unstable();
        assert_eq!(changed, expected);
        Ok(())
    }

    #[test]
    fn a_module_without_places_in_libraries_is_an_error() {
        let (mut module, _) = module(&["crates/xtask/src/main.rs", "no path"]);
        let error = empty_foreign(&mut module).unwrap_err();
        assert!(error.to_string().contains("how panics say where"), "{error}");
    }
}
