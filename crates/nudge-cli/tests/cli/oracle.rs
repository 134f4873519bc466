//! `nudge lab oracle` on one method: the line, the object, and what it refuses. The whole table takes a minute.

use crate::support::{Place, keys};

#[test]
fn dpo_reaches_the_optimum() {
    let place = Place::new();
    let ended = place.run("lab oracle --method dpo --beta 2 --device cpu");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("method ") && lines[1].starts_with("dpo "), "{}", ended.out);
    assert!(lines[1].ends_with("  reached  pi_ref*exp(r/beta)/Z") && lines[2].starts_with("tv: "), "{}", ended.out);

    let json = place.done("lab oracle --method dpo --beta 2 --device cpu --report oracle.html");
    let report = place.read("oracle.html");
    assert!(report.contains("<td>reached</td>") && report.contains("dpo: tv over beta"), "{report}");
    assert_eq!(keys(&json), ["answers", "beta", "kl", "method", "reward", "target", "tv", "tv_reference"]);
    assert!(json["method"] == "dpo" && json["beta"] == 2.0, "{json}");
    assert!(json["tv"].as_f64().expect("a number") < 0.05, "{json}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = Place::new();
    place.refused("lab oracle --beta 0 --device cpu", &["beta is 0", "more than 0"]);
    let ended = place.run("lab oracle --method kto");
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(ended.err.contains("possible values: ppo, grpo, rloo, reinforce, dpo]"), "{}", ended.err);
}
