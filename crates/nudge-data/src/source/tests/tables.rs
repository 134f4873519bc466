//! Comma- and tab-separated values.

use super::*;

#[test]
fn rows_are_objects_of_strings() {
    let content = b"\xef\xbb\xbfa,b\r\n1,true\r\n\r\n\"x \"\"y\"\",\n z\",\r\n";
    let expected = [(2, Ok(json!({"a": "1", "b": "true"}))), (4, Ok(json!({"a": "x \"y\",\n z", "b": ""})))];
    assert_found(&read("x.csv", content), &expected);
    assert_found(&read("x.tsv", b"a\tb,c\n1\t2"), &[(2, Ok(json!({"a": "1", "b,c": "2"})))]);
    assert_found(&read("x.csv", b",b\n0,1"), &[(2, Ok(json!({"column_1": "0", "b": "1"})))]);
    assert_found(&read("x.csv", b"a,b\n"), &[]);
    assert_found(&read("x.csv", b""), &[]);
}

#[test]
fn ragged_and_unreadable_rows_are_named() {
    let content = b"a,b\n1\n1,2\n1,2,3\ncaf\xe9,2\n\"x\ny\",2\n3,4";
    let expected = [
        (2, Err("has 1 fields, and the header has 2")),
        (3, Ok(json!({"a": "1", "b": "2"}))),
        (4, Err("has 3 fields")),
        (5, Err("not valid UTF-8")),
        (6, Ok(json!({"a": "x\ny", "b": "2"}))),
        (8, Ok(json!({"a": "3", "b": "4"}))),
    ];
    assert_found(&read("x.csv", content), &expected);
}

#[test]
fn an_open_quote_costs_the_limit_at_most() {
    assert_found(
        &read("x.csv", b"a,b\n1,2\n\"1,2\n3,4\n"),
        &[(2, Ok(json!({"a": "1", "b": "2"}))), (3, Err("inside a quoted field"))],
    );
    let content = format!("a,b\n\"1,2\n{}3,4\n5,6\n", "7,8\n".repeat(100_000));
    let options = limited(1000);
    let mut source = Source::open("x.csv", content.as_bytes(), options).expect("opens");
    let found: Vec<Found> = source.by_ref().collect();
    assert_eq!(found[0].line, 2);
    assert!(found[0].value.as_ref().is_err_and(|reason| reason.contains("never closed")), "{found:?}");
    assert!(found[1..].iter().all(|found| found.value.is_ok()));
    // One buffer of 128 KiB may pass before the limit is looked at; four bytes a row.
    assert!(found.len() > 100_000 - (128 << 10) / 4, "{}", found.len());
    assert!(source.held() < 200_000, "{}", source.held());
}

#[test]
fn a_header_that_can_not_serve_ends_the_file() {
    assert_found(&read("x.csv", b"a,b,a\n1,2,3\n"), &[(1, Err("\"a\" twice"))]);
    assert_found(&read("x.csv", b"a;b\n1;2\n"), &[(1, Err("has ';'"))]);
    assert_found(&read("x.csv", b"\n\"a\n"), &[(2, Err("the header can not be read"))]);
    let options = SourceOptions { limits: Limits { record_values: 2, ..Limits::default() }, ..Default::default() };
    assert!(read_with("x.csv", b"a,b\n1,2\n", options)[0].1.is_ok());
    assert_found(
        &read_with("x.csv", b"a,b,c,d,e,f\n1,2,3,4,5,6\n", options),
        &[(1, Err("the header can not be read"))],
    );
}

/// Cells of which some need quotes.
fn any_rows() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec("[a,\"\n\r \t]{0,5}", 3), 1..6)
}

proptest! {
    #[test]
    fn rows_are_those_that_the_csv_crate_wrote(rows in any_rows()) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["x", "y", "z"]).expect("writes");
        for row in &rows {
            writer.write_record(row).expect("writes");
        }
        let content = writer.into_inner().expect("flushes");
        let found: Vec<Value> = read("x.csv", &content).into_iter().map(|(_, value)| value.expect("is a row")).collect();
        let expected: Vec<Value> =
            rows.iter().map(|row| json!({"x": row[0], "y": row[1], "z": row[2]})).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_rows_are_those_that_the_csv_crate_reads(content in "[a,\"\n\r]{0,30}") {
        let content = format!("x,y\n{content}");
        let expected: Vec<Vec<String>> = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(content.as_bytes())
            .into_records()
            .map(|row| row.expect("reads").iter().map(str::to_owned).collect())
            .collect();
        let found = read("x.csv", content.as_bytes());
        prop_assert_eq!(found.len(), expected.len());
        for ((_, value), row) in found.iter().zip(&expected) {
            match value {
                Ok(value) => prop_assert_eq!(value, &json!({"x": row[0], "y": row[1]})),
                Err(reason) => prop_assert!(row.len() != 2 || reason.contains("inside a quoted field")),
            }
        }
    }
}
