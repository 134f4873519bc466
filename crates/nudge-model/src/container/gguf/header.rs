//! The header of one file: metadata, and the places of its tensors, held against the file's length.

use super::reader::Reader;
use super::{Change, ContainerError, Encoding, Entry, KINDS, Value, refuse_pointer};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes that a tensor's place takes at least: the length of a name, how many sizes, its kind, its offset.
const LEAST_INFO: u64 = 24;
/// Bytes that a pair of the metadata takes at least.
const LEAST_PAIR: u64 = 13;
/// Sizes of a tensor at most, by the format.
const MOST_SIZES: u32 = 4;
/// Largest multiple that tensors begin at.
const MOST_ALIGNMENT: i128 = 1 << 16;

/// A tensor's place as the header gives it.
struct Info {
    name: String,
    shape: Vec<usize>,
    encoding: Encoding,
    offset: u64,
    length: usize,
}

/// What the header of one file says.
#[derive(Default)]
pub(super) struct Part {
    pub file: Arc<str>,
    pub metadata: BTreeMap<String, Value>,
    pub tensors: BTreeMap<String, Entry>,
}

impl Part {
    pub fn open(file: &str, bytes: Bytes) -> Result<Self, ContainerError> {
        refuse_pointer(file, &bytes)?;
        let mut reader = Reader { file, bytes, at: 0 };
        let (tensors, pairs) = counts(&mut reader)?;
        let metadata = reader.metadata(pairs)?;
        let mut infos = Vec::new();
        for _ in 0..tensors {
            infos.push(info(&mut reader)?);
        }
        let data = data(&reader, &metadata)?;
        let name: Arc<str> = file.into();
        let tensors = placed(&name, infos, &data)?;
        Ok(Self { file: name, metadata, tensors })
    }
}

/// Magic, version, and how many tensors and pairs of metadata follow.
fn counts(reader: &mut Reader) -> Result<(usize, usize), ContainerError> {
    if !reader.bytes.starts_with(b"GGUF") {
        return Err(reader.unreadable("it does not begin as a GGUF".into()));
    }
    reader.at = 4;
    let version = reader.u32("the version")?;
    if ![2, 3].contains(&version) {
        let reason = match version.swap_bytes() {
            2 | 3 => "it is big-endian, which is not supported".into(),
            _ => format!("it is of version {version}; 2 and 3 are known"),
        };
        return Err(reader.unreadable(reason));
    }
    let tensors = reader.count(LEAST_INFO, "tensors")?;
    Ok((tensors, reader.count(LEAST_PAIR, "metadata pairs")?))
}

fn info(reader: &mut Reader) -> Result<Info, ContainerError> {
    let name = reader.text("the name of a tensor")?;
    let file = reader.file;
    let refused = |reason: String| ContainerError::Tensor { file: file.into(), tensor: name.clone(), reason };
    let sizes = reader.u32("a tensor's sizes")?;
    if !(1..=MOST_SIZES).contains(&sizes) {
        return Err(refused(format!("has {sizes} sizes; the format allows 1 to {MOST_SIZES}")));
    }
    let mut shape = Vec::new();
    for _ in 0..sizes {
        let size = reader.u64("a tensor's sizes")?;
        shape.push(usize::try_from(size).map_err(|_| refused(format!("has a size of {size}")))?);
    }
    let kind = reader.u32("a tensor's kind")?;
    let offset = reader.u64("a tensor's offset")?;
    let encoding = KINDS.iter().find(|(known, _)| *known == kind).map(|(_, encoding)| *encoding).ok_or_else(|| {
        let known: Vec<String> = KINDS.iter().map(|(_, encoding)| format!("{encoding:?}")).collect();
        refused(format!("is of kind {kind}, which is not known; take a model in one of {}", known.join(", ")))
    })?;
    let count = shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
    let whole = shape[0].is_multiple_of(encoding.block());
    let length = count.filter(|count| *count > 0 && whole).and_then(|count| encoding.bytes(count));
    let length =
        length.ok_or_else(|| refused(format!("has sizes {shape:?}, which are not whole rows of {encoding:?}")))?;
    // The first size changes fastest: the columns.
    shape.reverse();
    while shape.len() > 1 && shape[0] == 1 {
        shape.remove(0);
    }
    Ok(Info { name, shape, encoding, offset, length })
}

/// The bytes that hold tensors, behind the header.
fn data(reader: &Reader, metadata: &BTreeMap<String, Value>) -> Result<Bytes, ContainerError> {
    let alignment = match metadata.get("general.alignment") {
        None => 32,
        Some(Value::Integer(alignment @ 1..=MOST_ALIGNMENT)) => *alignment as usize,
        Some(_) => {
            let (file, key) = (reader.file.into(), "general.alignment".into());
            let reason = format!("must be a number from 1 to {MOST_ALIGNMENT}");
            return Err(ContainerError::Metadata { file, key, reason });
        }
    };
    let start = reader.at.next_multiple_of(alignment).min(reader.bytes.len());
    Ok(reader.bytes.slice(start..))
}

/// The tensors at their places, none past the end and none on another.
fn placed(file: &Arc<str>, mut infos: Vec<Info>, data: &Bytes) -> Result<BTreeMap<String, Entry>, ContainerError> {
    let mut tensors = BTreeMap::new();
    infos.sort_by_key(|info| info.offset);
    let mut before: Option<(u64, String)> = None;
    for Info { name, shape, encoding, offset, length } in infos {
        let end = offset.checked_add(length as u64).filter(|end| *end <= data.len() as u64).ok_or_else(|| {
            let reason = format!(
                "tensor `{name}` takes {length} bytes at offset {offset}, but its data are {} bytes",
                data.len()
            );
            ContainerError::Truncated { file: file.to_string(), reason }
        })?;
        if let Some((last, first)) = before.filter(|(last, _)| offset < *last) {
            debug_assert!(last > offset);
            return Err(ContainerError::Overlap { file: file.to_string(), first, second: name });
        }
        before = Some((end, name.clone()));
        let bytes = data.slice(offset as usize..end as usize);
        let entry = Entry { file: file.clone(), shape, encoding, bytes, change: Change::None };
        if tensors.insert(name.clone(), entry).is_some() {
            let file = file.to_string();
            return Err(ContainerError::Twice { tensor: name, first: file.clone(), second: file });
        }
    }
    Ok(tensors)
}
