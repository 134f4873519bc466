//! Bytes taken one after another, never past the end, and the metadata of a GGUF.
//!
//! A list stays in the file's bytes until it is asked for; it is gone through once, so that what lies behind it is found
//! and its texts are known to end.

use super::super::ContainerError;
use bytes::Bytes;
use std::collections::BTreeMap;

/// The longest key by the format.
const LONGEST_KEY: u64 = 65_535;

/// Characters of a key that a message quotes.
const TOLD: usize = 100;

/// A number, a text, or a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number of any width.
    Integer(i128),
    /// A number with a fraction, of any width.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// A text.
    Text(String),
    /// Many of one kind.
    List(List),
}

/// Values of one kind, still as bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    kind: u32,
    count: usize,
    bytes: Bytes,
}

impl List {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The texts; nothing where it holds others, or one is not UTF-8.
    pub fn texts(&self) -> Option<Vec<&str>> {
        if self.kind != STRING {
            return None;
        }
        let mut rest = &self.bytes[..];
        let mut texts = Vec::with_capacity(self.count);
        for _ in 0..self.count {
            let (length, behind) = rest.split_first_chunk::<8>()?;
            let (text, behind) = behind.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
            texts.push(std::str::from_utf8(text).ok()?);
            rest = behind;
        }
        Some(texts)
    }

    /// The numbers; nothing where it holds texts or yes and no.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        let width = width_of(self.kind)?;
        self.bytes
            .chunks_exact(width)
            .map(|bytes| match scalar(self.kind, bytes)? {
                Value::Integer(number) => Some(number as f64),
                Value::Float(number) => Some(number),
                _ => None,
            })
            .collect()
    }
}

/// Kinds of values that are not numbers of a fixed width.
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// Bytes of a value of this kind, where it says.
fn width_of(kind: u32) -> Option<usize> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// A number or a yes or no.
fn scalar(kind: u32, bytes: &[u8]) -> Option<Value> {
    let four = || bytes.try_into().ok();
    let eight = || bytes.try_into().ok();
    Some(match kind {
        0 => Value::Integer(bytes[0].into()),
        1 => Value::Integer((bytes[0] as i8).into()),
        2 => Value::Integer(u16::from_le_bytes(bytes.try_into().ok()?).into()),
        3 => Value::Integer(i16::from_le_bytes(bytes.try_into().ok()?).into()),
        4 => Value::Integer(u32::from_le_bytes(four()?).into()),
        5 => Value::Integer(i32::from_le_bytes(four()?).into()),
        6 => Value::Float(f32::from_le_bytes(four()?).into()),
        7 => Value::Bool(bytes[0] != 0),
        10 => Value::Integer(u64::from_le_bytes(eight()?).into()),
        11 => Value::Integer(i64::from_le_bytes(eight()?).into()),
        12 => Value::Float(f64::from_le_bytes(eight()?)),
        _ => return None,
    })
}

/// Takes bytes from the front of a file.
pub(super) struct Reader<'a> {
    pub file: &'a str,
    pub bytes: Bytes,
    pub at: usize,
}

impl Reader<'_> {
    /// The next `count` bytes, which hold `what`.
    pub fn take(&mut self, count: u64, what: &str) -> Result<Bytes, ContainerError> {
        let left = self.bytes.len() - self.at;
        match usize::try_from(count) {
            Ok(count) if count <= left => {
                self.at += count;
                Ok(self.bytes.slice(self.at - count..self.at))
            }
            _ => Err(self.truncated(format!("{what} takes {count} bytes, but {left} are left"))),
        }
    }

    /// The next number of four bytes.
    pub fn u32(&mut self, what: &str) -> Result<u32, ContainerError> {
        let bytes = self.take(4, what)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// The next number of eight bytes.
    pub fn u64(&mut self, what: &str) -> Result<u64, ContainerError> {
        let (low, high) = (self.u32(what)?, self.u32(what)?);
        Ok(u64::from(high) << 32 | u64::from(low))
    }

    /// How many of `what` follow, each of at least `least` bytes.
    pub fn count(&mut self, least: u64, what: &str) -> Result<usize, ContainerError> {
        let count = self.u64(what)?;
        let most = (self.bytes.len() - self.at) as u64 / least;
        match usize::try_from(count) {
            Ok(found) if count <= most => Ok(found),
            _ => Err(self.truncated(format!("it announces {count} {what}, but at most {most} fit into what is left"))),
        }
    }

    /// The next text.
    pub fn text(&mut self, what: &str) -> Result<String, ContainerError> {
        let length = self.u64(what)?;
        let bytes = self.take(length, what)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| self.unreadable(format!("{what} is not UTF-8 text")))
    }

    /// All pairs of the metadata.
    pub fn metadata(&mut self, pairs: usize) -> Result<BTreeMap<String, Value>, ContainerError> {
        let mut metadata = BTreeMap::new();
        for _ in 0..pairs {
            let length = self.u64("a metadata key")?;
            if length > LONGEST_KEY {
                return Err(
                    self.unreadable(format!("a metadata key of {length} bytes is longer than the format allows"))
                );
            }
            let key = self.take(length, "a metadata key")?;
            let key = String::from_utf8(key.to_vec())
                .map_err(|_| self.unreadable("a metadata key is not UTF-8 text".into()))?;
            // A message is a sentence, whatever a file calls its keys.
            let told: String = key.chars().take(TOLD).collect();
            let kind = self.u32(&told)?;
            let value = self.value(kind, &told)?;
            if metadata.insert(key, value).is_some() {
                return Err(self.unreadable(format!("metadata `{told}` is there twice")));
            }
        }
        Ok(metadata)
    }

    fn value(&mut self, kind: u32, key: &str) -> Result<Value, ContainerError> {
        match (kind, width_of(kind)) {
            (STRING, _) => self.text(key).map(Value::Text),
            (ARRAY, _) => self.list(key).map(Value::List),
            (_, Some(width)) => {
                let bytes = self.take(width as u64, key)?;
                scalar(kind, &bytes).ok_or_else(|| self.unknown_kind(kind, key))
            }
            _ => Err(self.unknown_kind(kind, key)),
        }
    }

    fn list(&mut self, key: &str) -> Result<List, ContainerError> {
        let kind = self.u32(key)?;
        let what = format!("values of `{key}`");
        if kind == STRING {
            let count = self.count(8, &what)?;
            let start = self.at;
            for _ in 0..count {
                let length = self.u64(key)?;
                self.take(length, key)?;
            }
            return Ok(List { kind, count, bytes: self.bytes.slice(start..self.at) });
        }
        let width = width_of(kind).ok_or_else(|| self.unknown_kind(kind, key))? as u64;
        let count = self.count(width, &what)?;
        let bytes = self.take(count as u64 * width, key)?;
        Ok(List { kind, count, bytes })
    }

    fn unknown_kind(&self, kind: u32, key: &str) -> ContainerError {
        self.unreadable(format!(
            "metadata `{key}` is of kind {kind}, which is not one of the format's or cannot be listed"
        ))
    }

    fn truncated(&self, reason: String) -> ContainerError {
        ContainerError::Truncated { file: self.file.into(), reason }
    }

    /// The file is not as the format says.
    pub fn unreadable(&self, reason: String) -> ContainerError {
        let reason = format!("{reason}. The file was damaged or is none of GGUF: copy or download it again");
        ContainerError::Unreadable { file: self.file.into(), reason }
    }
}
