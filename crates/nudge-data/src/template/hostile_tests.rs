//! Templates that mean harm: without end, without measure, or reaching for files.

use super::tests::render;
use super::*;

/// Templates that would run or grow without end, and what is said of them.
#[test]
fn a_hostile_template_is_stopped() {
    let forty = |statement: &str| statement.repeat(40);
    let double = "{% set s = 'ab' %}";
    let hostile = [
        ("{% for a in range(1000000000) %}x{% endfor %}".to_owned(), "range has too many elements"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}".to_owned(), "does not come to an end"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}{{ 'long text' * 99 }}{% endfor %}{% endfor %}".to_owned(), "prints more than"),
        (format!("{{% for a in range(99999) %}}{}{{% endfor %}}", "text".repeat(999)), "prints more than"),
        ("{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}".to_owned(), "recursion limit"),
        ("{% macro m(n) %}{% for i in range(9) %}{{ m(n) }}{% endfor %}{% endmacro %}{{ m(1) }}".to_owned(), "recursion limit"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = s ~ s %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = s + s %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = s * 9 %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s %}{{ s }}{{ s }}{% endset %}")), "than 10000000 bytes"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = s.replace('a', 'aaaab') %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = s | replace('', s) %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = [s, s] | join(s) %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = s.join([s, s]) %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = '{}{}'.format(s, s) %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = '%s%s' | format(s, s) %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = [s, s] | tojson %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = [s, s] %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = [s] + [s] * 2 %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = {'a': s, 'b': s} %}")), "grew beyond"),
        (format!("{double}{}{{{{ s }}}}", forty("{% set s = (s, s) %}")), "grew beyond"),
        (format!("{{% set s = [1] %}}{}{{{{ s | list }}}}", forty("{% set s = s | map('string') | list + s | reverse | list %}")), "grew beyond"),
        ("{% set n = namespace(l=[]) %}{% for i in range(9999) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l }}".to_owned(), "nested"),
        ("{% set n = namespace() %}{% set n.n = n %}{{ n }}".to_owned(), "kept in a namespace"),
        ("{% set n = namespace() %}{% set n.n = [{n: 1}] %}{{ n }}".to_owned(), "kept in a namespace"),
        ("{% set n = namespace() %}{% for a in [n] %}{% set n.n = loop %}{% endfor %}{{ n }}".to_owned(), "kept in a namespace"),
        ("{% set n = namespace(l=messages) %}{% for i in range(99999) %}{% set n.l = n.l[0:] %}{% endfor %}{{ n.l[0].role }}{{ 'x' * 99999999 }}".to_owned(), "grew beyond"),
        ("{{ 'a' | indent(999999999) }}".to_owned(), "indents by"),
        ("{{ 'a\\nb' | indent(width=999999999) }}".to_owned(), "indents by"),
        ("{{ [1] | tojson(indent=999999999) }}".to_owned(), "indents by"),
        ("{{ '%999999999d' | format(1) }}".to_owned(), "wider than"),
        ("{{ '%*d' | format(999999999, 1) }}".to_owned(), "wider than"),
        ("{{ '{:>999999999}'.format(1) }}".to_owned(), "wider than"),
        ("{{ '{:>{}}'.format(1, 999999999) }}".to_owned(), "format spec"),
        ("{{ 'a' * 99999999 }}".to_owned(), "grew beyond"),
    ];
    for (source, part) in hostile {
        let refusal = render(&source).expect_err(&source);
        assert!(refusal.starts_with("the chat template can not be used: "), "{refusal}");
        assert!(refusal.contains(part), "{}: {refusal}", &source[..source.len().min(120)]);
    }
}

#[test]
fn a_template_reads_nothing_but_itself() {
    let reading = [
        ("\n{% include '/etc/passwd' %}", "line 2: it includes another template"),
        ("{% include 'chat_template' %}", "includes"),
        ("{% import 'a' as b %}", "imports"),
        ("{% from 'a' import b %}", "imports"),
        ("{% extends 'a' %}", "extends"),
        ("{% block a %}{% endblock %}", "declares a block"),
        ("{% for a in [[1]] recursive %}{{ loop(a) }}{% endfor %}", "`recursive`"),
    ];
    for (source, part) in reading {
        let refusal = ChatTemplate::new(source, "", "").expect_err(source).to_string();
        assert!(refusal.contains(part), "{source}: {refusal}");
    }
    for source in ["{{ open('/etc/passwd') }}", "{{ ''.__class__.__mro__ }}", "{{ debug() }}", "{{ self.x() }}"] {
        assert!(render(source).is_err(), "{source}");
    }
}

#[test]
fn a_tag_that_is_no_tag_is_refused() {
    for source in ["{%}", "{%%}", "{%-}", "{% generation", "{%}{% generation %}", "a{%}b%}", "{%\u{e9}%}"] {
        assert!(ChatTemplate::new(source, "", "").is_err(), "{source}");
    }
}

/// Each would fill the stack of the parser or of the engine.
#[test]
fn a_deep_template_is_refused() {
    let deep = [
        format!("{{{{ a{} }}}}", "+a".repeat(50_000)),
        format!("{{{{ a{} }}}}", "|e".repeat(50_000)),
        format!("{{{{ a{} }}}}", ".a".repeat(50_000)),
        format!("{{{{ a{} }}}}", "[0]".repeat(50_000)),
        format!("{{{{ {}a }}}}", "not ".repeat(30_000)),
        format!("{{{{ {}a }}}}", "-".repeat(50_000)),
        format!("{{{{ {}a{} }}}}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("{{{{ {}{} }}}}", "[".repeat(50_000), "]".repeat(50_000)),
        format!("{{{{ a{} }}}}", " if a else a".repeat(15_000)),
        format!("{{% if a %}}{}{{% endif %}}", "{%elif a%}".repeat(10_000)),
        format!("{}{}", "{%if a%}".repeat(10_000), "{%endif%}".repeat(10_000)),
        " ".repeat(1_000_000),
    ];
    for source in deep {
        assert!(ChatTemplate::new(&source, "", "").is_err(), "{}", &source[..40]);
    }
    // What passes the first check must pass all.
    for (unit, count) in [("+a", 900), ("|e", 900), (".a", 900), ("[0]", 600), (" if a else a", 400), (" and a", 900)] {
        let _ = ChatTemplate::new(&format!("{{{{ a{} }}}}", unit.repeat(count)), "", "").map(|t| t.render(&[], true));
    }
    for (unit, count) in [("not ", 1900), ("-", 1900), ("a~", 60), ("a if a else ", 400)] {
        let _ = ChatTemplate::new(&format!("{{{{ {}a }}}}", unit.repeat(count)), "", "").map(|t| t.render(&[], true));
    }
    let branches = format!("{{% if a %}}{}{{% endif %}}", "{%elif a%}".repeat(1_900));
    let _ = ChatTemplate::new(&branches, "", "").map(|t| t.render(&[], true));
}

#[test]
fn a_long_conversation_is_within_the_limits() {
    let mut messages = vec![Message::user("What? ".repeat(100)); 2_000];
    messages.iter_mut().skip(1).step_by(2).for_each(|message| message.role = "assistant".to_owned());
    let source = "{% for m in messages %}{% if loop.index0 > 0 and messages[loop.index0 - 1].role == m.role %}\
                  {{ raise_exception('twice') }}{% endif %}[{{ m.role + ' of ' + messages | length | string }}]\
                  {{ m.content | trim + '\\n' }}{% endfor %}";
    let rendered =
        ChatTemplate::new(source, "", "").and_then(|template| template.render(&messages, true)).expect("renders");
    assert!(rendered.len() > 1_200_000);
}
