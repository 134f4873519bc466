//! The pages of a row group, each looked at before the decoder makes room for what it says it holds.
//!
//! A page's header says how large it is once decompressed and how many values it holds; the decoder believes both.
//! Here they are held against [`Limits`](super::super::Limits).
//!
//! It lacks the footer, and the number of rows: those are checked where rows are read.

use std::io::Read;
use std::sync::Arc;

use ::parquet::basic::{Compression, Encoding, Type};
use ::parquet::bloom_filter::Sbbf;
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::{ChunkReader, RowGroupReader};
use ::parquet::record::reader::RowIter;
use ::parquet::schema::types::Type as SchemaType;
use brotli_decompressor::{BrotliDecoderParameter, Decompressor};

use super::super::Limits;
use super::budget::{Share, Used};
use super::compact::{PageHeader, page_header};
use super::levels::{Lengths, Parts, delta_count, parts};

/// The most that a byte of gzip and of LZ4 can stand for.
const GZIP_EXPANSION: u64 = 1032;
const LZ4_EXPANSION: u64 = 255;
/// What an LZ4 frame begins with, which old writers put into pages.
const LZ4_FRAME: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
/// The bytes of a text in the decoder, besides its own.
const TEXT_BYTES: u64 = 32;

/// Pages of data, dictionaries, and pages of data of version 2.
const PAGE_KINDS: [i64; 3] = [0, 2, 3];
const DICTIONARY: i64 = 2;

/// A row group whose pages are looked at.
pub(super) struct Group<'g, R> {
    inner: Box<dyn RowGroupReader + 'g>,
    file: Arc<R>,
    used: Arc<Used>,
}

impl<'g, R: ChunkReader> Group<'g, R> {
    pub(super) fn new(inner: Box<dyn RowGroupReader + 'g>, file: Arc<R>, limits: Limits) -> Self {
        Self { inner, file, used: Arc::new(Used::new(limits)) }
    }
}

impl<R: ChunkReader + 'static> RowGroupReader for Group<'_, R> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.inner.metadata()
    }

    fn num_columns(&self) -> usize {
        self.inner.num_columns()
    }

    fn get_column_page_reader(&self, index: usize) -> Result<Box<dyn PageReader>> {
        let column = self.metadata().column(index);
        let (begin, length) = column.byte_range();
        let end = begin.checked_add(length).filter(|&end| end <= self.file.len());
        let description = column.column_descr();
        let name = description.path().string();
        let end = end.ok_or_else(|| refused(&name, "its pages lie beyond the end of the file"))?;
        Ok(Box::new(Pages {
            inner: self.inner.get_column_page_reader(index)?,
            file: Arc::clone(&self.file),
            used: Arc::clone(&self.used),
            name,
            codec: column.compression(),
            kind: description.physical_type(),
            value_bytes: u64::try_from(description.type_length()).unwrap_or(0),
            max_repetition: description.max_rep_level(),
            max_definition: description.max_def_level(),
            next: None,
            at: begin,
            end,
            share: Share::default(),
            longest_text: 0,
            lengths: Lengths::default(),
        }))
    }

    fn get_column_bloom_filter(&self, _: usize) -> Option<&Sbbf> {
        None
    }

    fn get_row_iter(&self, projection: Option<SchemaType>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

/// The pages of one column of a row group.
struct Pages<R> {
    inner: Box<dyn PageReader>,
    file: Arc<R>,
    used: Arc<Used>,
    name: String,
    codec: Compression,
    kind: Type,
    /// The bytes of a value of fixed length.
    value_bytes: u64,
    max_repetition: i16,
    max_definition: i16,
    /// The next header, if it was walked, and where its page begins.
    next: Option<(PageHeader, u64)>,
    /// Where the header after that is.
    at: u64,
    end: u64,
    share: Share,
    /// The most bytes that one value can have where it is not written out.
    longest_text: u64,
    lengths: Lengths,
}

impl<R: ChunkReader> Pages<R> {
    /// Walks the next header. The decoder reads it when a page is taken, and before, when it looks ahead.
    fn walk_header(&mut self) -> Result<()> {
        if self.next.is_some() || self.at >= self.end {
            return Ok(());
        }
        let header = page_header(self.file.get_read(self.at)?).map_err(|reason| refused(&self.name, &reason))?;
        let begin = self.at + header.length;
        let end = begin.checked_add(header.compressed).filter(|&end| end <= self.end);
        self.at = end.ok_or_else(|| refused(&self.name, "a page is longer than its column"))?;
        if !PAGE_KINDS.contains(&header.kind) {
            return Err(refused(&self.name, "a page is neither data nor a dictionary"));
        }
        self.next = Some((header, begin));
        Ok(())
    }

    /// Counts what a page takes, with `more` bytes for what the decoder makes from it.
    fn take(&mut self, header: &PageHeader, more: u64) -> Result<()> {
        let memory = header.uncompressed.max(header.compressed).saturating_add(more);
        let taken = self.used.page(&mut self.share, header.kind == DICTIONARY, header.compressed, memory);
        taken.map_err(|reason| refused(&self.name, &reason))
    }

    /// Refuses a page that becomes longer than its header says: some decompressors go on to the end of it.
    fn check_expansion(&self, header: &PageHeader, begin: u64) -> Result<()> {
        let allowed = header.uncompressed.max(self.used.limits.expanded_bytes);
        let most = |expansion: u64| header.compressed.saturating_mul(expansion);
        let is_unsure = match self.codec {
            Compression::BROTLI(_) => true,
            Compression::GZIP(_) => most(GZIP_EXPANSION) > allowed,
            Compression::LZ4 => most(LZ4_EXPANSION) > allowed,
            _ => false,
        };
        if !is_unsure || header.is_plain {
            return Ok(());
        }
        let bytes = self.file.get_bytes(begin, usize::try_from(header.compressed)?)?;
        let (bytes, most) = (bytes.get(header.levels as usize..), header.uncompressed.saturating_sub(header.levels));
        let bytes = bytes.ok_or_else(|| refused(&self.name, "the levels of a page are longer than it"))?;
        // Of a page without values there may be nothing to decompress.
        let reason = match self.codec {
            _ if most == 0 => None,
            Compression::BROTLI(_) => past(most, brotli(bytes)),
            Compression::GZIP(_) => past(most, flate2::read::MultiGzDecoder::new(bytes)),
            _ if bytes.starts_with(&LZ4_FRAME) => {
                Some("a page is too large for LZ4 frames; write it again with Zstandard")
            }
            _ => None,
        };
        reason.map_or(Ok(()), |reason| Err(refused(&self.name, reason)))
    }

    /// Looks at a page that is decompressed, before its values are decoded.
    fn check(&mut self, page: &Page, header: &PageHeader) -> Result<()> {
        if let Page::DictionaryPage { buf, num_values, .. } = page {
            return self.check_dictionary(buf, u64::from(*num_values), header);
        }
        let parts = parts(page, self.max_repetition, self.max_definition);
        let parts = parts.ok_or_else(|| refused(&self.name, "the levels of a page are longer than it"))?;
        self.check_delta(&parts, header)?;
        if self.max_repetition > 0 {
            self.lengths.add(parts.repetition, parts.count, self.max_repetition);
            let row = self.used.row(&mut self.share, self.lengths.longest, self.longest_text);
            row.map_err(|reason| refused(&self.name, &reason))?;
        }
        Ok(())
    }

    /// Refuses a dictionary that says it holds more values than fit into it: the decoder makes room for them.
    fn check_dictionary(&mut self, bytes: &[u8], count: u64, header: &PageHeader) -> Result<()> {
        let (least, made) = match self.kind {
            Type::BYTE_ARRAY => (4, TEXT_BYTES),
            Type::FIXED_LEN_BYTE_ARRAY => (self.value_bytes.max(1), TEXT_BYTES),
            Type::INT64 | Type::DOUBLE => (8, 8),
            Type::INT96 => (12, 12),
            Type::INT32 | Type::FLOAT => (4, 4),
            Type::BOOLEAN => (1, 1),
        };
        if count.saturating_mul(least) > bytes.len() as u64 {
            let reason = format!("its dictionary says that it holds {count} values, which do not fit into it");
            return Err(refused(&self.name, &reason));
        }
        self.longest_text = match self.kind {
            Type::BYTE_ARRAY => longest_text(bytes),
            Type::FIXED_LEN_BYTE_ARRAY => self.value_bytes,
            _ => 0,
        };
        self.take(header, count.saturating_mul(made))
    }

    /// Refuses delta code that says it holds more values than its page: the decoder makes room for them.
    fn check_delta(&mut self, parts: &Parts<'_>, header: &PageHeader) -> Result<()> {
        let mut at = 0;
        let lists = match (parts.encoding, self.kind) {
            (Encoding::DELTA_BYTE_ARRAY, _) => 2,
            (Encoding::DELTA_LENGTH_BYTE_ARRAY, _) => 1,
            _ => return Ok(()),
        };
        for _ in 0..lists {
            let found = parts.values.get(at..).and_then(delta_count);
            let (count, length) = found.ok_or_else(|| refused(&self.name, "the lengths of its texts are cut off"))?;
            if count > parts.count {
                let reason = format!("a page of {} values says that it holds {count} texts", parts.count);
                return Err(refused(&self.name, &reason));
            }
            at += length;
        }
        if parts.encoding == Encoding::DELTA_BYTE_ARRAY {
            // Each text may repeat all of the one before.
            self.longest_text = self.longest_text.max(parts.values.len() as u64);
        }
        self.take(header, parts.count.saturating_mul(4 * lists))
    }
}

impl<R: ChunkReader> PageReader for Pages<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.walk_header()?;
        let Some((header, begin)) = self.next.take() else { return Ok(None) };
        self.take(&header, 0)?;
        self.check_expansion(&header, begin)?;
        let page = self.inner.get_next_page()?;
        if let Some(page) = &page {
            self.check(page, &header)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.walk_header()?;
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.get_next_page().map(drop)
    }
}

impl<R: ChunkReader> Iterator for Pages<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

/// The length of the longest text in a dictionary.
fn longest_text(mut bytes: &[u8]) -> u64 {
    let mut longest = 0;
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        longest = longest.max(length.min(rest.len()));
        bytes = rest.get(length..).unwrap_or_default();
    }
    longest as u64
}

/// Undoes brotli as the format has it, without windows of a gigabyte.
fn brotli(bytes: &[u8]) -> impl Read {
    let mut reader = Decompressor::new(bytes, 1 << 12);
    reader.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
    reader
}

/// Why a page can not be what its header says, if so.
fn past(most: u64, reader: impl Read) -> Option<&'static str> {
    match std::io::copy(&mut reader.take(most.saturating_add(1)), &mut std::io::sink()) {
        Ok(length) if length <= most => None,
        Ok(_) => Some("a page becomes longer than its header says; it is damaged"),
        Err(_) => Some("a page can not be decompressed; it is damaged"),
    }
}

fn refused(column: &str, reason: &str) -> ParquetError {
    ParquetError::General(format!("column {column:?}: {reason}"))
}
