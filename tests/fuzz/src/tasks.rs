//! Task definitions: a file is refused with a reason, or gives demonstrations that keep their own rules.

use nudge_data::{check_of, mine, read_tasks};
use serde_json::{Map, json};

/// Stories in which most rules find something.
const STORIES: &str = "Once upon a time, there was a little boy named Tom. He had a red ball that he loved very much. \
    Tom went to the park with his mom. A big dog came and took the ball far away from him. Tom was sad and sat down \
    under a tree. His mom said that the dog only wanted to play. \"Give me the ball!\" said Tom. The dog came back \
    with the ball in its mouth. Lily was the girl of the dog. Tom and Lily threw the ball to each other. They smiled \
    and were good friends.<|endoftext|>One day, Lily found a cat in the garden. The cat was very happy. Lily said, \
    \"Let us go home.\" Lily and the cat ran to the house. They had milk, bread and cheese.<|endoftext|>";

/// Reads it.
pub fn target(content: &[u8]) {
    let Ok(text) = std::str::from_utf8(content) else { return };
    let tasks = match read_tasks("fuzz.toml", text) {
        Ok(tasks) => tasks,
        Err(error) => return assert!(error.to_string().starts_with("fuzz.toml"), "{error}"),
    };
    let mined = mine(STORIES, &tasks, "train", 1);
    assert_eq!(mined, mine(STORIES, &tasks, "train", 1), "the same seed gives the same");
    for record in &mined {
        let check = check_of(record).expect("can be read").expect("is there");
        assert!(check.passes(&record.completion, true), "{record:?}");
    }
    for task in &tasks {
        let field = |(index, name): (usize, &str)| {
            let value = [json!("a dog"), json!(["one", "two", "three"]), json!([]), json!("")][index % 4].clone();
            (name.to_owned(), value)
        };
        let record: Map<_, _> = task.fields().into_iter().enumerate().map(field).collect();
        let made = task.demonstrations(&[record.clone(), Map::new()], "train", 1);
        assert!(made.is_err() || task.fields().is_empty(), "a record without fields is refused");
        let made = task.demonstrations(&[record], "train", 1).expect("has every field");
        assert_eq!(made.len(), 1);
    }
}
