//! The blocks of GGUF as llama.cpp's gguf-py reads and writes them.

use nudge_kernels::encoding::Encoding;
use serde_json::Value;

use super::{assert_values, read, values};

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("bytes in hex");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn blocks_are_read_as_by_gguf() {
    let reference = &read(include_str!("gguf_blocks.json"));
    for encoding in Encoding::ALL.into_iter().filter(|encoding| encoding.block() > 1) {
        let block = &reference["encodings"][format!("{encoding:?}")];
        let mut found = vec![0.0; 2 * encoding.block()];
        encoding.decode(&bytes(&block["bytes"]), &mut found);
        assert_values(&format!("{encoding:?}"), &found, &block["values"]);
    }
}

#[test]
fn q8_0_is_written_as_by_gguf() {
    let reference = &read(include_str!("gguf_blocks.json"))["quantised"];
    let mut written = Vec::new();
    Encoding::Q8_0.encode(&values(&reference["numbers"]), &mut written).expect("whole blocks");
    assert_eq!(written, bytes(&reference["Q8_0"]));
}
