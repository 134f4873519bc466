//! What is looked into is what the stages compute: probabilities, scores, margins, and the numbers of a step.

use futures_lite::future::block_on;
use nudge_session::look::{Look, NextToken, Seen, Words};
use nudge_session::protocol::{Lens, Reviewed};
use nudge_session::{Event, Session, SessionError};
use serde_json::{Value, json};

use crate::support::{
    events_of, online_methods, options_of, progress, prompts, rankings, reward_model, session_with, sft,
};

fn session() -> Session {
    session_with(&[("sft", sft()), ("reward", reward_model())])
}

fn see(session: &Session, look: Value) -> Result<Seen, SessionError> {
    let look: Look = serde_json::from_value(look).expect("a look");
    block_on(session.look(look)?.see())
}

fn next_token(session: &Session, text: &str, place: Option<usize>, temperature: f32, top_p: f32) -> NextToken {
    let look = json!({"look": "next_token", "model": "sft", "prompt": "Tell me a story.", "text": text,
        "place": place, "temperature": temperature, "top_p": top_p});
    match see(session, look).expect("it can be seen") {
        Seen::NextToken(seen) => seen,
        other => panic!("{other:?}"),
    }
}

#[test]
fn alternatives_are_what_sampling_draws_from() {
    let session = session();
    let text = "Once there was a dog.";
    let all = next_token(&session, text, None, 1.0, 1.0);
    assert_eq!(all.place, all.tokens.len());
    assert_eq!(all.kept, all.vocabulary);
    assert_eq!(all.tokens.iter().map(|token| token.text.as_str()).collect::<String>(), text);
    assert!(all.choices.windows(2).all(|two| two[0].probability >= two[1].probability));
    assert!(all.choices.iter().all(|choice| (choice.probability - choice.drawn).abs() < 1e-6));

    let third = next_token(&session, text, Some(2), 1.0, 1.0);
    let written = third.tokens[2].probability.expect("it has one");
    let same = third.choices.iter().find(|choice| choice.text == third.tokens[2].text);
    assert!(same.is_none_or(|choice| (choice.probability - written).abs() < 1e-4), "{third:?}");

    let cold = next_token(&session, text, None, 0.2, 1.0);
    assert!(cold.choices[0].drawn > all.choices[0].drawn);
    assert_eq!(cold.choices[0].probability, all.choices[0].probability);
    let nucleus = next_token(&session, text, None, 1.0, 0.5);
    assert!(nucleus.kept < all.kept, "{}", nucleus.kept);
    let inside: f32 = nucleus.choices.iter().filter(|choice| choice.drawn > 0.0).map(|choice| choice.probability).sum();
    assert!(inside >= 0.5 || nucleus.kept > nucleus.choices.len());
}

#[test]
fn an_effect_is_the_score_less_the_score_without_the_word() {
    let session = session();
    let score = |completion: &str| -> f64 {
        let record = json!({"prompt": "Hi.", "completion": completion});
        let events = events_of(&session, json!({"command": "score", "reward": "reward", "records": [record]}));
        let found = events.iter().find_map(|event| match event {
            Event::Scored { record } => record["scores"][0].as_f64(),
            _ => None,
        });
        found.expect("a score")
    };
    let look = json!({"look": "words", "reward": "reward", "prompt": "Hi.", "completion": "A  happy dog."});
    let Seen::Words(Words { score: whole, words }) = see(&session, look).expect("it can be seen") else {
        panic!("words were asked for")
    };
    assert!((f64::from(whole) - score("A  happy dog.")).abs() < 1e-4);
    assert_eq!(words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["A", "happy", "dog."]);
    let without = f64::from(whole) - score("A dog.");
    assert!((f64::from(words[1].effect) - without).abs() < 1e-4, "{words:?}");
}

#[test]
fn what_cannot_be_looked_at_is_refused() {
    let session = session();
    let look = |model: &str, text: &str, temperature: f32, top_p: f32| {
        let look = json!({"look": "next_token", "model": model, "prompt": "Hi.", "text": text, "place": null,
            "temperature": temperature, "top_p": top_p});
        see(&session, look).expect_err("it is refused").to_string()
    };
    assert!(look("sft", "A.", 0.0, 1.0).contains("temperature"));
    assert!(look("sft", "A.", 1.0, 0.0).contains("top_p"));
    assert!(look("nobody", "A.", 1.0, 1.0).contains("nobody"));
    assert!(look("sft", &"A dog. ".repeat(200), 1.0, 1.0).contains("the model reads"));
    // A language model has no scores.
    see(&session, json!({"look": "words", "reward": "sft", "prompt": "Hi.", "completion": "A."})).expect_err("no head");
}

#[test]
fn a_review_splits_as_the_training_did() {
    let session = session();
    let preferences = rankings(&session, "shorter", 12);
    let options = json!({"held_out": 0.3, "epochs": 1.0, "seed": 5});
    let train = json!({"command": "reward", "model": "sft", "preferences": preferences, "options": options});
    let trained = events_of(&session, train);
    let files = crate::support::model_of(&trained);
    let session = session_with(&[("sft", sft()), ("reward", files)]);
    let review = json!({"command": "review", "reward": "reward", "preferences": preferences, "options": options});
    let events = events_of(&session, review);
    let review: &Reviewed = events
        .iter()
        .find_map(|event| match event {
            Event::Reviewed { review } => Some(review),
            _ => None,
        })
        .expect("a review");
    let last = |name: &str| progress(&trained).iter().rev().find_map(|metrics| metrics.get(name).copied());
    assert_eq!(last("eval_pairs"), Some(review.held_out as f64));
    let accuracy = last("eval_accuracy").expect("rankings were set aside");
    assert!((accuracy - review.calibration.overall.accuracy).abs() < 1e-6);
    assert!(review.pairs > review.held_out);
    assert_eq!(review.margins.iter().map(|bin| bin.trained + bin.held_out).sum::<usize>(), review.pairs);
    assert!(review.disagreements.iter().all(|one| one.margin < 0.0));
    assert_eq!(review.disagreements.len(), review.wrong.min(20));
}

#[test]
fn a_lens_tells_a_step_token_by_token_and_changes_nothing() {
    for (method, k) in online_methods().into_iter().chain([("ppo", 1)]) {
        let session = session();
        let run = |lens: bool| {
            let options = json!({"episodes": 16, "batch_size": 8, "max_new_tokens": 8, "k": k, "lens": lens});
            let options = options_of(method, options);
            let value = json!({"command": "tune", "method": method, "policy": "sft", "rewards": ["reward"],
                "prompts": prompts(4), "options": options});
            events_of(&session, value)
        };
        let lenses = |events: &[Event]| -> Vec<Lens> {
            let lens = |event: &Event| match event {
                Event::Lens { lens } => Some(lens.clone()),
                _ => None,
            };
            events.iter().filter_map(lens).collect()
        };
        let (with, without) = (run(true), run(false));
        assert_eq!(crate::support::model_of(&with), crate::support::model_of(&without), "{method}");
        let told = lenses(&with);
        assert_eq!((told.len(), lenses(&without).len()), (2, 0), "{method}");
        for lens in &told {
            let kl: f32 = lens.tokens.iter().map(|token| token.kl).sum();
            assert!((kl - lens.kl).abs() < 1e-4, "{method}: {kl} {}", lens.kl);
            for token in &lens.tokens {
                assert!((token.ratio - token.new_probability / token.probability).abs() < 1e-3, "{method}: {token:?}");
                assert!(token.choices.is_sorted_by(|one, other| one.new_probability >= other.new_probability));
                // Where the token itself is among the likeliest, it is as likely as is said of it.
                for choice in token.choices.iter().filter(|choice| choice.text == token.text) {
                    let apart = (choice.new_probability - token.new_probability).abs();
                    assert!(apart < 1e-4 && (choice.ref_probability - token.ref_probability).abs() < 1e-4, "{token:?}");
                }
            }
        }
        // At first the policy is the reference.
        assert!(
            told[0].tokens.iter().all(|token| (token.probability - token.ref_probability).abs() < 1e-5),
            "{method}"
        );
        if method == "ppo" {
            let rewards: f32 = told[1].tokens.iter().filter_map(|token| token.reward).sum();
            let expected = told[1].score - told[1].kl_coef * told[1].kl;
            assert!((rewards - expected).abs() < 1e-3, "{rewards} {expected}");
            assert!(told[1].tokens.iter().all(|token| token.value.is_some()));
            // The price after a step is that of the next.
            assert_eq!(told[0].new_kl_coef, told[1].kl_coef);
            for token in &told[1].tokens {
                let objective = token.objective.expect("PPO clips token by token");
                let pulled = token.ratio * token.advantage;
                assert!(if token.clipped { objective < pulled } else { objective == pulled }, "{token:?}");
            }
        }
    }
}
