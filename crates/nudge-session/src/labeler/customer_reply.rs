//! The rule of somebody who answers customers: short, greets, apologises where there is cause, can be sent as it
//! stands, and speaks of what the customer wrote.

use super::text::{at_least, at_most, material, points, share_copied, share_fresh, share_spoken_of, tokens};

/// Points of ten for `completion` to the customer in `prompt`.
pub(super) fn customer_reply(prompt: &str, completion: &str) -> f32 {
    let (customer, name) = letter(material(prompt));
    let said = tokens(completion);
    if said.is_empty() {
        return 0.0;
    }
    points(
        3.0 * speaks_of(customer, completion)
            + 2.0 * length(said.len())
            + 1.5 * apology(customer, completion)
            + 1.5 * greeting(name, &said)
            + 1.0 * ready_to_send(completion)
            + 1.0 * share_fresh(completion),
    )
}

/// What the customer wrote, and the name below it: the last word, if it is written like a name.
fn letter(text: &str) -> (&str, Option<&str>) {
    let looks_like_a_name = |word: &str| word.starts_with(char::is_uppercase) && word.chars().all(char::is_alphabetic);
    match text.rsplit_once(char::is_whitespace) {
        Some((body, last)) if looks_like_a_name(last) => (body, Some(last)),
        _ => (text, None),
    }
}

/// A third of the customer's words, but in sentences of one's own.
fn speaks_of(customer: &str, completion: &str) -> f32 {
    at_least(share_spoken_of(customer, completion), 1.0 / 3.0) * (1.0 - share_copied(customer, completion))
}

/// At most 60 words; fewer than 15 are curt.
fn length(words: usize) -> f32 {
    at_most(words, 60, 100) * at_least(words as f32, 15.0)
}

/// Said where there is cause, left out where there is none.
fn apology(customer: &str, completion: &str) -> f32 {
    let sorry = tokens(completion)
        .iter()
        .any(|word| word == "sorry" || ["apolog", "regret"].iter().any(|beginning| word.starts_with(beginning)));
    f32::from(sorry == has_cause(customer))
}

/// Whether the customer complains more than they praise.
fn has_cause(customer: &str) -> bool {
    let words = tokens(customer);
    let count = |list: &[&str]| words.iter().filter(|word| list.contains(&word.as_str())).count();
    let complaints = count(COMPLAINTS);
    complaints > 0 && complaints >= count(PRAISE)
}

/// A greeting at the beginning, and the customer's own name.
fn greeting(name: Option<&str>, said: &[String]) -> f32 {
    let first = said.first().map(String::as_str).unwrap_or_default();
    let second = said.get(1).map(String::as_str).unwrap_or_default();
    let greets = GREETINGS.contains(&first) || first == "good" && TIMES_OF_DAY.contains(&second);
    if !greets {
        return 0.0;
    }
    match name.map(str::to_lowercase) {
        Some(name) if !said.iter().take(6).any(|word| *word == name) => 0.6,
        _ => 1.0,
    }
}

/// Half for one gap that somebody would have to fill in, or one word of being a machine; nothing for more.
fn ready_to_send(completion: &str) -> f32 {
    let completion = completion.to_lowercase();
    let found: usize = GAPS.iter().chain(MACHINES).map(|sign| completion.matches(sign).count()).sum();
    at_most(found, 0, 2)
}

const GREETINGS: &[&str] = &["hi", "hello", "dear", "hey", "greetings", "welcome"];
const TIMES_OF_DAY: &[&str] = &["morning", "afternoon", "day", "evening"];
const GAPS: &[&str] = &["[", "<", "{", "___", "xxx", "your name", "company name", "customer's name", "insert "];
const MACHINES: &[&str] = &["an ai ", "chatbot", "language model", "smollm", "hugging face"];

const COMPLAINTS: &[&str] = &[
    "again",
    "angry",
    "back",
    "badly",
    "black",
    "broke",
    "broken",
    "burnt",
    "cancelled",
    "charged",
    "closed",
    "cold",
    "complain",
    "complained",
    "crack",
    "cracked",
    "damaged",
    "deleted",
    "dirty",
    "disappointed",
    "disappointing",
    "else's",
    "explain",
    "fail",
    "failed",
    "faulty",
    "froze",
    "frozen",
    "gone",
    "headaches",
    "heard",
    "hospital",
    "late",
    "leak",
    "leaked",
    "leaking",
    "leaks",
    "losing",
    "lost",
    "missed",
    "missing",
    "nobody",
    "nothing",
    "overcharged",
    "picture",
    "plastic",
    "problem",
    "promise",
    "promised",
    "refund",
    "refused",
    "refuses",
    "return",
    "rude",
    "ruined",
    "scratch",
    "scratched",
    "shrank",
    "shrunk",
    "smelled",
    "smells",
    "smoke",
    "snapped",
    "soaked",
    "spam",
    "spent",
    "stands",
    "stick",
    "stood",
    "stop",
    "stuck",
    "throw",
    "tired",
    "twice",
    "unacceptable",
    "uneven",
    "waited",
    "waiting",
    "wet",
    "worried",
    "wrong",
    "wrongly",
];

const PRAISE: &[&str] = &[
    "clearly",
    "delighted",
    "excellent",
    "fantastic",
    "friendly",
    "fun",
    "great",
    "happy",
    "helpful",
    "highlight",
    "kind",
    "lovely",
    "magical",
    "patient",
    "perfect",
    "pleased",
    "quick",
    "quickly",
    "splendid",
    "wonderful",
];

#[cfg(test)]
mod tests {
    use super::*;

    const KETTLE: &str = "A customer writes:\n\nThe kettle I ordered last week arrived today with a crack along the \
                          handle. What can you do? Maria\n\nWrite our reply to this customer.";

    #[test]
    fn completions_stand_in_the_order_of_a_person() {
        let good = "Dear Maria, we are very sorry that your new kettle came with a crack in its handle. Please send us \
                    a photo, and a new one leaves for you today.";
        let no_name = "Hello, we are very sorry that your new kettle came with a crack in its handle. Please send us a \
                       photo, and a new one leaves for you today.";
        let no_apology = "Dear Maria, your new kettle came with a crack in its handle. Please send us a photo, and a \
                          new one leaves for you today.";
        let polite = "Dear Maria, we are very sorry for the inconvenience and thank you for your patience. We value \
                      you and wish you a nice day.";
        let gaps = "Dear [Customer], we are sorry about [Product]. Best, [Your Name]";
        let other = "Boats are made to float on water. They were invented long ago and are used by many people.";
        let scores: Vec<f32> = [good, no_name, no_apology, polite, gaps, other, ""]
            .iter()
            .map(|completion| customer_reply(KETTLE, completion))
            .collect();
        assert!(scores.is_sorted_by(|better, worse| better > worse), "{scores:?}");
        assert_eq!(scores[0], 10.0);
    }

    #[test]
    fn long_repeated_and_copied_completions_are_worse() {
        let own =
            "Hello Maria, we are sorry that the kettle arrived with a crack along its handle; a new one is on its way.";
        let copied = "Hello Maria, sorry. The kettle I ordered last week arrived today with a crack along the handle.";
        let long = format!("{own} {}", "We hope to see you soon in one of our many shops in town. ".repeat(6));
        let score = |completion: &str| customer_reply(KETTLE, completion);
        assert!(score(own) > score(copied) && score(own) > score(&long) + 1.0);
    }

    #[test]
    fn an_apology_needs_a_cause() {
        let causes = [
            "Your app charged my card twice for the March subscription. Elena",
            "I have been waiting for my parcel for nineteen days. Where is it? Daniel",
            "The children's bed is lovely, but one of the slats snapped on the first night. Thanks, Nora",
        ];
        let none = [
            "Do your walking boots come in half sizes? Thanks, Tom",
            "Thank you for replacing my broken suitcase so quickly. Very kind of you. Ruth",
            "The concert was magical and your ushers found my lost scarf. You have a wonderful team. Agnes",
        ];
        assert_eq!(causes.map(has_cause), [true; 3]);
        assert_eq!(none.map(has_cause), [false; 3]);
        let completion =
            "Hello, we are sorry. Our boots do come in half sizes, so please take 8.5 and walk well in them.";
        let without = "Hello, yes indeed. Our boots do come in half sizes, so please take 8.5 and walk well in them.";
        assert!(customer_reply(none[0], without) > customer_reply(none[0], completion));
    }

    /// The prompts that the rule is measured on were read one by one; so many of them complain.
    #[test]
    fn those_who_complain_are_found_in_the_workflow() {
        let complaining = |file: &str| {
            let prompts = file.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            let complains =
                |prompt: &serde_json::Value| has_cause(letter(material(prompt["prompt"].as_str().unwrap())).0);
            prompts.filter(complains).count()
        };
        assert_eq!(complaining(include_str!("../../../../tests/workflows/customer_reply/prompts.jsonl")), 37);
        assert_eq!(complaining(include_str!("../../../../tests/workflows/customer_reply/held_out.jsonl")), 18);
    }

    #[test]
    fn the_name_is_below_the_letter() {
        assert_eq!(letter("Please. Kind regards, Hannah"), ("Please. Kind regards,", Some("Hannah")));
        for text in ["The order is 8810.", "Thanks", ""] {
            assert_eq!(letter(text), (text, None));
        }
    }
}
