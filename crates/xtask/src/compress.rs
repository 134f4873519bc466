//! Compressed copies of the built page: a `.br` and a `.gz` beside every file that shrinks by them.
//!
//! A static server that looks for such copies sends the one that the browser takes. Both are made at the highest level,
//! which takes a minute for the WebAssembly, so a file that has been compressed before is not compressed again.
//!
//! Deliberately absent: any choice of files by name. What gains less than a tenth, as pictures and weights do, gets
//! no copy and is sent as it is.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow};

/// Below this many bytes a copy saves no packet.
const SMALLEST: usize = 1024;

/// The most that brotli looks back. Browsers take no more.
const BROTLI_WINDOW_BITS: i32 = 24;

/// One way to compress, named as in `Accept-Encoding`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Encoding {
    /// A fifth smaller than gzip; browsers take it over HTTPS and from this machine.
    Brotli,
    /// Taken by everything.
    Gzip,
}

impl Encoding {
    /// Smallest result first.
    pub const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// What HTTP calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// Where the copy of `file` lies: beside it, under its whole name and one more ending.
    pub fn copy_of(self, file: &Path) -> PathBuf {
        let ending = match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        };
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        name.into()
    }

    fn compress(self, bytes: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Brotli => {
                let mut compressed = Vec::new();
                let parameters = brotli::enc::BrotliEncoderParams {
                    quality: 11,
                    lgwin: BROTLI_WINDOW_BITS,
                    size_hint: bytes.len(),
                    ..Default::default()
                };
                brotli::BrotliCompress(&mut &*bytes, &mut compressed, &parameters)?;
                Ok(compressed)
            }
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                encoder.write_all(bytes)?;
                Ok(encoder.finish()?)
            }
        }
    }
}

/// Writes the copies of all files below `folder`. `cache` keeps them for the next build.
pub fn compress_folder(folder: &Path, cache: &Path) -> Result<()> {
    fs::create_dir_all(cache)?;
    let originals = originals(folder)?;
    let used = thread::scope(|scope| {
        let threads: Vec<_> = originals
            .iter()
            .flat_map(|file| Encoding::ALL.map(|encoding| scope.spawn(move || write_copy(file, encoding, cache))))
            .collect();
        let copies = threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a compressor panicked"))?);
        copies.collect::<Result<Vec<PathBuf>>>()
    })?;
    for entry in fs::read_dir(cache)? {
        let entry = entry?.path();
        if !used.contains(&entry) {
            fs::remove_file(entry)?;
        }
    }
    Ok(())
}

/// The files of the page, without the copies of an earlier build.
pub fn originals(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(originals(&path)?);
        } else if path.extension().is_none_or(|ending| ending != "br" && ending != "gz") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Writes the copy of one file, or removes one that is of no use. Returns the place in the cache.
fn write_copy(file: &Path, encoding: Encoding, cache: &Path) -> Result<PathBuf> {
    let bytes = fs::read(file)?;
    let kept = cache.join(key(&bytes, encoding));
    if !kept.is_file() {
        // Copies are made at the same time, also of one content: each has an unfinished file of its own.
        let mut name = DefaultHasher::new();
        file.hash(&mut name);
        let unfinished = kept.with_extension(format!("{}.{:016x}.part", encoding.name(), name.finish()));
        fs::write(&unfinished, encoding.compress(&bytes)?)?;
        fs::rename(unfinished, &kept)?;
    }
    let (copy, size) = (encoding.copy_of(file), fs::metadata(&kept)?.len());
    if bytes.len() >= SMALLEST && size < bytes.len() as u64 / 10 * 9 {
        fs::copy(&kept, copy)?;
    } else if copy.exists() {
        fs::remove_file(copy)?;
    }
    Ok(kept)
}

/// The same for the same content, whatever the file is called.
fn key(bytes: &[u8], encoding: Encoding) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{:016x}-{}.{}", hasher.finish(), bytes.len(), encoding.name())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn unpack(encoding: Encoding, file: &Path) -> Result<Vec<u8>> {
        let (packed, mut bytes) = (fs::read(encoding.copy_of(file))?, Vec::new());
        match encoding {
            Encoding::Brotli => brotli::Decompressor::new(&*packed, 4096).read_to_end(&mut bytes)?,
            Encoding::Gzip => flate2::read::GzDecoder::new(&*packed).read_to_end(&mut bytes)?,
        };
        Ok(bytes)
    }

    #[test]
    fn copies_hold_the_original_and_are_made_where_they_pay() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (dist, cache) = (folder.path().join("dist"), folder.path().join("cache"));
        fs::create_dir_all(dist.join("assets"))?;
        let (script, short) = (dist.join("assets/page.js"), dist.join("short.json"));
        fs::write(&script, "let answer = 42;\n".repeat(500))?;
        // The same content again: both are compressed at the same time.
        let twin = dist.join("assets/twin.js");
        fs::copy(&script, &twin)?;
        fs::write(&short, "{}")?;
        for _ in 0..2 {
            compress_folder(&dist, &cache)?;
            for encoding in Encoding::ALL {
                assert_eq!(unpack(encoding, &script)?, fs::read(&script)?);
                assert_eq!(unpack(encoding, &twin)?, fs::read(&script)?);
                assert!(!encoding.copy_of(&short).exists());
            }
        }
        assert_eq!(originals(&dist)?, [script, twin, short]);
        Ok(())
    }

    #[test]
    fn the_cache_holds_what_the_last_build_used() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (dist, cache) = (folder.path().join("dist"), folder.path().join("cache"));
        fs::create_dir_all(&dist)?;
        for content in ["first", "second"] {
            fs::write(dist.join("page.js"), content.repeat(1000))?;
            compress_folder(&dist, &cache)?;
            assert_eq!(fs::read_dir(&cache)?.count(), Encoding::ALL.len());
        }
        Ok(())
    }
}
