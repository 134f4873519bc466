//! The headers that go with each file of the page, from the file that static hosts read: `www/public/_headers`.

const HEADERS: &str = include_str!("../../../www/public/_headers");

/// Names and values for a path of a URL.
pub fn for_path(path: &str) -> Vec<(&'static str, &'static str)> {
    let mut headers: Vec<_> =
        rules().filter(|(pattern, ..)| matches(pattern, path)).map(|(_, name, value)| (name, value)).collect();
    // What a host does by itself.
    if headers.iter().all(|(name, _)| *name != "Cache-Control") {
        headers.push(("Cache-Control", "no-cache"));
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

    /// Every kind of path.
    const PATHS: [&str; 4] = ["/", "/index.html", "/assets/a.wasm", "/ask.html"];

    fn value(path: &str, header: &str) -> &'static str {
        for_path(path).into_iter().find(|(name, _)| *name == header).expect("a rule").1
    }

    #[test]
    fn no_header_of_a_path_stands_in_two_rules() {
        for path in PATHS {
            let mut names: Vec<&str> = for_path(path).into_iter().map(|(name, _)| name).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{path}: hosts put two together");
            assert_eq!(count, 8, "{path}");
        }
        assert!(value("/assets/a.wasm", "Cache-Control").contains("immutable"));
    }

    #[test]
    fn pages_say_the_same_of_themselves_and_only_their_own_may_be_framed() {
        // What a page may not say of itself stands behind it.
        let pages = [
            ("/", include_str!("../../../www/index.html"), "frame-ancestors 'none'"),
            ("/index.html", include_str!("../../../www/index.html"), "frame-ancestors 'none'"),
            ("/ask.html", include_str!("../../../www/public/ask.html"), "frame-ancestors 'self'"),
        ];
        for (path, page, framed) in pages {
            let (_, policy) = page.split_once("http-equiv=\"Content-Security-Policy\"").expect("a policy in the page");
            let policy =
                policy.split("content=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("its content");
            assert_eq!(value(path, "Content-Security-Policy"), format!("{policy}; {framed}"), "{path}");
        }
        assert_eq!(value("/assets/a.js", "Content-Security-Policy"), value("/", "Content-Security-Policy"));
    }

    #[test]
    fn the_recipe_for_nginx_sends_them_all() {
        let recipe = include_str!("../../../www/hosting/nginx.conf");
        for (name, value) in PATHS.into_iter().flat_map(for_path) {
            let lines = match name {
                "Cache-Control" => ["add_header Cache-Control $nudge_cache always;".into(), format!("\"{value}\";")],
                "Content-Security-Policy" => {
                    ["add_header Content-Security-Policy $nudge_policy always;".into(), format!("\"{value}\";")]
                }
                _ => [format!("add_header {name} \"{value}\" always;"), String::new()],
            };
            lines.iter().for_each(|line| assert!(recipe.contains(line), "{line}"));
        }
    }
}
