//! Task definitions as TOML, one file a cluster.
//!
//! Reading checks everything that can be known before a story is seen: that the mining rule exists, that every slot
//! names a field it has, that a prompt shows at least one wording. Errors name the file, the task and the key.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::check::Check;
use super::slots::slots;
use super::{Source, Task, Template};
use crate::error::DataError;
use crate::mine::Rule;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cluster: String,
    task: Vec<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    name: String,
    description: String,
    rule: Option<String>,
    fields: Option<Vec<String>>,
    completion: Option<String>,
    #[serde(default)]
    prompts: Vec<String>,
    #[serde(default)]
    template: Vec<Wording>,
    #[serde(default)]
    check: Check,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wording {
    prompt: String,
    completion: Option<String>,
    check: Option<Check>,
}

/// The tasks of a TOML file, in order.
///
/// # Errors
///
/// [`DataError::Task`] with the first thing that is wrong.
pub fn read_tasks(source_name: &str, text: &str) -> Result<Vec<Task>, DataError> {
    let error = |task: &str, reason: String| DataError::Task {
        source_name: source_name.to_owned(),
        task: task.to_owned(),
        reason: reason.trim_end().to_owned(),
    };
    let file: File = toml::from_str(text).map_err(|cause| error("", cause.to_string()))?;
    let mut tasks: Vec<Task> = Vec::new();
    for (index, table) in file.task.into_iter().enumerate() {
        let name = table.get("name").and_then(toml::Value::as_str).map_or(format!("#{}", index + 1), str::to_owned);
        let definition = from_table(table).map_err(|reason| error(&name, reason))?;
        let task = task(&file.cluster, definition).map_err(|reason| error(&name, reason))?;
        if tasks.iter().any(|other| other.name == task.name) {
            return Err(error(&name, "key `name`: another task of the file has it; name each differently".to_owned()));
        }
        tasks.push(task);
    }
    Ok(tasks)
}

fn from_table<T: DeserializeOwned>(table: toml::Table) -> Result<T, String> {
    table.try_into().map_err(|cause: toml::de::Error| cause.to_string())
}

fn task(cluster: &str, definition: Definition) -> Result<Task, String> {
    let Definition { name, description, rule, fields, completion, prompts, template, check } = definition;
    let source = match (rule, fields) {
        (Some(rule), None) => Source::Stories(Rule::named(&rule)?),
        (None, Some(fields)) => Source::Records(fields),
        _ => return Err("give either `rule`, a mining rule, or `fields`, those of your records".to_owned()),
    };
    let plain = prompts.into_iter().map(|prompt| Wording { prompt, completion: None, check: None });
    let mut templates = Vec::new();
    for (index, wording) in plain.chain(template).enumerate() {
        let missing = || format!("key `completion`: template {index} has none, and neither has the task");
        let completion = wording.completion.or_else(|| completion.clone()).ok_or_else(missing)?;
        let check = wording.check.unwrap_or_else(|| check.clone());
        templates.push(Template { prompt: wording.prompt, completion, check });
    }
    if templates.is_empty() {
        return Err("key `prompts`: no wording is given; write at least one".to_owned());
    }
    let task = Task { name, cluster: cluster.to_owned(), description, source, templates };
    check_slots(&task)?;
    Ok(task)
}

fn check_slots(task: &Task) -> Result<(), String> {
    let known = task.fields();
    for (index, template) in task.templates.iter().enumerate() {
        let texts = [("prompt", &template.prompt), ("completion", &template.completion)].into_iter();
        for (key, text) in texts.chain(template.check.texts().map(|text| ("check", text))) {
            let found = slots(text).map_err(|reason| format!("key `{key}` of template {index}: {reason}"))?;
            if let Some(unknown) = found.iter().find(|slot| !known.contains(&slot.as_str())) {
                let known = known.join(", ");
                return Err(format!(
                    "key `{key}` of template {index}: no field is named {unknown:?}; there are {known}"
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        read_tasks("own.toml", text).expect_err("is refused").to_string()
    }

    #[test]
    fn templates_inherit_what_they_do_not_say() {
        let text = r#"
            cluster = "own"
            [[task]]
            name = "capital"
            description = "Capitals."
            fields = ["country", "city"]
            completion = "{city}"
            prompts = ["What is the capital of {country}?"]
            check = { ends = true, equals = ["{city}"] }
            [[task.template]]
            prompt = "Which country has the capital {city}?"
            completion = "{Country}"
            check = { contains = ["{country}"] }
        "#;
        let tasks = read_tasks("own.toml", text).expect("reads");
        assert_eq!((tasks[0].cluster.as_str(), tasks[0].templates.len()), ("own", 2));
        assert_eq!(tasks[0].templates[0].completion, "{city}");
        assert_eq!(tasks[0].templates[0].check.equals, ["{city}"]);
        assert_eq!(tasks[0].templates[1].check.contains, ["{country}"]);
        assert!(!tasks[0].templates[1].check.ends);
    }

    #[test]
    fn errors_name_file_task_and_key() {
        let task = |body: &str| format!("cluster = \"c\"\n[[task]]\nname = \"t\"\ndescription = \"\"\n{body}");
        let cases = [
            ("task = 3".to_owned(), "own.toml: ", "task"),
            ("cluster = ".to_owned(), "own.toml: ", "line 1"),
            (task("promts = []"), "own.toml, task \"t\": ", "promts"),
            (task("check = { contain = [] }"), "own.toml, task \"t\": ", "contain"),
            (task("prompts = ['x']"), "own.toml, task \"t\": ", "either `rule`"),
            (task("rule = 'nothing'\nprompts = ['x']"), "own.toml, task \"t\": ", "nothing"),
            (task("fields = ['a']\nprompts = ['x']"), "own.toml, task \"t\": ", "`completion`"),
            (task("fields = ['a']\ncompletion = 'x'"), "own.toml, task \"t\": ", "`prompts`"),
            (task("fields = ['a']\ncompletion = '{b}'\nprompts = ['x']"), "own.toml, task \"t\": ", "\"b\""),
            (task("fields = ['a']\ncompletion = 'x'\nprompts = ['x}']"), "own.toml, task \"t\": ", "`prompt`"),
            ("cluster = 'c'\n[[task]]\ndescription = ''".to_owned(), "own.toml, task \"#1\": ", "name"),
        ];
        for (text, start, part) in cases {
            let message = refused(&text);
            assert!(message.starts_with(start) && message.contains(part), "{message}");
        }
        let twice =
            "[[task]]\nname = 't'\ndescription = ''\nfields = []\ncompletion = 'x'\nprompts = ['x']\n".repeat(2);
        assert!(refused(&format!("cluster = 'c'\n{twice}")).contains("`name`"));
    }
}
