//! What a stranger's `tokenizer.json` may do to text before it is cut into tokens, and to tokens before they are text:
//! it may rewrite it, but not make it grow without bound, nor end the program inside the `tokenizers` crate.
//!
//! Deliberately absent: what the steps mean; the crate carries them out.

use serde::Deserialize;
use serde_json::Value;
use tokenizers::utils::SysRegex;

/// How many times longer text may become, at most. The steps of T5 come to 99, those of Llama to 12.
const MOST_GROWTH: usize = 512;

/// A text in which a pattern that matches nothing at all is found.
const PROBE: &str = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCXYZ[\\]^_`abcxyz{|}~\n\t\u{1}öß漢字▁🙂";

/// The steps of a `tokenizer.json` that rewrite; the rest is passed over.
#[derive(Deserialize)]
struct Steps {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    decoder: Value,
}

/// Checks a `tokenizer.json` before the crate sees it.
///
/// # Errors
///
/// What is wrong: its JSON, which the crate would end the program over, or one of its steps.
pub(crate) fn check(tokenizer_json: &[u8]) -> Result<(), String> {
    let steps: Steps = serde_json::from_slice(tokenizer_json).map_err(|error| error.to_string())?;
    let into_tokens = growth(&steps.normalizer)?.saturating_mul(growth(&steps.pre_tokenizer)?);
    match into_tokens.max(growth(&steps.decoder)?) {
        ..=MOST_GROWTH => Ok(()),
        times => Err(format!(
            "its normalizers and decoders together can make text {times} times as long; at most {MOST_GROWTH} times is \
             supported"
        )),
    }
}

/// How many times longer a step, or a sequence of them, can make a text, at most.
fn growth(step: &Value) -> Result<usize, String> {
    let several = ["normalizers", "pretokenizers", "decoders"].iter().find_map(|name| step[name].as_array());
    if let Some(steps) = several {
        return steps.iter().try_fold(1, |so_far: usize, step| Ok(so_far.saturating_mul(growth(step)?)));
    }
    let length = |name: &str| step[name].as_str().map_or(0, str::len);
    match step["type"].as_str() {
        Some("Replace") => Ok(length("content").div_ceil(shortest_match(&step["pattern"])?).max(1)),
        // A byte becomes a character of two bytes at most.
        Some("ByteLevel") => Ok(2),
        Some("Prepend") => Ok(1 + length("prepend")),
        Some("Precompiled") => longest_entry(step["precompiled_charsmap"].as_str().unwrap_or_default()),
        _ => Ok(1),
    }
}

/// The least number of bytes that a pattern matches.
fn shortest_match(pattern: &Value) -> Result<usize, String> {
    let is_empty = match (pattern["String"].as_str(), pattern["Regex"].as_str()) {
        (Some(text), _) if !text.is_empty() => return Ok(text.len()),
        (Some(_), _) => true,
        // One that does not compile is refused by the crate.
        (_, regex) => {
            regex.and_then(|regex| SysRegex::new(regex).ok()).is_some_and(|r| r.find_iter(PROBE).any(|(a, b)| a == b))
        }
    };
    match is_empty {
        true => Err(format!("a normalizer or decoder replaces what matches {pattern}, which matches nothing at all")),
        false => Ok(1),
    }
}

/// The bytes of the longest text that a map of SentencePiece puts in place of another. The map is base64 of the length
/// of a double array, the array, and the texts, each ended by a zero.
fn longest_entry(map: &str) -> Result<usize, String> {
    let broken = || "its `precompiled_charsmap` is damaged".to_owned();
    let map = from_base64(map).ok_or_else(broken)?;
    let (length, rest) = map.split_first_chunk().ok_or_else(broken)?;
    let length = u32::from_le_bytes(*length) as usize / 4 * 4;
    let (array, texts) = rest.split_at_checked(length).ok_or_else(broken)?;
    let texts = str::from_utf8(texts).map_err(|_| broken())?;
    let array: Vec<u32> = array.as_chunks().0.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
    match stays_inside(&array, texts) {
        true => Ok(texts.split('\0').map(str::len).max().unwrap_or(0).max(1)),
        false => Err(broken()),
    }
}

/// Whether every text can be looked up in a double array (Darts) without leaving it, or pointing beside a text.
fn stays_inside(array: &[u32], texts: &str) -> bool {
    let offset = |unit: u32| ((unit >> 10) << ((unit & (1 << 9)) >> 6)) as usize;
    let Some(root) = array.first() else { return false };
    let mut seen = vec![false; array.len()];
    let mut open = vec![offset(*root)];
    while let Some(node) = open.pop() {
        for byte in 1..=255 {
            let place = node ^ byte;
            let Some(unit) = array.get(place) else { return false };
            if (unit & (1 << 31 | 0xff)) as usize != byte || std::mem::replace(&mut seen[place], true) {
                continue;
            }
            let next = place ^ offset(*unit);
            let has_leaf = (unit >> 8) & 1 == 1;
            let points_at_a_text = || {
                let value = array.get(next).map(|leaf| (leaf & !(1 << 31)) as usize);
                value.is_some_and(|value| texts.is_char_boundary(value))
            };
            if has_leaf && !points_at_a_text() {
                return false;
            }
            open.push(next);
        }
    }
    true
}

/// The bytes of base64 with its padding.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for four in digits.as_bytes().chunks(4) {
        let mut bits = 0;
        for digit in four {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        bits <<= 6 * (4 - four.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..four.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of_normalizer(normalizer: Value) -> Result<(), String> {
        check(json!({ "normalizer": normalizer }).to_string().as_bytes())
    }

    fn replace(pattern: Value, content: &str) -> Value {
        json!({ "type": "Replace", "pattern": pattern, "content": content })
    }

    fn sequence(steps: Vec<Value>) -> Value {
        json!({ "type": "Sequence", "normalizers": steps })
    }

    /// A map as SentencePiece writes it.
    fn map(array: &[u32], texts: &str) -> Value {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let array: Vec<u8> = array.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let bytes = [&(array.len() as u32).to_le_bytes()[..], &array, texts.as_bytes()].concat();
        let mut text = String::new();
        for three in bytes.chunks(3) {
            let mut padded = [0; 4];
            padded[1..=three.len()].copy_from_slice(three);
            let bits = u32::from_be_bytes(padded);
            let digit = |place: usize| char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize]);
            text.extend((0..=three.len()).map(digit));
            text.extend(std::iter::repeat_n('=', 3 - three.len()));
        }
        json!({ "type": "Precompiled", "precompiled_charsmap": text })
    }

    /// The double array in which `a` leads to the text at `value`.
    fn array(value: u32) -> Vec<u32> {
        let mut array = vec![0; 512];
        array[0] = 1 << 10; // its children are at 1 ^ byte
        array[1 ^ 97] = 97 | 1 << 8 | (256 ^ 1 ^ 97) << 10; // its leaf is at 256
        array[256] = 1 << 31 | value;
        array
    }

    #[test]
    fn steps_of_real_tokenizers_pass() {
        let space = json!({ "String": " " });
        let llama = sequence(vec![json!({ "type": "Prepend", "prepend": "▁" }), replace(space, "▁")]);
        let t5 = sequence(vec![map(&array(0), "aa\0b"), replace(json!({ "Regex": " {2,}" }), "▁")]);
        for normalizer in [Value::Null, json!({ "type": "NFC" }), llama, t5] {
            assert_eq!(of_normalizer(normalizer.clone()), Ok(()), "{normalizer}");
        }
    }

    #[test]
    fn growth_is_bounded() {
        let doubling = replace(json!({ "String": "a" }), "aa");
        assert_eq!(of_normalizer(sequence(vec![doubling.clone(); 9])), Ok(()));
        let error = of_normalizer(sequence(vec![doubling.clone(); 32])).unwrap_err();
        assert!(error.contains("4294967296 times as long"), "{error}");
        for steps in [
            json!({ "decoder": { "type": "Sequence", "decoders": vec![doubling; 32] } }),
            json!({ "pre_tokenizer": { "type": "Sequence", "pretokenizers": vec![json!({ "type": "ByteLevel" }); 10] } }),
            json!({ "normalizer": replace(json!({ "Regex": "." }), &"long".repeat(200)) }),
            json!({ "normalizer": map(&array(0), &"long".repeat(200)) }),
        ] {
            assert!(check(steps.to_string().as_bytes()).is_err(), "{steps}");
        }
    }

    #[test]
    fn a_pattern_of_nothing_is_refused() {
        for pattern in [json!({ "String": "" }), json!({ "Regex": "x*" }), json!({ "Regex": "(?=a)" })] {
            let error = of_normalizer(replace(pattern, "y")).unwrap_err();
            assert!(error.contains("matches nothing at all"), "{error}");
        }
    }

    #[test]
    fn a_damaged_map_is_refused() {
        assert_eq!(of_normalizer(map(&array(3), "aa\0b")), Ok(()));
        let beside = |array: &[u32], texts: &str| of_normalizer(map(array, texts)).unwrap_err();
        for error in [
            beside(&[], "a"),
            beside(&[1 << 10; 16], "a"),
            beside(&array(9), "aa\0b"),
            beside(&array(1), "ä"),
            of_normalizer(json!({ "type": "Precompiled", "precompiled_charsmap": "AAA*" })).unwrap_err(),
            of_normalizer(json!({ "type": "Precompiled", "precompiled_charsmap": "/w==" })).unwrap_err(),
        ] {
            assert!(error.contains("damaged"), "{error}");
        }
    }
}
