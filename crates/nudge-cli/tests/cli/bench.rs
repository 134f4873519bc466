//! `nudge bench` at the smallest size: its rows, for people and for machines. How fast it is, no test may say.

use crate::support::Place;
use serde_json::Value;

#[test]
fn every_row_says_what_was_measured() {
    let ended = Place::new().run("bench --size test --phase rollout ppo --repeats 1 --warm-up 1 --device cpu --json");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("GFLOP/s"), "{}", ended.err);
    let rows: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let phases: Vec<&str> = rows.iter().filter_map(|row| row["phase"].as_str()).collect();
    assert_eq!(phases, ["rollout", "ppo", "ppo/rollout", "ppo/score", "ppo/update"]);
    for row in &rows {
        assert_eq!((&row["size"], &row["device"]), (&"test".into(), &"cpu".into()));
        for number in ["ms", "first_ms", "tokens_per_s", "gflops", "gflops_ceiling", "gb_per_s", "gb_per_s_ceiling"] {
            assert!(row[number].as_f64().is_some_and(|number| number > 0.0), "{number}: {row}");
        }
        assert_eq!((&row["launches"], &row["submits"]), (&0.into(), &0.into()), "the CPU launches nothing");
    }
    assert_eq!(rows[0]["readbacks"], 1);
    #[cfg(target_os = "linux")]
    assert!(rows.iter().all(|row| row["peak_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20)));
}

#[test]
fn the_table_has_a_line_a_phase_and_unknown_names_are_refused() {
    let place = Place::new();
    let ended = place.run("bench --size test --phase sft --repeats 1 --device cpu --report bench.html");
    let tables: Vec<Vec<&str>> = ended.out.split("\n\n").map(|table| table.lines().collect()).collect();
    for (table, sentence) in tables.iter().zip(["ms a step: ", "of max: "]) {
        let [head, row, last] = table.as_slice() else { panic!("{}", ended.out) };
        let fits = head.len() <= 80 && row.len() <= 80;
        assert!(fits && head.starts_with("size  phase") && row.starts_with("test  sft "), "{}", ended.out);
        assert!(last.starts_with(sentence), "{}", ended.out);
    }
    assert_eq!(tables.len(), 2, "{}", ended.out);
    let report = place.read("bench.html");
    assert!(report.contains("milliseconds a step") && report.contains("<rect ") && report.contains("of max: "));
    let ended = Place::new().run("bench --size test --phase reward --device cpu");
    assert!(ended.code == Some(1) && ended.out.is_empty() && ended.err.contains("another --size"), "{}", ended.err);
    for wrong in ["bench --size huge", "bench --phase dpo"] {
        let ended = Place::new().run(wrong);
        assert!(ended.code == Some(2) && ended.err.contains("possible values"), "{}", ended.err);
    }
}
