use super::*;
use crate::tokenizer::{ASSISTANT, END_OF_TEXT, USER};
use proptest::prelude::*;
use std::sync::LazyLock;

static TOKENIZER: LazyLock<Tokenizer> =
    LazyLock::new(|| Tokenizer::train(["Tell me a story about a dog."].into_iter(), 270).expect("trains"));

/// What is learnt, stretch by stretch, special tokens by their names.
fn learnt(tokenizer: &Tokenizer, messages: &[Message]) -> Vec<String> {
    let EncodedDemonstration { tokens, loss_mask } = tokenizer.encode_conversation(messages).expect("encodes");
    let text = |id: u32| tokenizer.specials.name(id).map_or_else(|| tokenizer.decode(&[id]), str::to_owned);
    let marked: String =
        tokens.iter().zip(&loss_mask).map(|(&id, &learnt)| if learnt { text(id) } else { "\0".to_owned() }).collect();
    marked.split('\0').filter(|stretch| !stretch.is_empty()).map(str::to_owned).collect()
}

fn with_template(source: &str) -> Tokenizer {
    TOKENIZER.clone().with_chat_template(source).expect("compiles")
}

fn talk() -> [Message; 4] {
    [Message::user("Hi"), Message::assistant("Ho"), Message::user("a dog"), Message::assistant(" Tell \n")]
}

#[test]
fn every_turn_of_the_assistant_is_learnt_with_its_end() {
    assert_eq!(learnt(&TOKENIZER, &talk()), ["Ho<|endoftext|>", " Tell \n<|endoftext|>"]);
    assert_eq!(learnt(&TOKENIZER, &talk()[..3]), ["Ho<|endoftext|>"]);
    assert!(learnt(&TOKENIZER, &talk()[..1]).is_empty());
    assert!(learnt(&TOKENIZER, &[]).is_empty());
    let encoded = TOKENIZER.encode_conversation(&talk()[..2]).expect("encodes");
    assert_eq!(encoded, TOKENIZER.encode_demonstration(&"Hi".into(), "Ho").expect("encodes"));
    let base = TOKENIZER.clone().without_chat_template();
    assert_eq!(base.encode_conversation(&talk()), Err(DataError::NoChatTemplate));
}

#[test]
fn the_templates_own_end_token_ends_a_turn() {
    // ChatML, with the user's token for <|im_start|> and the assistant's for <|im_end|>.
    let tokenizer = with_template(
        "{% for m in messages %}<|user|>{{ m.role + '\\n' + m.content | trim }}<|assistant|>{{ '\\n' }}{% endfor %}\
         {% if add_generation_prompt %}<|user|>assistant{{ '\\n' }}{% endif %}",
    );
    assert_eq!(learnt(&tokenizer, &talk()), ["Ho<|assistant|>", "Tell<|assistant|>"]);
    assert_eq!(tokenizer.end_ids(), [1, 3]);
    let shown = tokenizer.encode_demonstration(&"Hi".into(), "Ho").expect("encodes");
    assert_eq!(shown.tokens.last(), Some(&3));
    assert_eq!(tokenizer.without_chat_template().end_ids(), [1]);
}

#[test]
fn a_template_without_end_token_gets_one() {
    let tokenizer = with_template(
        "{% for m in messages %}{{ m.role }}: {{ m.content | trim }}{{ '\\n' }}{% endfor %}\
         {% if add_generation_prompt %}assistant:{% endif %}",
    );
    // The blank behind the colon is for the model to write.
    assert_eq!(learnt(&tokenizer, &talk()), [" Ho<|endoftext|>", " Tell<|endoftext|>"]);
    let tokens = tokenizer.encode_conversation(&talk()[..2]).expect("encodes").tokens;
    assert_eq!(tokenizer.decode(&tokens), "user: Hi\nassistant: Ho\n");
    assert_eq!(tokens.iter().position(|&id| id == 1), Some(tokens.len() - 2));
    assert_eq!(tokenizer.end_ids(), [1]);
}

#[test]
fn a_prompt_that_the_conversation_does_not_show_leaves_the_completion() {
    // The generation prompt begins a thinking that the rendering of a completion lacks.
    let tokenizer = with_template(
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if m.role == 'assistant' %}{{ eos_token }}\
         {% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>Think{% endif %}",
    );
    assert_eq!(learnt(&tokenizer, &talk()), ["Ho<|endoftext|>", "Tell \n<|endoftext|>"]);
}

#[test]
fn a_turn_that_later_ones_change_is_not_learnt() {
    let tokenizer = with_template(
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if loop.last %}!{% endif %}{{ eos_token }}\
         {% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
    );
    assert!(learnt(&tokenizer, &talk()[..3]).is_empty());
    let template = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\
         {% if loop.last and m.role == 'assistant' %}!{% endif %}{{ eos_token }}\
         {% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
    assert_eq!(learnt(&with_template(template), &talk()), [" Tell \n!<|endoftext|>"]);
}

proptest! {
    #[test]
    fn what_people_say_is_no_token_and_what_the_assistant_says_is_learnt(
        turns in prop::collection::vec(prop::collection::vec(
            prop::sample::select(vec![USER, ASSISTANT, END_OF_TEXT, "{{", "\u{f0000}", "\u{f0001}", " ", "\n", "a"]),
            0..6,
        ), 1..6),
    ) {
        let messages: Vec<Message> = turns.iter().enumerate().map(|(index, parts)| match index % 2 {
            0 => Message::user(parts.concat()),
            _ => Message::assistant(parts.concat()),
        }).collect();
        let EncodedDemonstration { tokens, loss_mask } = TOKENIZER.encode_conversation(&messages).expect("encodes");
        prop_assert_eq!(tokens.len(), loss_mask.len());
        let specials: Vec<u32> = tokens.iter().copied().filter(|&id| id < 4).collect();
        let expected: Vec<u32> = (0..messages.len()).flat_map(|turn| [[2].as_slice(), &[3, 1]][turn % 2]).copied().collect();
        prop_assert_eq!(specials, expected);
        prop_assert_eq!(TOKENIZER.decode(&tokens), turns.concat().concat());
        let learnt: Vec<u32> = tokens.iter().zip(&loss_mask).filter(|(_, learnt)| **learnt).map(|(&id, _)| id).collect();
        let expected: Vec<u32> = messages.iter().skip(1).step_by(2)
            .flat_map(|message| [TOKENIZER.encode(&message.content), vec![1]].concat()).collect();
        prop_assert_eq!(learnt, expected);
    }
}
