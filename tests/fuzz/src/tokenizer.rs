//! Tokenizer files: refused with a reason, or text is encoded and decoded without end or panic, and the pad is no end.
//!
//! The input is `tokenizer.json`, a zero byte, and `tokenizer_config.json`; or, where it begins with `gguf`, a GGUF's
//! vocabulary: flags, then lines of a kind, a token, and a merge.

use nudge_data::{GgufTokenizer, TokenKind, Tokenizer};

/// Text of many kinds.
const TEXT: &str = "Hello, wörld! 1 + 12 = 13\n\t漢字 🙂 <|endoftext|>";

/// A vocabulary of the lines behind the flags.
fn vocabulary(text: &str) -> GgufTokenizer {
    let (flags, lines) = text.split_once('\n').unwrap_or((text, ""));
    let flag = |place: usize| flags.as_bytes().get(place).copied().unwrap_or(b'0');
    let mut tokenizer = GgufTokenizer {
        model: if flag(0) == b'l' { "llama" } else { "gpt2" }.into(),
        pre: ["default", "smollm", "qwen2", "llama-bpe"][usize::from(flag(1) % 4)].into(),
        eos: Some(u32::from(flag(2) % 64)),
        unknown: (flag(3) != b'0').then(|| u32::from(flag(3) % 64)),
        add_space_prefix: Some(flag(4) == b'1'),
        ..GgufTokenizer::default()
    };
    for line in lines.lines() {
        let mut parts = line.split('\t');
        let kind = parts.next().and_then(|kind| kind.parse().ok()).and_then(TokenKind::of);
        tokenizer.kinds.push(kind.unwrap_or(TokenKind::Normal));
        tokenizer.tokens.push(parts.next().unwrap_or_default().into());
        tokenizer.scores.push(line.len() as f32);
        tokenizer.merges.extend(parts.next().map(String::from));
    }
    tokenizer
}

/// Reads it.
pub fn target(content: &[u8]) {
    let Ok(text) = std::str::from_utf8(content) else { return };
    let opened = match text.strip_prefix("gguf") {
        Some(text) => vocabulary(text).open(&[]),
        None => {
            let (tokenizer, config) = text.split_once('\0').map_or((text, None), |(first, rest)| (first, Some(rest)));
            Tokenizer::from_files(tokenizer.as_bytes(), config.map(str::as_bytes))
        }
    };
    let Ok(tokenizer) = opened else { return };
    let ids = tokenizer.encode(TEXT);
    assert!(ids.iter().all(|id| (*id as usize) < tokenizer.vocab_size()), "ids are of the vocabulary");
    let _ = tokenizer.decode(&ids);
    assert!(!tokenizer.end_ids().contains(&tokenizer.pad_id()), "the pad is no end");
    if let Ok(gguf) = tokenizer.to_gguf(tokenizer.vocab_size()) {
        let _ = gguf.open(&[]);
    }
}
