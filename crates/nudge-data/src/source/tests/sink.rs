//! What was written is read.

use super::*;
use crate::error::DataError;

fn written(name: &str, records: &[Value]) -> Result<Vec<u8>, DataError> {
    let mut sink = Sink::create(name, None, Vec::new())?;
    records.iter().try_for_each(|record| sink.write(record))?;
    sink.finish()
}

fn error(name: &str, records: &[Value]) -> String {
    written(name, records).expect_err("is refused").to_string()
}

#[test]
fn each_layout_is_written_as_it_is_read() {
    let records = [json!({"a": 1, "b": "x\ny"}), json!({"b": "", "a": [1]})];
    let text = |name| String::from_utf8(written(name, &records).expect("writes")).expect("is text");
    assert_eq!(text("x.jsonl"), "{\"a\":1,\"b\":\"x\\ny\"}\n{\"b\":\"\",\"a\":[1]}\n");
    assert_eq!(text("x.json"), "[\n{\"a\":1,\"b\":\"x\\ny\"},\n{\"b\":\"\",\"a\":[1]}\n]\n");
    assert_eq!(text("x.csv"), "a,b\n1,\"x\ny\"\n[1],\n");
    assert_eq!(written("x.json", &[]).expect("writes"), b"[]\n");
    let texts = [json!({"text": "a"}), json!({"text": "b"})];
    assert_found(
        &read("x.txt", &written("x.txt", &texts).expect("writes")),
        &[(1, Ok(texts[0].clone())), (3, Ok(texts[1].clone()))],
    );
}

#[test]
fn what_a_layout_can_not_hold_is_refused() {
    let text = json!({"text": "a"});
    assert!(error("x.csv", &[text.clone(), json!({"more": 1})]).starts_with("x.csv: record 2: the field \"more\""));
    assert!(error("x.csv", &[json!([1])]).contains("at least one field"));
    assert!(error("x.txt", &[json!({"prompt": "a"})]).contains("string `text`"));
    assert!(error("x.txt", &[json!({"text": "a<|endoftext|>b"})]).contains("would split it"));
    assert!(error("x.parquet", &[]).contains("not written"));
    assert!(error("x", &[]).contains("end it with"));
}

#[test]
fn an_error_of_the_writer_is_named() {
    let mut room = [0; 10];
    let mut sink = Sink::create("x.jsonl", None, room.as_mut_slice()).expect("begins");
    assert!(sink.write(&json!({"a": 1})).is_ok());
    let error = sink.write(&json!({"a": 1})).expect_err("is full").to_string();
    assert!(error.starts_with("x.jsonl: record 2: "), "{error}");
}

fn names() -> Vec<&'static str> {
    let mut names = vec!["x.jsonl", "x.json"];
    if cfg!(feature = "compressed") {
        names.extend(["x.jsonl.gz", "x.json.zst"]);
    }
    names
}

proptest! {
    #[test]
    fn json_goes_around(values in prop::collection::vec(prop::collection::vec((".{0,5}", any_json()), 0..3), 0..5)) {
        let records: Vec<Value> = values.into_iter().map(|fields| Value::Object(fields.into_iter().collect())).collect();
        for name in names() {
            let content = written(name, &records).expect("writes");
            let found: Vec<Value> = read(name, &content).into_iter().map(|(_, value)| value.expect("reads")).collect();
            prop_assert_eq!(&found, &records);
        }
    }

    #[test]
    fn tables_go_around(columns in 1usize..3, cells in prop::collection::vec("[a,\"\n\r \t]{0,4}", 0..9)) {
        let records: Vec<Value> = cells
            .chunks_exact(columns)
            .map(|cells| cells.iter().enumerate().map(|(at, cell)| (format!("c{at}"), Value::from(cell.as_str()))).collect())
            .collect();
        for name in ["x.csv", "x.tsv"] {
            let content = written(name, &records).expect("writes");
            let found: Vec<Value> = read(name, &content).into_iter().map(|(_, value)| value.expect("reads")).collect();
            prop_assert_eq!(&found, &records);
        }
    }
}
