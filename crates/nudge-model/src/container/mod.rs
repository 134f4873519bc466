//! Where the tensors of a model lie: an index over the bytes of its files, checked before any tensor is read.
//!
//! Names and the order of rows are Hugging Face's, whatever the file. A tensor is read when it is asked for, so that
//! what is held at once are the weights and one tensor. One container a file: [`safetensors`], its [`shards`], [`gguf`].
//!
//! Deliberately absent: files themselves (bytes come from a shell, which may map them into memory).

mod error;
pub mod gguf;
mod safetensors;
mod shards;

pub use error::{ContainerError, refuse_pointer};
pub use gguf::Gguf;
pub use shards::shards_of;

use crate::ModelError;
use burn::tensor::{Device, Tensor, TensorData};
use bytes::Bytes;
pub use nudge_kernels::encoding::Encoding;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The tensors of a model, by Hugging Face's names.
#[derive(Debug, Clone, Default)]
pub struct Tensors(BTreeMap<String, Entry>);

/// Where one tensor lies.
#[derive(Debug, Clone)]
struct Entry {
    file: Arc<str>,
    shape: Vec<usize>,
    encoding: Encoding,
    bytes: Bytes,
    change: Change,
}

/// What a container does differently from Hugging Face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Nothing.
    None,
    /// The two numbers that positions turn together are neighbours in each of `heads` heads, not half a head apart.
    Interleaved { heads: usize },
    /// Stored with 1 added.
    OneMore,
    /// Stored as `[in, out]`.
    Turned,
}

/// A tensor as it is kept, in Hugging Face's order of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its shape, rows first.
    pub shape: Vec<usize>,
    /// How its numbers are stored. Rows are whole blocks.
    pub encoding: Encoding,
    /// The numbers; shared with the file where their order is the same.
    pub bytes: Bytes,
}

impl Stored {
    /// Its numbers, row by row.
    pub fn numbers(&self) -> Vec<f32> {
        let mut numbers = vec![0.0; self.shape.iter().product()];
        self.encoding.decode(&self.bytes, &mut numbers);
        numbers
    }
}

impl Tensors {
    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a tensor called `name` is there.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Shape and encoding of the tensor called `name`, without reading it.
    pub fn layout(&self, name: &str) -> Option<(&[usize], Encoding)> {
        self.0.get(name).map(|entry| (entry.shape.as_slice(), entry.encoding))
    }

    /// Numbers of all tensors together.
    pub fn count(&self) -> u128 {
        self.0.values().map(|entry| entry.shape.iter().product::<usize>() as u128).sum()
    }

    /// How most numbers are stored; nothing where there are none.
    pub fn encoding(&self) -> Option<Encoding> {
        let mut numbers: BTreeMap<usize, (usize, Encoding)> = BTreeMap::new();
        for entry in self.0.values() {
            let place = Encoding::ALL.iter().position(|known| *known == entry.encoding).unwrap_or_default();
            numbers.entry(place).or_insert((0, entry.encoding)).0 += entry.shape.iter().product::<usize>();
        }
        numbers.into_values().max_by_key(|(count, _)| *count).map(|(_, encoding)| encoding)
    }

    /// The tensor called `name` as it is kept.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`]; [`ModelError::NotFinite`] if a number or a scale is NaN or infinite.
    pub fn stored(&self, name: &str) -> Result<Stored, ModelError> {
        let entry = self.0.get(name).ok_or_else(|| ModelError::MissingTensor(name.to_string()))?;
        if !finite(entry.encoding, &entry.bytes) {
            return Err(ModelError::NotFinite(name.into()));
        }
        Ok(entry.stored())
    }

    /// The tensor called `name` as a matrix of `shape`, `[rows, columns]`. A vector is a matrix of one row.
    ///
    /// # Errors
    /// As for [`Tensors::stored`], and [`ModelError::Shape`], before anything is read.
    pub fn matrix(&self, name: &str, shape: [usize; 2], device: &Device) -> Result<Tensor<2>, ModelError> {
        self.expect(name, shape)?;
        Ok(Tensor::from_data(TensorData::new(self.stored(name)?.numbers(), shape), device))
    }

    /// Checks that the tensor called `name` is a matrix of `shape`, without reading it.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`], [`ModelError::Shape`].
    pub fn expect(&self, name: &str, shape: [usize; 2]) -> Result<(), ModelError> {
        let (found, _) = self.layout(name).ok_or_else(|| ModelError::MissingTensor(name.to_string()))?;
        match found == shape || (shape[0] == 1 && found == &shape[1..]) {
            true => Ok(()),
            false => Err(ModelError::Shape { name: name.into(), expected: shape.to_vec(), found: found.to_vec() }),
        }
    }

    /// Adds a tensor; one of the same name is named with both files.
    fn add(&mut self, name: String, entry: Entry) -> Result<(), ContainerError> {
        if let Some(first) = self.0.get(&name) {
            let (first, second) = (first.file.to_string(), entry.file.to_string());
            return Err(ContainerError::Twice { tensor: name, first, second });
        }
        self.0.insert(name, entry);
        Ok(())
    }
}

impl Entry {
    fn stored(&self) -> Stored {
        let Self { shape, encoding, bytes, .. } = self.clone();
        match self.change {
            Change::None => Stored { shape, encoding, bytes },
            Change::Interleaved { heads } => {
                let bytes = halves_apart(&bytes, shape[0], heads).into();
                Stored { shape, encoding, bytes }
            }
            Change::OneMore => {
                let numbers = Stored { shape: shape.clone(), encoding, bytes }.numbers();
                let bytes = numbers.iter().flat_map(|number| (number - 1.0).to_le_bytes()).collect();
                Stored { shape, encoding: Encoding::F32, bytes }
            }
            Change::Turned => {
                let bytes = turned(&bytes, shape[0], encoding.block_bytes()).into();
                Stored { shape, encoding, bytes }
            }
        }
    }
}

/// The transpose of a matrix of `columns` columns, whose numbers are `size` bytes each.
fn turned(bytes: &[u8], columns: usize, size: usize) -> Vec<u8> {
    let row = columns * size;
    (0..columns)
        .flat_map(|column| bytes.chunks_exact(row).flat_map(move |row| &row[column * size..][..size]))
        .copied()
        .collect()
}

/// Rows `[heads, half, 2]` put in the order `[heads, 2, half]`. Rows are moved whole, so any encoding will do.
fn halves_apart(bytes: &[u8], rows: usize, heads: usize) -> Vec<u8> {
    permuted(bytes, rows, heads, |half, row| 2 * (row % half) + row / half)
}

/// Rows `[heads, 2, half]` put in the order `[heads, half, 2]`: the way there.
fn interleaved(bytes: &[u8], rows: usize, heads: usize) -> Vec<u8> {
    permuted(bytes, rows, heads, |half, row| half * (row % 2) + row / 2)
}

/// `from` gives, for half the rows of a head and a row of the result, the row of the head it is.
fn permuted(bytes: &[u8], rows: usize, heads: usize, from: impl Fn(usize, usize) -> usize) -> Vec<u8> {
    let (width, head) = (bytes.len() / rows, rows / heads);
    let source = |row: usize| row / head * head + from(head / 2, row % head);
    (0..rows).flat_map(|row| &bytes[source(row) * width..][..width]).copied().collect()
}

/// Whether all numbers, or the scales of all blocks, are numbers.
fn finite(encoding: Encoding, bytes: &[u8]) -> bool {
    let half = |block: &[u8], at: usize| block[at + 1] & 0x7c != 0x7c;
    let blocks = bytes.chunks_exact(encoding.block_bytes());
    match encoding {
        Encoding::F32 => blocks.fold(true, |fine, b| fine & (b[3] & 0x7f != 0x7f || b[2] & 0x80 != 0x80)),
        Encoding::BF16 => blocks.fold(true, |fine, b| fine & (b[1] & 0x7f != 0x7f || b[0] & 0x80 != 0x80)),
        Encoding::F16 | Encoding::Q8_0 | Encoding::Q4_0 | Encoding::Q5_0 => {
            blocks.fold(true, |fine, b| fine & half(b, 0))
        }
        Encoding::Q4_1 | Encoding::Q5_1 | Encoding::Q4_K | Encoding::Q5_K => {
            blocks.fold(true, |fine, b| fine & half(b, 0) & half(b, 2))
        }
        Encoding::Q6_K => blocks.fold(true, |fine, b| fine & half(b, 208)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_head_are_moved_there_and_back() {
        // Two heads of six rows, two bytes a row.
        let rows: Vec<u8> = (0..24).collect();
        let there = interleaved(&rows, 12, 2);
        let first: Vec<u8> = there.chunks(2).map(|row| row[0] / 2).collect();
        assert_eq!(first, [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
        assert_eq!(halves_apart(&there, 12, 2), rows);
    }

    #[test]
    fn a_matrix_is_turned_by_whole_numbers() {
        // Two rows of three numbers of two bytes.
        assert_eq!(
            turned(&[0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15], 3, 2),
            [0, 1, 10, 11, 2, 3, 12, 13, 4, 5, 14, 15]
        );
    }

    #[test]
    fn numbers_that_are_none_are_seen_in_every_encoding() {
        for encoding in Encoding::ALL {
            let mut bytes = vec![0x11; 2 * encoding.block_bytes()];
            assert!(finite(encoding, &bytes), "{encoding:?}");
            let at = encoding.block_bytes() + if encoding == Encoding::Q6_K { 208 } else { 0 };
            let infinite: &[u8] = match encoding {
                Encoding::F32 => &[0, 0, 0x80, 0xff],
                Encoding::BF16 => &[0x80, 0x7f],
                _ => &[0, 0x7c],
            };
            bytes[at..at + infinite.len()].copy_from_slice(infinite);
            assert!(!finite(encoding, &bytes), "{encoding:?}");
        }
    }
}
