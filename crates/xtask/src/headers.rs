//! The headers that go with each file of the page, from the file that static hosts read: `www/public/_headers`.

const HEADERS: &str = include_str!("../../../www/public/_headers");

/// Names and values for a path of a URL. A rule further down has the last word.
pub fn for_path(path: &str) -> Vec<(&'static str, String)> {
    let mut headers: Vec<(&str, String)> = Vec::new();
    for (name, value) in rules().filter(|(pattern, ..)| matches(pattern, path)).map(|(_, name, value)| (name, value)) {
        headers.retain(|(before, _)| *before != name);
        headers.push((name, value.to_owned()));
    }
    headers
}

/// Pattern, name and value of each line.
fn rules() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let mut pattern = "";
    HEADERS.lines().filter(|line| !line.starts_with('#')).filter_map(move |line| {
        if line.starts_with('/') {
            pattern = line.trim();
            return None;
        }
        let (name, value) = line.split_once(':')?;
        Some((pattern, name.trim(), value.trim()))
    })
}

fn matches(pattern: &str, path: &str) -> bool {
    pattern.strip_suffix('*').map_or(path == pattern, |start| path.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_further_down_has_the_last_word() {
        let cache =
            |path| for_path(path).into_iter().find(|(name, _)| *name == "Cache-Control").map(|(_, value)| value);
        assert_eq!(cache("/").as_deref(), Some("no-cache"));
        assert!(cache("/assets/a.wasm").is_some_and(|value| value.contains("immutable")));
        assert_eq!(for_path("/").len(), for_path("/assets/a.wasm").len());
    }

    #[test]
    fn the_page_says_the_same_of_itself_and_nobody_may_frame_it() {
        let page = include_str!("../../../www/index.html");
        let (_, policy) = page.split_once("http-equiv=\"Content-Security-Policy\"").expect("a policy in the page");
        let policy = policy.split("content=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("its content");
        // What a page may not say of itself.
        let whole = format!("{policy}; frame-ancestors 'none'");
        assert!(
            for_path("/").contains(&("Content-Security-Policy", whole)),
            "the header and the page differ: {policy}"
        );
    }

    #[test]
    fn the_recipe_for_nginx_sends_them_all() {
        let recipe = include_str!("../../../www/hosting/nginx.conf");
        for (name, value) in for_path("/") {
            let line = match name {
                "Cache-Control" => "add_header Cache-Control $nudge_cache always;".to_owned(),
                _ => format!("add_header {name} \"{value}\" always;"),
            };
            assert!(recipe.contains(&line), "{line}");
        }
        for path in ["/", "/assets/x"] {
            let cache = for_path(path).into_iter().find(|(name, _)| *name == "Cache-Control").expect("a rule").1;
            assert!(recipe.contains(&format!("\"{cache}\";")), "{cache}");
        }
    }
}
