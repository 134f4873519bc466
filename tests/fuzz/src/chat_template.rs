//! Chat templates: any template on any conversation comes to an end, within its limits, and reads nothing but itself.
//!
//! The input is the template, a zero byte, and the messages, each ended by a zero byte; a message's first byte chooses
//! its role.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use nudge_data::{ChatTemplate, Date, Message, Prompt, PromptStyle, Tokenizer};

/// A rendering that is worth repeating.
const QUICK: Duration = Duration::from_millis(20);

/// The longest rendering that a template is allowed.
const LONGEST: usize = 10_000_000;

/// What a file would show that templates in `seeds` try to read.
const OF_A_FILE: &str = "root:x:0:0";

const ROLES: [&str; 4] = ["user", "assistant", "system", "tool"];

static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| {
    let texts = ["Once upon a time there was a dog.", "The dog ran to the park."];
    Tokenizer::train(texts.into_iter(), 300).expect("can be trained")
});

fn conversation(text: &str) -> Vec<Message> {
    let message = |text: &str| {
        let first = text.chars().next().unwrap_or('u');
        let (role, content) = (ROLES[first as usize % ROLES.len()], &text[first.len_utf8().min(text.len())..]);
        Message { role: role.to_owned(), content: content.to_owned() }
    };
    text.split_terminator('\0').map(message).collect()
}

/// Reads it.
pub fn target(content: &[u8]) {
    let Ok(text) = std::str::from_utf8(content) else { return };
    let (source, rest) = text.split_once('\0').unwrap_or((text, "uHi\0aHo\0"));
    let Ok(template) = ChatTemplate::new(source, "<s>", "</s>") else { return };
    let messages = conversation(rest);
    let date = Date::new(2024, 5, 1).expect("is a day");
    let begun = Instant::now();
    let first = template.render(&messages, true);
    if let Ok(rendered) = &first {
        assert!(rendered.len() <= LONGEST, "{} bytes", rendered.len());
        assert!(text.contains(OF_A_FILE) || !rendered.contains(OF_A_FILE), "a file was read");
    }
    // What goes on to the end of the limits takes seconds with coverage counted; once is enough.
    if begun.elapsed() > QUICK {
        return;
    }
    assert_eq!(template.render(&messages, true), first, "the same again");
    let _ = template.with_date(date).render(&messages, false);
    let Ok(tokenizer) = TOKENIZER.clone().with_chat_template(source) else { return };
    let prompt = Prompt::Messages(messages);
    for style in [PromptStyle::Chat, PromptStyle::Plain] {
        let _ = tokenizer.encode_prompt(&prompt, style);
    }
    if let Ok(demonstration) = tokenizer.encode_demonstration(&prompt, "Ho") {
        assert_eq!(demonstration.tokens.len(), demonstration.loss_mask.len());
    }
}
