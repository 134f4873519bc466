//! The parts of a decompressed page, and what the decoder would make of them.
//!
//! A few bytes of run-length code can stand for any number of values, and a few of delta code for any number of long
//! texts. Here they are counted without being made.
//!
//! It lacks the values themselves: those are the decoder's.

use ::parquet::basic::Encoding;
use ::parquet::column::page::Page;

/// A page of data, cut into its parts.
pub(super) struct Parts<'p> {
    /// The repetition levels, and whether they are run-length encoded, as all but very old files have them.
    pub repetition: (&'p [u8], bool),
    /// The values.
    pub values: &'p [u8],
    /// The number of levels, which is that of values with the missing ones.
    pub count: u64,
    /// How the values are encoded.
    pub encoding: Encoding,
}

/// Cuts a page of data; `None` for a dictionary, and where the levels are longer than the page.
pub(super) fn parts(page: &Page, max_repetition: i16, max_definition: i16) -> Option<Parts<'_>> {
    match page {
        Page::DictionaryPage { .. } => None,
        Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, .. } => {
            let (repetition, rest) = levels(buf, *num_values, *rep_level_encoding, max_repetition)?;
            let (_, values) = levels(rest, *num_values, *def_level_encoding, max_definition)?;
            let repetition = (repetition, *rep_level_encoding == Encoding::RLE);
            Some(Parts { repetition, values, count: u64::from(*num_values), encoding: *encoding })
        }
        Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
            let (repetition, rest) = buf.split_at_checked(*rep_levels_byte_len as usize)?;
            let values = rest.get(*def_levels_byte_len as usize..)?;
            Some(Parts { repetition: (repetition, true), values, count: u64::from(*num_values), encoding: *encoding })
        }
    }
}

/// The levels at the beginning of a page of version 1, and what comes after them.
fn levels(bytes: &[u8], count: u32, encoding: Encoding, max: i16) -> Option<(&[u8], &[u8])> {
    if max == 0 {
        return Some((&[], bytes));
    }
    if encoding == Encoding::RLE {
        let (length, rest) = bytes.split_first_chunk()?;
        return rest.split_at_checked(u32::from_le_bytes(*length) as usize);
    }
    bytes.split_at_checked((count as usize * width(max)).div_ceil(8))
}

/// The bits of a level.
fn width(max: i16) -> usize {
    (i16::BITS - max.leading_zeros()) as usize
}

/// The lengths of lists, row after row.
#[derive(Default)]
pub(super) struct Lengths {
    /// The values of the row that is being read.
    current: u64,
    /// Those of the row that has most.
    pub longest: u64,
}

impl Lengths {
    /// Counts on over the levels of a page: a row begins where the level is zero.
    pub fn add(&mut self, (levels, is_run_length): (&[u8], bool), count: u64, max: i16) {
        if !is_run_length {
            // Such levels take bits each, so there are not many; they may well belong to one row.
            return self.go_on(count);
        }
        let width = width(max);
        let (mut at, mut left) = (0, count);
        // A zero is padding behind the last run.
        while let Some(head) = varint(levels, &mut at).filter(|&head| head > 0 && left > 0) {
            if head & 1 == 0 {
                let run = (head >> 1).min(left);
                left -= run;
                let value = &levels[at.min(levels.len())..levels.len().min(at + width.div_ceil(8))];
                at += width.div_ceil(8);
                if value.iter().all(|&byte| byte == 0) {
                    self.begin(run)
                } else {
                    self.go_on(run)
                }
                continue;
            }
            let bytes = usize::try_from((head >> 1).saturating_mul(width as u64)).unwrap_or(usize::MAX);
            let packed = &levels[at.min(levels.len())..levels.len().min(at.saturating_add(bytes))];
            at = at.saturating_add(bytes);
            for level in (0..packed.len() * 8 / width).take(usize::try_from(left).unwrap_or(usize::MAX)) {
                left -= 1;
                let bit = |bit: usize| packed[bit / 8] >> (bit % 8) & 1 == 1;
                if (level * width..(level + 1) * width).any(bit) { self.go_on(1) } else { self.begin(1) }
            }
        }
    }

    fn begin(&mut self, rows: u64) {
        if rows > 0 {
            self.current = 1;
            self.longest = self.longest.max(1);
        }
    }

    fn go_on(&mut self, values: u64) {
        self.current = self.current.saturating_add(values);
        self.longest = self.longest.max(self.current);
    }
}

/// The values that delta code says it holds, and where the bytes after it begin.
pub(super) fn delta_count(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut at = 0;
    let (block, parts) = (varint(bytes, &mut at)?, varint(bytes, &mut at)?);
    let count = varint(bytes, &mut at)?;
    let per_part = block.checked_div(parts)?;
    varint(bytes, &mut at)?;
    // The first value stands in the header.
    let mut left = count.saturating_sub(1);
    while left > 0 && per_part > 0 {
        varint(bytes, &mut at)?;
        let widths = bytes.get(at..at.checked_add(usize::try_from(parts).ok()?)?)?;
        at += widths.len();
        for &width in widths.iter().take(usize::try_from(left.div_ceil(per_part)).ok()?) {
            at = at.checked_add(usize::try_from(per_part.checked_mul(u64::from(width))? / 8).ok()?)?;
        }
        left = left.saturating_sub(block);
    }
    Some((count, at))
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
