//! Parquet, written here column by column, whole and damaged.

use std::sync::Arc;

use ::parquet::basic::{Compression as Codec, ZstdLevel};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type};
use ::parquet::file::properties::{WriterProperties, WriterVersion};
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;

use super::*;

const SCHEMA: &str = "message m {
    required binary prompt (UTF8);
    optional group messages (LIST) { repeated group list { required group element {
        required binary role (UTF8); optional binary content (UTF8); } } }
    required binary raw;
    required double score;
    required int32 day (DATE);
}";

pub(super) fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[T::T],
    levels: Option<(&[i16], &[i16])>,
) {
    let mut column = group.next_column().expect("opens").expect("is there");
    let (definition, repetition) = levels.unzip();
    column.typed::<T>().write_batch(values, definition, repetition).expect("writes");
    column.close().expect("closes");
}

fn texts(texts: &[&str]) -> Vec<ByteArray> {
    texts.iter().map(|&text| text.into()).collect()
}

/// Two row groups of two rows; the first row has two messages, the second none, and its bytes are no text.
fn file(codec: Codec) -> Vec<u8> {
    file_of(WriterVersion::PARQUET_1_0, codec)
}

fn file_of(version: WriterVersion, codec: Codec) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).expect("parses"));
    let properties = WriterProperties::builder().set_writer_version(version).set_compression(codec).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("begins");
    for _ in 0..2 {
        let mut group = writer.next_row_group().expect("opens");
        column::<ByteArrayType>(&mut group, &texts(&["one", "two"]), None);
        column::<ByteArrayType>(&mut group, &texts(&["user", "assistant"]), Some((&[2, 2, 0], &[0, 1, 0])));
        column::<ByteArrayType>(&mut group, &texts(&["hi"]), Some((&[3, 2, 0], &[0, 1, 0])));
        column::<ByteArrayType>(&mut group, &["raw".into(), vec![0xff].into()], None);
        column::<DoubleType>(&mut group, &[0.5, 1.0], None);
        column::<Int32Type>(&mut group, &[19_844, 0], None);
        group.close().expect("closes");
    }
    writer.into_inner().expect("ends")
}

fn found(bytes: Vec<u8>) -> Vec<(u64, Result<Value, String>)> {
    let source = Source::from_bytes("x.parquet", bytes, SourceOptions::default()).expect("opens");
    assert_eq!(source.layout(), Layout::Parquet);
    source.map(|found| (found.line, found.value)).collect()
}

fn first_row() -> Value {
    json!({
        "prompt": "one",
        "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": null}],
        "raw": "raw", "score": 0.5, "day": "2024-05-01",
    })
}

#[test]
fn rows_become_objects_whatever_the_codec_and_version() {
    let bad = "column \"raw\": the value is binary";
    let expected = [(1, Ok(first_row())), (2, Err(bad)), (3, Ok(first_row())), (4, Err(bad))];
    let zstd = Codec::ZSTD(ZstdLevel::default());
    for codec in [
        Codec::UNCOMPRESSED,
        Codec::SNAPPY,
        Codec::GZIP(Default::default()),
        Codec::LZ4_RAW,
        Codec::BROTLI(Default::default()),
        zstd,
    ] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            assert_found(&found(file_of(version, codec)), &expected);
        }
    }
}

#[test]
fn a_file_on_disk_is_read_by_its_content() {
    use std::io::{Seek, Write};
    let open = |content: &[u8]| {
        let mut file = tempfile::tempfile().expect("makes");
        file.write_all(content).and_then(|()| file.rewind()).expect("writes");
        Source::from_file("x", file, SourceOptions::default())
    };
    assert_eq!(open(&file(Codec::SNAPPY)).expect("opens").count(), 4);
    assert_eq!(open(b"{\"a\":1}\n{\"a\":2}\n").expect("opens").count(), 2);
    assert_eq!(open(b"").expect("opens").count(), 0);
    let bytes = file(Codec::SNAPPY);
    assert!(open(&bytes[..bytes.len() - 1]).err().expect("is refused").to_string().contains("no whole Parquet file"));
    let stream = Source::open("x", bytes.as_slice(), SourceOptions::default());
    assert!(stream.err().expect("is refused").to_string().contains("read from its end"));
}

#[test]
fn damage_costs_its_row_group_and_is_named() {
    let mut bytes = file(Codec::UNCOMPRESSED);
    // The first page of the first column begins after the magic; without its header the group can not be read.
    bytes[4..40].fill(0xff);
    let found = found(bytes);
    assert_found(&found[..1], &[(1, Err("the 2 rows from here to the end of row group 1 were left out"))]);
    assert_found(&found[1..], &[(3, Ok(first_row())), (4, Err("binary"))]);
}

#[test]
fn any_damaged_byte_leaves_every_row_accounted_for() {
    let bytes = file(Codec::SNAPPY);
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            let Ok(source) = Source::from_bytes("x.parquet", damaged, SourceOptions::default()) else { continue };
            let lines: Vec<u64> = source.take(1000).map(|found| found.line).collect();
            assert!(lines.is_sorted() && !lines.is_empty(), "byte {at}: {lines:?}");
        }
    }
}
