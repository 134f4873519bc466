//! Thrift's compact protocol, as far as the limits need it: what a page's header and the footer ask for.
//!
//! The decoder reserves memory by these numbers before it looks at the data, calls itself for each level of a schema,
//! and goes through lists of items that take no bytes. So headers are walked here first. Fields must have the types of
//! the format: the decoder does not look at types, and a wrong one would let it see other numbers than were checked.
//!
//! It lacks writing, and all else that a footer tells.

use std::io::Read;

use super::shapes::{FOOTER, PAGE_HEADER, PAGE_HEADER_V2, SCHEMA_ELEMENT, Shape};

/// How deep values in a header may nest: the format's own take ten levels.
const MOST_DEPTH: usize = 16;
/// How deep a schema may nest: half of what JSON may.
const SCHEMA_DEPTH: usize = 64;

// The types of fields, as they stand before them.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// What a page says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageHeader {
    /// 0 is a data page, 2 a dictionary, 3 a data page of version 2.
    pub kind: i64,
    /// The bytes of the page once decompressed.
    pub uncompressed: u64,
    /// The bytes of the page as it lies in the file.
    pub compressed: u64,
    /// Those at its beginning that are not compressed: the levels of version 2.
    pub levels: u64,
    /// Version 2 may say that nothing is compressed.
    pub is_plain: bool,
    /// The bytes of the header itself.
    pub length: u64,
}

/// Reads the header of a page.
pub(super) fn page_header(input: impl Read) -> Result<PageHeader, String> {
    let mut input = Compact { input, count: 0 };
    let (mut numbers, mut levels, mut is_plain) = ([None; 3], 0, false);
    input.fields(&PAGE_HEADER, MOST_DEPTH, |input, id, kind| match id {
        1..=3 => input.integer().map(|number| numbers[id - 1] = Some(number)),
        8 => input.fields(&PAGE_HEADER_V2, MOST_DEPTH, |input, id, kind| match id {
            5 | 6 => input.integer().map(|number| levels += number),
            7 => {
                is_plain = kind == FALSE;
                Ok(())
            }
            _ => input.value(&PAGE_HEADER_V2[id - 1], kind, MOST_DEPTH),
        }),
        _ => input.value(&PAGE_HEADER[id - 1], kind, MOST_DEPTH),
    })?;
    let [Some(kind), Some(uncompressed), Some(compressed)] = numbers else {
        return Err("the header of a page lacks its kind or its size".to_owned());
    };
    let size = |size: i64| u64::try_from(size).map_err(|_| format!("a page says that it is {size} bytes long"));
    let (uncompressed, compressed, levels) = (size(uncompressed)?, size(compressed)?, size(levels)?);
    Ok(PageHeader { kind, uncompressed, compressed, levels, is_plain, length: input.count })
}

/// Refuses a footer that is not made as the format says, or whose schema nests too deep or promises more columns than
/// follow.
pub(super) fn check_footer(footer: &[u8]) -> Result<(), String> {
    let mut input = Compact { input: footer, count: 0 };
    input.fields(&FOOTER, MOST_DEPTH, |input, id, kind| match id {
        2 => input.schema(),
        _ => input.value(&FOOTER[id - 1], kind, MOST_DEPTH),
    })
}

struct Compact<R> {
    input: R,
    /// The bytes read so far.
    count: u64,
}

impl<R: Read> Compact<R> {
    fn byte(&mut self) -> Result<u8, String> {
        let mut byte = [0];
        self.input.read_exact(&mut byte).map_err(|error| format!("a header can not be read: {error}"))?;
        self.count += 1;
        Ok(byte[0])
    }

    fn unsigned(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("a number in a header has no end".to_owned())
    }

    /// A number of 32 bits.
    fn integer(&mut self) -> Result<i64, String> {
        let value = self.unsigned()?;
        let value = (value >> 1) as i64 ^ -((value & 1) as i64);
        i32::try_from(value).map(i64::from).map_err(|_| format!("the number {value} in a header is out of range"))
    }

    /// The type and the number of what is in a list.
    fn list(&mut self) -> Result<(u8, u64), String> {
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.unsigned()? } else { u64::from(head >> 4) };
        match head & 0x0f {
            // Items of no bytes could be without number.
            TRUE | FALSE => Err("a header holds a list of yes and no, which no header has".to_owned()),
            kind => Ok((kind, count)),
        }
    }

    /// Hands each field that has a shape to `read`, with its number and type, and passes over the others.
    fn fields(
        &mut self,
        shapes: &[Shape],
        depth: usize,
        mut read: impl FnMut(&mut Self, usize, u8) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut last = 0;
        loop {
            let head = self.byte()?;
            let (step, kind) = (usize::from(head >> 4), head & 0x0f);
            if kind == 0 {
                return Ok(());
            }
            let id = if step > 0 { last + step } else { usize::try_from(self.integer()?).unwrap_or(0) };
            // A far field is written with its number, a near one with its distance.
            if id <= last || (step == 0 && id - last < 16) || id > i16::MAX as usize {
                return Err(format!("field {id} of a header comes after field {last}"));
            }
            last = id;
            match shapes.get(id - 1) {
                Some(shape) => fits(shape, kind).and_then(|()| read(self, id, kind))?,
                None => self.skip(kind, depth)?,
            }
        }
    }

    /// Passes over a value that is known to fit its shape.
    fn value(&mut self, shape: &Shape, kind: u8, depth: usize) -> Result<(), String> {
        let depth = depth.checked_sub(1).ok_or("a header is nested too deep")?;
        match shape {
            Shape::List(item) => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| fits(item, kind).and_then(|()| self.value(item, kind, depth)))
            }
            Shape::Struct(shapes) => {
                self.fields(shapes, depth, |input, id, kind| input.value(&shapes[id - 1], kind, depth))
            }
            _ => self.skip(kind, depth),
        }
    }

    /// Passes over a value that the format does not know.
    fn skip(&mut self, kind: u8, depth: usize) -> Result<(), String> {
        let depth = depth.checked_sub(1).ok_or("a header is nested too deep")?;
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.byte().map(drop),
            I16 | I32 | I64 => self.unsigned().map(drop),
            DOUBLE => self.pass(8),
            BINARY => self.unsigned().and_then(|length| self.pass(length)),
            LIST | SET => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip(kind, depth))
            }
            STRUCT => self.fields(&[], depth, |_, _, _| Ok(())),
            _ => Err(format!("a header holds a value of the unknown type {kind}")),
        }
    }

    fn pass(&mut self, length: u64) -> Result<(), String> {
        let passed = std::io::copy(&mut (&mut self.input).take(length), &mut std::io::sink());
        self.count = self.count.saturating_add(length);
        match passed {
            Ok(passed) if passed == length => Ok(()),
            _ => Err("a header is cut off".to_owned()),
        }
    }

    /// Walks the columns, each of which is followed by those inside it.
    fn schema(&mut self) -> Result<(), String> {
        let (kind, mut left) = self.list()?;
        // The columns that are still to follow, level by level.
        let mut open: Vec<u64> = Vec::new();
        while left > 0 {
            left -= 1;
            fits(&Shape::Struct(&SCHEMA_ELEMENT), kind)?;
            let children = self.schema_element()?;
            while open.last() == Some(&0) {
                open.pop();
            }
            if let Some(siblings) = open.last_mut() {
                *siblings -= 1;
            }
            match u64::try_from(children) {
                Ok(0) => {}
                Ok(children) if children <= left => open.push(children),
                _ => return Err(format!("its schema says that {children} columns follow, and {left} do")),
            }
            if open.len() > SCHEMA_DEPTH {
                return Err(format!("its columns are nested more than {SCHEMA_DEPTH} levels deep"));
            }
        }
        Ok(())
    }

    /// The number of columns inside a column.
    fn schema_element(&mut self) -> Result<i64, String> {
        let mut children = 0;
        self.fields(&SCHEMA_ELEMENT, MOST_DEPTH, |input, id, kind| match id {
            5 => input.integer().map(|number| children = number),
            _ => input.value(&SCHEMA_ELEMENT[id - 1], kind, MOST_DEPTH),
        })?;
        Ok(children)
    }
}

/// Refuses a field whose type is not its shape's.
fn fits(shape: &Shape, kind: u8) -> Result<(), String> {
    let expected = match shape {
        Shape::Bool if kind == FALSE => FALSE,
        Shape::Bool => TRUE,
        Shape::Byte => BYTE,
        Shape::I16 => I16,
        Shape::I32 => I32,
        Shape::I64 => I64,
        Shape::Double => DOUBLE,
        Shape::Binary => BINARY,
        Shape::List(_) => LIST,
        Shape::Struct(_) => STRUCT,
    };
    match kind == expected {
        true => Ok(()),
        false => Err(format!("a header holds a value of type {kind} in place of one of type {expected}")),
    }
}
