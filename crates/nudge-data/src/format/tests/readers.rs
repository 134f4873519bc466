//! What each format's record means.

use serde_json::{Value, json};

use super::super::detect;
use super::*;

fn fixture(format: Format) -> Value {
    fixtures().into_iter().find(|(of, _)| *of == format).expect("has a fixture").1
}

#[test]
fn every_format_is_told_by_its_fields_and_read() {
    let fixtures = fixtures();
    let formats: Vec<Format> = fixtures.iter().map(|(format, _)| *format).collect();
    assert_eq!(formats, Format::ALL, "one fixture of each");
    for (format, value) in fixtures {
        assert_eq!(Format::detect(&value), Some(format));
        assert_eq!(Format::from_name(format.name()), Ok(format));
        // A question by itself teaches nothing; its tree is tested elsewhere.
        if format != Format::OasstMessages {
            assert!(read_all(format, vec![value]).iter().all(|read| read.result.is_ok()), "{format}");
        }
    }
}

#[test]
fn an_unknown_name_is_answered_with_all_names() {
    let message = Format::from_name("excel").expect_err("is refused");
    assert!(Format::ALL.iter().all(|format| message.contains(format.name())), "{message}");
    assert_eq!(Format::from_name(" HH_RLHF "), Ok(Format::HhRlhf));
}

#[test]
fn an_instruction_and_its_input_are_two_paragraphs() {
    let asked = entry(Format::Alpaca, fixture(Format::Alpaca));
    assert_eq!(asked["prompt"], "Add them.\n\n2 and 3");
    assert_eq!(asked["completion"], "5");
    let bare = entry(Format::Alpaca, json!({ "instruction": "Sing.", "input": "", "output": "La" }));
    assert_eq!(bare, json!({ "prompt": "Sing.", "completion": "La" }));
    let dolly = entry(Format::Dolly, fixture(Format::Dolly));
    assert_eq!((&dolly["prompt"], &dolly["task"]), (&json!("Who ran?\n\nA fox ran."), &json!("closed_qa")));
    let question = entry(Format::QuestionAnswer, fixture(Format::QuestionAnswer));
    assert_eq!(question, json!({ "prompt": "Who ran?", "completion": "A fox.", "split": "train" }));
}

#[test]
fn alpaca_with_two_completions_is_a_pair() {
    let pair = json!({ "instruction": "Greet.", "input": "", "output": "Hello", "chosen": "Hello", "rejected": "Go" });
    assert_eq!(Format::detect(&pair), Some(Format::Alpaca));
    let pair = entry(Format::Alpaca, pair);
    assert_eq!((&pair["chosen"], &pair["rejected"], &pair["output"]), (&json!("Hello"), &json!("Go"), &json!("Hello")));
}

#[test]
fn sharegpt_speakers_become_roles() {
    let talk = json!({ "items": [
        { "from": "system", "value": "Be kind." }, { "from": "human", "value": "Hi" },
        { "from": "chatgpt", "value": "Hello" }, { "from": "tool", "value": "7" },
    ], "_id": 4 });
    let talk = entry(Format::ShareGpt, talk);
    let roles: Vec<&str> = talk["messages"]
        .as_array()
        .expect("is a list")
        .iter()
        .map(|m| m["role"].as_str().expect("is a text"))
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool"]);
    assert_eq!(talk["_id"], 4);
}

#[test]
fn equal_ratings_are_tied() {
    let ranking = entry(Format::UltraFeedback, fixture(Format::UltraFeedback));
    assert_eq!(ranking["ranking"], json!([[0, 2], [3], [1]]));
    assert_eq!(ranking["completions"][3], json!({ "text": "Grey, I think", "model": "m", "score": 6.5 }));
    assert_eq!(ranking["id"], "ultrafeedback-1");
}

#[test]
fn one_missing_overall_score_lets_the_aspects_decide() {
    let aspects = |helpfulness: &str, honesty: &str| json!({ "helpfulness": { "Rating": helpfulness }, "honesty": { "Rating": honesty } });
    let record = json!({ "instruction": "Name a colour.", "completions": [
        { "response": "Red", "overall_score": 1, "annotations": aspects("5", "4") },
        { "response": "Stone", "annotations": aspects("1", "N/A") },
        { "response": "Fog", "overall_score": 9 },
        { "response": "Red", "annotations": aspects("5", "5") },
    ] });
    let reads = read_all(Format::UltraFeedback, vec![record]);
    let Ok(Entry::Ranking(ranking)) = &reads[0].result else { panic!("{reads:?}") };
    assert_eq!(ranking.completions.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), ["Red", "Stone"]);
    assert_eq!(ranking.ranking, [[0], [1]], "4.5 beats 1");
    let drops: Vec<&String> = reads[1..].iter().map(|read| read.result.as_ref().expect_err("is a drop")).collect();
    assert!(drops[0].contains("completion 2") && drops[0].contains("no rating"), "{drops:?}");
    assert!(drops[1].contains("completion 3") && drops[1].contains("repeats"), "{drops:?}");
}

#[test]
fn summaries_are_asked_for_as_published() {
    let pair = entry(Format::Tldr, fixture(Format::Tldr));
    assert_eq!(pair["prompt"], "SUBREDDIT: r/help\n\nTITLE: Sock\n\nPOST: I lost a sock.\n\nTL;DR:");
    assert_eq!((&pair["chosen"], &pair["rejected"]), (&json!("Lost a sock."), &json!("A dog.")));
    assert_eq!((&pair["id"], &pair["worker"]), (&json!("x"), &json!("w")));
    let rated = |overall: u64| {
        let mut record = fixture(Format::Tldr);
        record.as_object_mut().expect("is an object").shift_remove("summaries");
        record["summary"] = json!({ "text": " A sock.", "axes": { "overall": overall } });
        record
    };
    assert_eq!(entry(Format::Tldr, rated(5))["label"], true);
    assert_eq!(entry(Format::Tldr, rated(3))["label"], false);
    assert!(reason(Format::Tldr, rated(4)).contains("middle of the scale"));
}

#[test]
fn the_common_beginning_of_two_completions_is_the_prompt() {
    let pair = entry(Format::ImplicitPreference, fixture(Format::ImplicitPreference));
    assert_eq!(pair["prompt"], json!([{ "role": "user", "content": "Why is it dark?" }]));
    assert_eq!((&pair["chosen"], &pair["rejected"]), (&json!("The sun has set."), &json!("No idea.")));
    let texts = |chosen: &str, rejected: &str| json!({ "chosen": chosen, "rejected": rejected });
    let pair = entry(Format::ImplicitPreference, texts("The sky is blue.", "The sky is black."));
    assert_eq!(
        (&pair["prompt"], &pair["chosen"], &pair["rejected"]),
        (&json!("The sky is"), &json!(" blue."), &json!(" black."))
    );
    assert!(
        reason(Format::ImplicitPreference, texts("The sky is", "The sky is red")).contains("`chosen` says nothing")
    );
    assert!(reason(Format::ImplicitPreference, texts("Blue", "Black")).contains("no common prompt"));
}

#[test]
fn the_margin_is_given_or_the_difference_of_the_scores() {
    let messages =
        |completion: &str| json!([{ "role": "user", "content": "Hi" }, { "role": "assistant", "content": completion }]);
    let binarized = json!({
        "prompt": "Hi", "chosen": messages("Hello"), "rejected": messages("Go"), "score_chosen": 8.5, "score_rejected": 6,
    });
    assert_eq!(Format::detect(&binarized), Some(Format::ImplicitPreference));
    assert_eq!(entry(Format::ImplicitPreference, binarized.clone())["margin"], 2.5);
    assert_eq!(entry(Format::Preference, binarized.clone())["chosen"], "Hello");
    let mut other = binarized;
    other["prompt"] = "Bye".into();
    assert!(reason(Format::ImplicitPreference, other).contains("`prompt` is not what"));
    let pair =
        |margin: Value| json!({ "prompt": "Hi", "chosen": "a", "rejected": "b", "margin": margin, "score_chosen": 1 });
    assert_eq!(entry(Format::Preference, pair(json!(1.0)))["margin"], json!(1.0));
    assert_eq!(entry(Format::Preference, pair(json!("0.25")))["margin"], json!(0.25));
    assert!(entry(Format::Preference, pair(json!(""))).get("margin").is_none());
    assert!(reason(Format::Preference, pair(json!("wide"))).contains("`margin`"));
    assert!(reason(Format::Preference, pair(json!("1e300"))).contains("`margin`"));
}

#[test]
fn the_format_of_most_of_the_first_records_is_taken() {
    let pair = json!({ "prompt": "p", "chosen": "a", "rejected": "b" });
    let values = vec![json!({ "text": "t" }), pair.clone(), pair];
    let detected = detect("x.jsonl", found(values.clone()), None).expect("is told");
    assert_eq!(detected.format, Format::Preference);
    assert_eq!(detected.found.map(|found| found.value.expect("is there")).collect::<Vec<_>>(), values);
    let forced = detect("x.jsonl", found(values), Some(Format::Prompt)).expect("is taken");
    assert_eq!(forced.format, Format::Prompt);
    let Err(message) = detect("x.jsonl", found(vec![json!({ "foo": 1 })]), None) else { panic!("is refused") };
    assert!(
        message.starts_with("x.jsonl: ") && message.contains("`foo`") && message.contains("prompt-completion"),
        "{message}"
    );
    assert!(detect("x.jsonl", found(vec![]), None).is_err());
}
