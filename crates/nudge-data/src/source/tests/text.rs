//! Plain text.

use super::*;
use crate::text::split_records;

#[test]
fn records_end_at_markers() {
    let content = b"\xef\xbb\xbfOne\nday.\n<|endoftext|>\n\n<|endoftext|>\n \nTwo <|endof|>.<|endoftext|>Three\n";
    let expected = [
        (1, Ok(json!({"text": "One\nday."}))),
        (7, Ok(json!({"text": "Two <|endof|>."}))),
        (7, Ok(json!({"text": "Three"}))),
    ];
    assert_found(&read("x.txt", content), &expected);
    assert_found(&read("x.txt", b" \n"), &[]);
    let broken = b"a<|endoftext|>\ncaf\xe9<|endoftext|>b";
    assert_found(
        &read("x.txt", broken),
        &[(1, Ok(json!({"text": "a"}))), (2, Err("byte 0xE9 on line 2, column 4")), (2, Ok(json!({"text": "b"})))],
    );
}

#[test]
fn a_long_text_is_cut_where_it_hurts_least() {
    let texts = |content: &str, limit| -> Vec<String> {
        let found = read_with("x.txt", content.as_bytes(), limited(limit)).into_iter();
        found.map(|(_, value)| value.expect("is text")["text"].as_str().expect("is a string").to_owned()).collect()
    };
    assert_eq!(texts("One.\nTwo.\n\nThree. Four.\n\nFive.", 16), ["One.\nTwo.", "Three. Four.", "Five."]);
    assert_eq!(texts("One.\nTwo. Three.", 12), ["One.", "Two. Three."]);
    assert_eq!(texts("One two three", 9), ["One two", "three"]);
    assert_eq!(texts("ééééé", 5), ["éé", "éé", "é"]);
    assert_eq!(texts("0123456789<|endoftext|>x", 10), ["0123456789", "x"]);
    assert_eq!(texts("01234567890<|endoftext|>x", 10), ["0123456789", "0", "x"]);
}

proptest! {
    #[test]
    fn texts_are_those_of_the_corpus_reader(content in "([a-z\n <|é]|<\\|endoftext\\|>){0,40}") {
        let expected: Vec<Value> = split_records(&content).into_iter().map(|text| json!({"text": text})).collect();
        let found: Vec<Value> =
            read("x.txt", content.as_bytes()).into_iter().map(|(_, value)| value.expect("is text")).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_cut_loses_white_space_only(content in "[a-zé \n]{0,80}", limit in 4usize..20) {
        let found = read_with("x.txt", content.as_bytes(), limited(limit)).into_iter();
        let texts: Vec<String> = found.map(|(_, value)| value.expect("is text")["text"].to_string()).collect();
        let bare = |text: &str| text.replace("\\n", "").replace([' ', '\n', '"'], "");
        prop_assert_eq!(bare(&texts.concat()), bare(&content));
    }
}
