//! gzip and Zstandard, undone while reading, and done while writing.
//!
//! Both come with the cargo feature `compressed`, which a browser build need not carry; without it a compressed
//! file is named and refused. What was decompressed before an error is always given first.
//!
//! It lacks other formats (they are named, with the command that unpacks them), dictionaries, and Zstandard windows
//! over 128 MiB, which only files written with `--long` or `--ultra` beyond the usual have.

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use super::input::Input;
use super::{Compression, Limits};

#[cfg(feature = "compressed")]
pub(super) use with_feature::{Compressor, decompress};

/// Refuses: the feature is off.
#[cfg(not(feature = "compressed"))]
pub(super) fn decompress<'a>(
    _raw: Input<'a>,
    compression: Compression,
    _bytes_in: &Rc<Cell<u64>>,
    _limits: &Limits,
) -> Result<Input<'a>, String> {
    let command = if compression == Compression::Gzip { "gunzip" } else { "unzstd" };
    Err(format!(
        "the file is compressed with {}, and this program was built without decompression; unpack it first with \
         `{command} FILE`",
        compression.name()
    ))
}

/// Writes bytes as they are: the feature is off.
#[cfg(not(feature = "compressed"))]
pub(super) struct Compressor<W>(W);

#[cfg(not(feature = "compressed"))]
impl<W: Write> Compressor<W> {
    pub(super) fn new(compression: Compression, writer: W) -> io::Result<Self> {
        match compression {
            Compression::None => Ok(Self(writer)),
            _ => Err(io::Error::other("this program was built without compression; write the file under a plain name")),
        }
    }

    pub(super) fn finish(self) -> io::Result<W> {
        Ok(self.0)
    }
}

#[cfg(not(feature = "compressed"))]
impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(feature = "compressed")]
mod with_feature {
    use std::io::Read;

    use super::*;

    /// The largest Zstandard window, as a power of two: the default of the `zstd` command, 128 MiB.
    const WINDOW_LOG_MAX: u32 = 27;

    /// The bytes that the compressed ones stand for.
    pub fn decompress<'a>(
        raw: Input<'a>,
        compression: Compression,
        bytes_in: &Rc<Cell<u64>>,
        limits: &Limits,
    ) -> Result<Input<'a>, String> {
        let reader: Box<dyn Read + 'a> = match compression {
            Compression::None => return Ok(raw),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(raw)),
            Compression::Zstd => Box::new(zstd_decoder(raw).map_err(|error| error.to_string())?),
        };
        Ok(Input::new(Guarded { reader, bytes_in: Rc::clone(bytes_in), bytes_out: 0, limits: *limits }))
    }

    fn zstd_decoder<'a>(raw: Input<'a>) -> io::Result<impl Read + 'a> {
        let mut decoder = zstd::stream::read::Decoder::new(raw)?;
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        Ok(decoder)
    }

    /// Stops a file that expands without end, and puts the decoder's errors in plain words.
    struct Guarded<'a> {
        reader: Box<dyn Read + 'a>,
        bytes_in: Rc<Cell<u64>>,
        bytes_out: u64,
        limits: Limits,
    }

    impl Read for Guarded<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let allowed = self.limits.expanded_bytes.max(self.bytes_in.get().saturating_mul(self.limits.expansion));
            if self.bytes_out > allowed {
                return Err(io::Error::other(format!(
                    "reading stopped after {} bytes, which came out of {} bytes of compressed file: this looks like a \
                     file made to fill the memory; if you trust it, decompress it yourself and read the result",
                    self.bytes_out,
                    self.bytes_in.get()
                )));
            }
            let count = self.reader.read(buffer).map_err(in_plain_words)?;
            self.bytes_out += count as u64;
            Ok(count)
        }
    }

    fn in_plain_words(error: io::Error) -> io::Error {
        let reason = match error.kind() {
            io::ErrorKind::Interrupted => return error,
            io::ErrorKind::UnexpectedEof => {
                "the compressed file is cut off, and the records after the cut are missing; fetch it again".to_owned()
            }
            _ => format!(
                "the compressed file can not be read beyond this point ({error}), and the records from here on are \
                 missing; fetch it again"
            ),
        };
        io::Error::new(error.kind(), reason)
    }

    /// Compresses what is written to it.
    pub enum Compressor<W: Write> {
        None(W),
        Gzip(flate2::write::GzEncoder<W>),
        Zstd(zstd::stream::write::Encoder<'static, W>),
    }

    impl<W: Write> Compressor<W> {
        pub fn new(compression: Compression, writer: W) -> io::Result<Self> {
            Ok(match compression {
                Compression::None => Self::None(writer),
                Compression::Gzip => Self::Gzip(flate2::write::GzEncoder::new(writer, flate2::Compression::default())),
                Compression::Zstd => {
                    let mut encoder = zstd::stream::write::Encoder::new(writer, zstd::DEFAULT_COMPRESSION_LEVEL)?;
                    encoder.include_checksum(true)?;
                    Self::Zstd(encoder)
                }
            })
        }

        /// Writes the end of the compressed stream and gives the writer back.
        pub fn finish(self) -> io::Result<W> {
            match self {
                Self::None(writer) => Ok(writer),
                Self::Gzip(encoder) => encoder.finish(),
                Self::Zstd(encoder) => encoder.finish(),
            }
        }
    }

    impl<W: Write> Write for Compressor<W> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self {
                Self::None(writer) => writer.write(bytes),
                Self::Gzip(encoder) => encoder.write(bytes),
                Self::Zstd(encoder) => encoder.write(bytes),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            match self {
                Self::None(writer) => writer.flush(),
                Self::Gzip(encoder) => encoder.flush(),
                Self::Zstd(encoder) => encoder.flush(),
            }
        }
    }
}
