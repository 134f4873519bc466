//! The ways back: what is written is read again, and what is lost is told.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::Writer;
use super::*;
use crate::prompt::Prompt;
use crate::rankings::ranking_to_pairs;
use crate::records::{Completion, Edit, PairRecord, RankingRecord};
use crate::template::Message;

fn written(format: Format, entries: &[Entry]) -> (Vec<Value>, Vec<String>) {
    let mut writer = Writer::new(format).expect("can be written");
    let records = entries.iter().flat_map(|entry| writer.write(entry).expect("has this form")).collect();
    (records, writer.notes().to_vec())
}

fn refusal(format: Format, entry: &Entry) -> String {
    Writer::new(format).expect("can be written").write(entry).expect_err("is refused").to_string()
}

fn fixture(wanted: Format) -> Vec<Entry> {
    let value = fixtures().into_iter().find(|(format, _)| *format == wanted).expect("is there").1;
    entries(read_all(wanted, vec![value]))
}

#[test]
fn what_a_format_can_say_survives_it() {
    for format in Writer::FORMATS {
        let before = fixture(format);
        let (records, notes) = written(format, &before);
        assert_eq!(entries(read_all(format, records.clone())), before, "{format}");
        assert_eq!(notes, Vec::<String>::new(), "{format}");
        assert_eq!(Format::detect(&records[0]), Some(format));
    }
    // The fixtures themselves, field by field.
    for format in [Format::Alpaca, Format::Dolly, Format::ShareGpt, Format::Unpaired, Format::ImplicitPreference] {
        let value = fixtures().into_iter().find(|(of, _)| *of == format).expect("is there").1;
        assert_eq!(written(format, &fixture(format)).0, [value]);
    }
}

#[test]
fn a_collection_of_others_is_not_written() {
    let message = Writer::new(Format::HhRlhf).expect_err("is refused");
    assert!(
        message.contains("hh-rlhf can be read but not written") && message.contains("prompt-completion"),
        "{message}"
    );
}

#[test]
fn one_kind_becomes_another_where_it_means_the_same() {
    let demonstration = fixture(Format::PromptCompletion);
    let (records, notes) = written(Format::Conversation, &demonstration);
    let turns = json!([{ "role": "user", "content": "Why is it dark?" }, { "role": "assistant", "content": "The sun has set." }]);
    assert_eq!((records, notes.len()), (vec![json!({ "messages": turns })], 0));
    let (records, notes) = written(Format::PromptCompletion, &fixture(Format::ShareGpt));
    assert_eq!(records, [json!({ "prompt": "Hi", "completion": "Hello", "id": "c1" })]);
    assert!(notes.is_empty());
    let (records, notes) = written(Format::Unpaired, &fixture(Format::UltraFeedback));
    let judged: Vec<(&Value, &Value)> =
        records.iter().map(|record| (&record["completion"], &record["label"])).collect();
    assert_eq!(
        judged,
        [(&json!("Red"), &json!(true)), (&json!("Blue"), &json!(true)), (&json!("Stone"), &json!(false))]
    );
    assert_eq!(notes.len(), 2, "{notes:?}");
    let (records, notes) = written(Format::PromptCompletion, &fixture(Format::OasstTrees));
    assert_eq!(records[0]["completion"], "Hello!", "the best completion");
    assert!(notes[0].contains("only the best completion"), "{notes:?}");
    let (records, _) = written(Format::Alpaca, &fixture(Format::Preference));
    assert_eq!(
        records[0],
        json!({
            "instruction": "Why is it dark?", "input": "", "output": "The sun has set.",
            "chosen": "The sun has set.", "rejected": "No idea.",
        })
    );
    let (records, _) = written(Format::Ranking, &fixture(Format::Preference));
    assert_eq!((&records[0]["id"], &records[0]["ranking"]), (&json!("pair-1"), &json!([[0], [1]])));
}

#[test]
fn a_long_conversation_gives_its_last_completion_and_says_so() {
    let turns =
        |last: &str| vec![Message::user("a"), Message::assistant("b"), Message::user("c"), Message::assistant(last)];
    let talk = Entry::Conversation(crate::records::ConversationRecord {
        messages: turns("d"),
        task: None,
        split: None,
        extra: Map::new(),
    });
    let (records, notes) = written(Format::PromptCompletion, &[talk.clone(), talk.clone()]);
    assert_eq!(records[0]["completion"], "d");
    assert_eq!(records[0]["prompt"].as_array().expect("is a list").len(), 3);
    assert_eq!(notes.len(), 1, "told once: {notes:?}");
    assert!(refusal(Format::Alpaca, &talk).contains("conversation of several messages"));
}

#[test]
fn nothing_is_invented() {
    for (from, to) in [
        (Format::Prompt, Format::PromptCompletion),
        (Format::PromptCompletion, Format::Preference),
        (Format::PromptCompletion, Format::Unpaired),
        (Format::Unpaired, Format::Preference),
        (Format::Unpaired, Format::PromptCompletion),
        (Format::Text, Format::Prompt),
        (Format::Preference, Format::Candidates),
    ] {
        refusal(to, &fixture(from)[0]);
    }
    let tied = json!({ "id": "r", "prompt": "p", "completions": ["a", "b"], "ranking": [[0, 1]] });
    let tied = entries(read_all(Format::Ranking, vec![tied]));
    assert!(refusal(Format::Preference, &tied[0]).contains("no preference"));
    assert!(refusal(Format::PromptCompletion, &tied[0]).contains("no preference"));
}

#[test]
fn unknown_fields_are_kept_where_there_is_room() {
    let pair =
        json!({ "prompt": "p", "chosen": "a", "rejected": "b", "margin": 0.5, "source": "web", "label": "mine" });
    let read = entries(read_all(Format::Preference, vec![pair.clone()]));
    assert_eq!(written(Format::Preference, &read).0, [pair]);
    let (records, _) = written(Format::Unpaired, &read);
    assert_eq!(
        (&records[1]["label"], &records[1]["source"]),
        (&json!(false), &json!("web")),
        "the format's own field wins"
    );
}

#[test]
fn pairs_that_are_no_order_stay_pairs() {
    let pair = |a: &str, b: &str| json!({ "prompt": "p", "chosen": a, "rejected": b, "ranking_id": "r" });
    let stay = [
        vec![pair("a", "b"), pair("b", "c"), pair("c", "a")],
        vec![pair("a", "b"), pair("b", "c")],
        vec![pair("a", "b"), pair("c", "d")],
        vec![pair("a", "b"), pair("b", "a")],
        vec![pair("a", "b"), pair("a", "b")],
        vec![{
            let mut wide = pair("a", "b");
            wide["margin"] = 2.into();
            wide
        }],
    ];
    for values in stay {
        let read = entries(read_all(Format::Preference, values.clone()));
        assert!(read.iter().all(|entry| matches!(entry, Entry::Pair(_))), "{read:?}");
        assert_eq!(written(Format::Preference, &read).0, values);
    }
    let other = json!({ "prompt": "other", "chosen": "a", "rejected": "b", "ranking_id": "r" });
    let read = entries(read_all(Format::Preference, vec![pair("a", "b"), pair("a", "c"), other]));
    let sizes: Vec<usize> = read
        .iter()
        .map(|entry| match entry {
            Entry::Ranking(r) => r.completions.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(sizes, [3, 2]);
}

/// A ranking of up to 7 different completions with ties, of which not all are tied.
fn any_ranking(id: usize) -> impl Strategy<Value = RankingRecord> {
    let several = |places: &Vec<usize>| places.iter().any(|place| *place != places[0]);
    (prop::collection::vec(0usize..4, 2..8).prop_filter("ties everything", several), any::<bool>(), any::<bool>())
        .prop_map(move |(places, talk, edited)| {
            let group =
                |place| places.iter().enumerate().filter(move |(_, p)| **p == place).map(|(index, _)| index).collect();
            let ranking: Vec<Vec<usize>> = (0..4).map(group).filter(|group: &Vec<usize>| !group.is_empty()).collect();
            let prompt = if talk {
                Prompt::from(vec![Message::user("Hi"), Message::assistant("Ho"), Message::user("Why?")])
            } else {
                Prompt::from("Why?")
            };
            RankingRecord {
                id: format!("r{id}"),
                prompt,
                completions: (0..places.len()).map(|index| Completion::from_text(format!("answer {index}"))).collect(),
                ranking,
                labeler: talk.then(|| "Ann".to_owned()),
                seconds: talk.then_some(2.5),
                edit: edited.then(|| Edit { of: None, text: "mended".to_owned() }),
                extra: Map::from_iter([("screen".to_owned(), Value::from(id))]),
            }
        })
}

fn any_rankings() -> impl Strategy<Value = Vec<RankingRecord>> {
    (0usize..5).prop_flat_map(|count| (0..count).map(any_ranking).collect::<Vec<_>>())
}

fn sorted_pairs(record: &RankingRecord) -> Vec<PairRecord> {
    let mut pairs = ranking_to_pairs(record);
    pairs.sort_by(|a, b| (&a.chosen, &a.rejected).cmp(&(&b.chosen, &b.rejected)));
    pairs
}

proptest! {
    #[test]
    fn rankings_survive_the_preference_format(rankings in any_rankings()) {
        let before: Vec<Entry> = rankings.iter().cloned().map(Entry::Ranking).collect();
        let (records, _) = written(Format::Preference, &before);
        prop_assert_eq!(records.len(), rankings.iter().map(|record| ranking_to_pairs(record).len()).sum::<usize>());
        let after = entries(read_all(Format::Preference, records));
        prop_assert_eq!(after.len(), rankings.len());
        for (before, after) in rankings.iter().zip(after) {
            let Entry::Ranking(after) = after else { panic!("{after:?}") };
            let facts = |record: &RankingRecord| (record.id.clone(), record.labeler.clone(), record.seconds, record.extra.clone());
            prop_assert_eq!(facts(before), facts(&after));
            prop_assert_eq!(&before.edit, &after.edit);
            prop_assert_eq!(after.validate(), Ok(()));
            let sizes = |record: &RankingRecord| record.ranking.iter().map(Vec::len).collect::<Vec<_>>();
            prop_assert_eq!(sizes(before), sizes(&after), "ties stay ties");
            prop_assert_eq!(sorted_pairs(before), sorted_pairs(&after));
        }
    }
}
