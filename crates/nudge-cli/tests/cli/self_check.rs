//! `nudge self-check` on the CPU, which is right: the table, the JSON and the exit code. That a wrong number fails, the
//! unit tests show.

use crate::support::{Place, keys};

#[test]
fn the_cpu_computes_what_it_should() {
    let place = Place::new();
    let ended = place.run("self-check --device cpu");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("device: cpu"), "{}", ended.err);
    let lines: Vec<&str> = ended.out.lines().collect();
    let [head, lines @ .., sentence] = lines.as_slice() else { panic!("{}", ended.out) };
    assert!(head.contains("at most") && lines.iter().all(|line| line.starts_with("ok ")), "{}", ended.out);
    assert!(sentence.starts_with("cpu computes what the CPU computes: all"), "{sentence}");

    let json = place.done("self-check --device cpu");
    assert_eq!(keys(&json), ["checks", "device", "ok"]);
    assert_eq!(json["device"], "cpu");
    assert_eq!(json["ok"], true);
    let checks = json["checks"].as_array().expect("a list");
    assert_eq!(checks.len(), lines.len());
    for (check, line) in checks.iter().zip(lines) {
        assert_eq!(keys(check), ["limit", "name", "ok", "value"]);
        assert!(line.contains(check["name"].as_str().expect("a name")), "{line}");
        let number = |key: &str| check[key].as_f64().unwrap_or_else(|| panic!("no {key}: {check}"));
        assert!(check["ok"] == true && number("value").abs() <= number("limit"), "{check}");
    }
}

#[test]
fn a_device_that_is_not_there_is_refused() {
    Place::new().refused("self-check --device cuda", &["without cuda", "--device cpu"]);
}
