use super::*;

fn template(source: &str) -> ChatTemplate {
    ChatTemplate::new(source, "<s>", "</s>").expect("compiles")
}

pub(super) fn render(source: &str) -> Result<String, String> {
    let messages = [Message::user("Hi"), Message::assistant("Ho")];
    ChatTemplate::new(source, "<s>", "</s>")
        .and_then(|template| template.render(&messages, true))
        .map_err(|error| error.to_string())
}

#[test]
fn the_own_template_prints_turns() {
    let chat = template(NUDGE_CHAT_TEMPLATE);
    let messages = [Message::user("Hi"), Message::assistant("Ho")];
    assert_eq!(chat.render(&messages, false).expect("renders"), "<|user|>Hi<|assistant|>Ho<|endoftext|>");
    assert_eq!(chat.render(&messages[..1], true).expect("renders"), "<|user|>Hi<|assistant|>");
}

#[test]
fn blocks_leave_no_lines_and_absent_things_are_false() {
    let source = "{% if tools is none and not documents %}\n  {% if strftime_now is defined %}\n\
                  clock{% endif %}\n{{ messages[0].role }}\n{% endif %}\n";
    assert_eq!(render(source).expect("renders"), "user\n");
}

#[test]
fn a_template_that_asks_for_a_date_prints_the_given_one_and_no_other() {
    let source = "{{ strftime_now('%d %b %Y') if strftime_now is defined else 'never' }}";
    assert_eq!(render(source).expect("renders"), "never");
    let dated = template(source).with_date(Date::new(2024, 7, 26).expect("a day"));
    assert_eq!(dated.render(&[], true).expect("renders"), "26 Jul 2024");
}

#[test]
fn a_template_that_takes_a_date_for_granted_prints_the_same_on_every_day() {
    // As SmolLM3's begins.
    let source = "{%- set today = strftime_now(\"%d %B %Y\") -%}\n{{- \"Today Date: \" ~ today -}}";
    assert_eq!(render(source).expect("renders"), "Today Date: 26 July 2024");
    let dated = template(source).with_date(Date::new(2025, 3, 9).expect("a day"));
    assert_eq!(dated.render(&[], true).expect("renders"), "Today Date: 09 March 2025");
}

#[test]
fn broken_templates_say_why_and_where() {
    assert!(render("{% for %}").expect_err("is refused").contains("syntax error"));
    let refusal = render("a\n{% if true %}\n  {{ raise_exception('roles must alternate') }}{% endif %}");
    let refusal = refusal.expect_err("is refused");
    assert!(refusal.contains("must alternate") && refusal.contains("chat_template:3"), "{refusal}");
}
