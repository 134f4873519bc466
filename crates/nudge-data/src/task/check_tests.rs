use super::*;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

/// Every condition, alone: completions that meet it and completions that do not.
#[test]
fn each_condition_holds_and_fails() {
    let none = Check::default;
    let cases: [(Check, &[&str], &[&str]); 12] = [
        (
            Check { contains: texts(&["dog", "big tree"]), ..none() },
            &["A DOG by the big tree.", "Dogs! Big trees."],
            &["A dog.", "The big old tree, a dog.", "A hotdog in a big tree.", ""],
        ),
        (
            Check { contains_one_of: texts(&["happy", "smiled"]), ..none() },
            &["She smiled.", "Happy, happy"],
            &["unhappy", "smile"],
        ),
        (
            Check { equals: texts(&["A dog.", "puppy"]), ..none() },
            &["dog", "The dog!", " Puppy "],
            &["dogs", "a red dog", "dog dog", ""],
        ),
        (Check { starts_with: Some("Yes".into()), ..none() }, &["yes, it is", "Yes"], &["No, yes", "Yesterday", ""]),
        (
            Check { one_sentence: true, ..none() },
            &["He ran home.", "\"Stop! Go!\" he said.", "He ran"],
            &["He ran. He fell.", "", "One\ntwo"],
        ),
        (Check { at_least_words: Some(2), ..none() }, &["a b", "a b c"], &["a", ""]),
        (Check { at_most_words: Some(2), ..none() }, &["a b", ""], &["a b c"]),
        (
            Check { has_dialogue: true, ..none() },
            &["He said, \"No.\"", "“Hi!” she said. \"And"],
            &["No.", "He said, \"No", "\"\" he said"],
        ),
        (
            Check { list_of: Some(3), ..none() },
            &["a dog, a cat and a bee", "- dog\n- cat\n- bee", "1. dog\n2. cat\n3. bee"],
            &["a dog and a cat", "dog, cat, bee, cow", "dog, a dog, cat", ""],
        ),
        (
            Check { items: texts(&["Tom", "Lily"]), ..none() },
            &["Lily and Tom", "Tom, Lily.", "tom, and lily"],
            &["Tom", "Tom, Lily and Sam", "Tom Lily", ""],
        ),
        (
            Check { items_from: texts(&["dog", "cat", "bee"]), ..none() },
            &["a cat", "the bee and a dog", "dogs"],
            &["a cow", "a dog and a cow"],
        ),
        (none(), &["", "anything"], &[]),
    ];
    for (check, right, wrong) in cases {
        for completion in right {
            assert_eq!(check.failures(completion, false), [""; 0], "{check:?} on {completion:?}");
        }
        for completion in wrong {
            assert_eq!(check.failures(completion, true).len(), 1, "{check:?} on {completion:?}");
        }
    }
    let ends = Check { ends: true, ..none() };
    assert!(ends.passes("", true) && !ends.passes("", false));
}

#[test]
fn every_condition_that_fails_is_named() {
    let check = Check { ends: true, contains: texts(&["dog"]), at_most_words: Some(2), ..Check::default() };
    assert_eq!(check.failures("A red cat.", false), ["ends", "contains", "at_most_words"]);
    assert_eq!(check.failures("A red dog.", true), ["at_most_words"]);
    assert!(!check.passes("Dog", false) && check.passes("Dog", true));
}

#[test]
fn a_check_is_read_as_it_is_written() {
    let check = Check { ends: true, equals: texts(&["Yes."]), list_of: Some(2), ..Check::default() };
    let json = serde_json::to_string(&check).expect("writes");
    assert_eq!(json, r#"{"ends":true,"equals":["Yes."],"list_of":2}"#);
    assert_eq!(serde_json::from_str::<Check>(&json).expect("reads"), check);
    assert!(serde_json::from_str::<Check>(r#"{"equal":["x"]}"#).is_err());
}
