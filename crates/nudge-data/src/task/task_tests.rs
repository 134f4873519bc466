use super::*;

#[test]
fn the_built_in_tasks_are_read_and_stand_in_six_clusters() {
    let tasks = built_in_tasks();
    assert!(tasks.len() >= 20);
    let names: std::collections::BTreeSet<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names.len(), tasks.len());
    let clusters: std::collections::BTreeSet<&str> = tasks.iter().map(|task| task.cluster.as_str()).collect();
    assert_eq!(
        clusters.into_iter().collect::<Vec<_>>(),
        ["continuation", "editing", "lists", "reading", "stories", "turned_around"]
    );
    for task in tasks {
        assert!((3..=10).contains(&task.templates.len()), "{}", task.name);
        assert!(task.templates.iter().all(|template| template.check.ends), "{}", task.name);
        let prompts: std::collections::BTreeSet<_> = task.templates.iter().map(|template| &template.prompt).collect();
        assert_eq!(prompts.len(), task.templates.len(), "{}", task.name);
    }
}

fn own_task() -> Task {
    let text = r#"
        cluster = "own"
        [[task]]
        name = "colours"
        description = "Colours of a thing."
        fields = ["thing", "colours"]
        completion = "{Colours}."
        prompts = ["What colours has {thing}?", "Name the colours of {thing}."]
        check = { items = ["{colours}"] }
        [[task.template]]
        prompt = "What is {colours}?"
        completion = "{Thing}."
        check = { equals = ["{thing}"] }
    "#;
    read_tasks("own.toml", text).expect("reads").remove(0)
}

fn record(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).expect("parses")
}

#[test]
fn a_users_records_become_demonstrations() {
    let records = vec![record(r#"{"thing":"a bee","colours":["black","yellow"],"more":1}"#); 6];
    let made = own_task().demonstrations(&records, "train", 4).expect("fits");
    assert_eq!(made, own_task().demonstrations(&records, "train", 4).expect("fits"));
    let mut counts = [0; 3];
    for record in &made {
        let template = record.extra["template"].as_u64().expect("is a number") as usize;
        counts[template] += 1;
        let (prompt, completion) = [
            ("What colours has a bee?", "Black and yellow."),
            ("Name the colours of a bee.", "Black and yellow."),
            ("What is black and yellow?", "A bee."),
        ][template];
        assert_eq!((record.prompt.to_string().as_str(), record.completion.as_str()), (prompt, completion));
        assert_eq!((record.task.as_deref(), record.split.as_deref()), (Some("colours"), Some("train")));
        assert_eq!(record.extra["cluster"], "own");
        let check = check_of(record).expect("reads").expect("is there");
        assert!(check.passes(completion, false) && !check.passes("Black.", false));
    }
    assert_eq!(counts, [2, 2, 2]);
}

#[test]
fn a_record_that_does_not_fit_is_named() {
    let fits = record(r#"{"thing":"a bee","colours":"black"}"#);
    for (json, part) in
        [(r#"{"thing":"a bee"}"#, "no key `colours`"), (r#"{"thing":"x","colours":[1]}"#, "key `colours`")]
    {
        let message = own_task().demonstrations(&[fits.clone(), record(json)], "train", 1).expect_err("is refused");
        let message = message.to_string();
        assert!(message.starts_with("record 2, task \"colours\": ") && message.contains(part), "{message}");
    }
}

#[test]
fn a_record_may_carry_no_check_or_a_broken_one() {
    let mut made =
        own_task().demonstrations(&[record(r#"{"thing":"a","colours":"b"}"#)], "train", 1).expect("fits").remove(0);
    made.extra.insert("check".to_owned(), serde_json::json!({"equal": []}));
    assert!(check_of(&made).expect_err("is refused").contains("equal"));
    made.extra.remove("check");
    assert_eq!(check_of(&made), Ok(None));
}

#[test]
fn a_deck_gives_each_card_once_a_round() {
    let (mut deck, mut rng) = (Deck::new(4), Rng::new(2));
    let rounds: Vec<Vec<usize>> = (0..30).map(|_| (0..4).map(|_| deck.draw(&mut rng)).collect()).collect();
    for round in &rounds {
        let mut sorted = round.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3]);
    }
    assert!(rounds.iter().any(|round| *round != rounds[0]));
}
