//! Parquet that says more than it holds: small files that would fill the memory or never end.

use std::sync::Arc;

use ::parquet::basic::{Compression as Codec, Encoding, ZstdLevel};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type};
use ::parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;

use super::parquet::column;
use super::*;

/// One column in one row group.
fn file<T: DataType>(
    schema: &str,
    properties: WriterPropertiesBuilder,
    values: &[T::T],
    levels: Option<(&[i16], &[i16])>,
) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).expect("parses"));
    let properties = Arc::new(properties.build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).expect("begins");
    let mut group = writer.next_row_group().expect("opens");
    column::<T>(&mut group, values, levels);
    group.close().expect("closes");
    writer.into_inner().expect("ends")
}

fn plain() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_dictionary_enabled(false)
}

/// One row with a list of so many texts, all the same, which take a few bytes.
fn list_of(count: usize, text: &str) -> Vec<u8> {
    let repetition: Vec<i16> = (0..count).map(|index| i16::from(index > 0)).collect();
    let texts = vec![ByteArray::from(text); count];
    let levels = Some((vec![1; count], repetition));
    let levels = levels.as_ref().map(|(definition, repetition)| (definition.as_slice(), repetition.as_slice()));
    file::<ByteArrayType>("repeated binary texts (UTF8);", WriterProperties::builder(), &texts, levels)
}

/// Replaces the first place of some bytes.
fn patched(mut file: Vec<u8>, old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = memchr::memmem::find(&file, old).expect("is there");
    file[at..at + new.len()].copy_from_slice(new);
    file
}

fn limits() -> Limits {
    Limits { record_bytes: 1000, record_values: 1000, expanded_bytes: 10_000, expansion: 20 }
}

fn read(file: Vec<u8>, limits: Limits) -> Vec<Result<Value, String>> {
    let options = SourceOptions { limits, ..SourceOptions::default() };
    Source::from_bytes("x.parquet", file, options).expect("opens").map(|found| found.value).collect()
}

fn refusal(file: Vec<u8>, limits: Limits) -> String {
    let found = read(file, limits);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone().expect_err("is refused")
}

fn footer_refusal(footer: &[u8]) -> String {
    let length = (footer.len() as u32).to_le_bytes();
    let file = [b"PAR1", footer, &length, b"PAR1"].concat();
    let error = Source::from_bytes("x.parquet", file, SourceOptions::default()).err().expect("is refused");
    error.to_string()
}

#[test]
fn a_few_bytes_can_not_stand_for_a_list_without_end() {
    let found = read(list_of(100_000, "a"), Limits::default());
    assert_eq!(found, [Ok(json!({"texts": vec!["a"; 100_000]}))]);
    let file = list_of((1 << 20) + 1, "a");
    assert!(file.len() < 10_000, "{}", file.len());
    let refusal = refusal(file, Limits::default());
    assert!(refusal.contains("column \"texts\": the lists of a row hold more than 1048576 values"), "{refusal}");
}

#[test]
fn a_text_can_not_be_listed_without_end() {
    let listed = |count| list_of(count, &"a".repeat(100));
    assert_eq!(read(listed(9), limits()).len(), 1);
    let refusal = refusal(listed(41), limits());
    assert!(refusal.contains("may hold 4100 bytes of text, and at most 4000 are read"), "{refusal}");
}

#[test]
fn a_page_can_not_fill_the_memory() {
    let zstd = plain().set_compression(Codec::ZSTD(ZstdLevel::default()));
    let file =
        file::<ByteArrayType>("required binary text (UTF8);", zstd, &["a".repeat(1 << 20).as_str().into()], None);
    assert!(file.len() < 1000, "{}", file.len());
    let refusal = refusal(file.clone(), limits());
    assert!(refusal.contains("takes 1048580 bytes of memory: this looks like a file made to fill"), "{refusal}");
    assert!(read(file, Limits::default())[0].is_ok());
}

#[test]
fn a_page_can_not_become_longer_than_it_says() {
    let numbers: Vec<i32> = (0..500).collect();
    for codec in [Codec::GZIP(Default::default()), Codec::BROTLI(Default::default())] {
        let file = file::<Int32Type>("required int32 n;", plain().set_compression(codec), &numbers, None);
        assert_eq!(read(file.clone(), Limits::default()).len(), 500);
        // 2,000 bytes, as the header has it; then 1,936.
        let refusal = refusal(patched(file, &[0x15, 0xa0, 0x1f], &[0x15, 0xa0, 0x1e]), limits());
        assert!(refusal.contains("column \"n\": a page becomes longer than its header says"), "{refusal}");
    }
}

#[test]
fn a_dictionary_holds_what_it_says() {
    let texts = ["one".into(), "two".into()];
    let file = file::<ByteArrayType>("required binary text;", WriterProperties::builder(), &texts, None);
    // A dictionary of two values, then of 63.
    let refusal = refusal(patched(file, &[0x4c, 0x15, 0x04], &[0x4c, 0x15, 0x7e]), Limits::default());
    assert!(refusal.contains("its dictionary says that it holds 63 values, which do not fit into it"), "{refusal}");
}

#[test]
fn delta_code_holds_what_it_says() {
    for encoding in [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        let texts = ["one".into(), "once".into()];
        let properties = plain().set_encoding(encoding);
        let file = file::<ByteArrayType>("required binary text (UTF8);", properties, &texts, None);
        assert_eq!(read(file.clone(), limits()), [Ok(json!({"text": "one"})), Ok(json!({"text": "once"}))]);
        // Blocks of 128 in four parts, of two values, then of 127.
        let refusal = refusal(patched(file, &[0x80, 1, 4, 2], &[0x80, 1, 4, 127]), Limits::default());
        assert!(refusal.contains("a page of 2 values says that it holds 127 texts"), "{refusal}");
    }
}

#[test]
fn rows_come_to_an_end() {
    let file = file::<Int32Type>("required int32 n;", WriterProperties::builder(), &[7; 100_000], None);
    assert!(file.len() < 1000, "{}", file.len());
    let found = read(file.clone(), limits());
    let (last, rows) = found.split_last().expect("is not empty");
    assert!(rows.len() < 2000 && rows.iter().all(Result::is_ok), "{}", rows.len());
    assert!(last.as_ref().is_err_and(|reason| reason.contains("reading stopped after")), "{last:?}");
    assert_eq!(read(file, Limits::default()).len(), 100_000);
}

#[test]
fn a_row_is_no_longer_than_a_record() {
    let texts = ["a".repeat(2000).as_str().into(), "b".into()];
    let file = file::<ByteArrayType>("required binary text (UTF8);", plain(), &texts, None);
    let found = read(file, limits());
    assert!(found[0].as_ref().is_err_and(|reason| reason.contains("the record is 20")), "{found:?}");
    assert_eq!(found[1], Ok(json!({"text": "b"})));
}

#[test]
fn a_schema_is_walked_before_it_is_built() {
    let deep = format!("{}required int32 n;{}", "required group g { ".repeat(70), " }".repeat(70));
    let deep = file::<Int32Type>(&deep, plain(), &[1], None);
    let error = Source::from_bytes("x", deep, SourceOptions::default()).err().expect("is refused").to_string();
    assert!(error.contains("nested more than 64 levels deep; fetch it again"), "{error}");
    let wide: String = (0..10_001).map(|n| format!("required int32 c{n};")).collect();
    let schema = Arc::new(parse_message_type(&format!("message m {{ {wide} }}")).expect("parses"));
    let wide = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).and_then(|writer| writer.into_inner());
    let wide = Source::from_bytes("x", wide.expect("writes"), SourceOptions::default());
    assert!(wide.err().expect("is refused").to_string().contains("has 10001 columns, and at most 10000"));
    // A version, then a list of one column, named `m`, that promises 2^30 more.
    let promise = [0x15, 2, 0x19, 0x1c, 0x48, 1, b'm', 0x15, 0x80, 0x80, 0x80, 0x80, 8, 0, 0];
    assert!(footer_refusal(&promise).contains("1073741824 columns follow, and 0 do"));
}

#[test]
fn a_header_is_made_as_the_format_says() {
    // A ninth field with a list of 2^31 - 1 times yes, which take no bytes.
    let endless = [0x15, 2, 0x89, 0xf1, 0xff, 0xff, 0xff, 0xff, 7, 0];
    assert!(footer_refusal(&endless).contains("a list of yes and no"));
    assert!(footer_refusal(&[0x15, 2, 0x88, 0xff, 0xff, 0xff, 0xff, 7, 0]).contains("is cut off"));
    assert!(footer_refusal(&[0x15, 2, 5, 2, 2, 0]).contains("field 1 of a header comes after field 1"));
    assert!(footer_refusal(&[0x18, 0, 0]).contains("a value of type 8 in place of one of type 5"));
    assert!(footer_refusal(&[0x15, 0xff]).contains("can not be read"));
    assert!(footer_refusal(&[&[0x9c][..], &[0x1c; 99], &[0; 101]].concat()).contains("nested too deep"));
    assert!(footer_refusal(&[[0x15].as_slice(), &[0xff; 20], &[0]].concat()).contains("has no end"));
}

#[test]
fn a_header_is_walked_before_the_decoder_looks_ahead() {
    let pages = plain().set_data_page_row_count_limit(1).set_write_batch_size(1);
    let levels: (&[i16], &[i16]) = (&[1, 1], &[0, 0]);
    let mut file = file::<Int32Type>("repeated int32 n;", pages, &[1, 2], Some(levels));
    assert_eq!(read(file.clone(), limits()), [Ok(json!({"n": [1]})), Ok(json!({"n": [2]}))]);
    // A data page's header, and in it a ninth field with a list of 2^31 - 1 numbers, which lie beyond the end.
    let headers: Vec<usize> = memchr::memmem::find_iter(&file, &[0x15, 0, 0x15]).collect();
    let endless = [0x69, 0xf7, 0xff, 0xff, 0xff, 0xff, 7];
    file[headers[1] + 6..][..endless.len()].copy_from_slice(&endless);
    let refusal = refusal(file, limits());
    assert!(refusal.contains("column \"n\": a header is cut off"), "{refusal}");
}
