//! The page around the WebAssembly module: npm's packages, Vite's build, the type check.
//!
//! What is up to date is left alone. npm installs again when the lock file changed, Vite builds again when a file
//! below `www` changed. The stamps that tell lie inside `node_modules`, which git does not see.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, ensure};

use crate::process::{find_program, run};
use crate::workspace::Workspace;

/// Folders below `www` that the build writes or npm owns.
const NOT_SOURCES: [&str; 3] = ["node_modules", "dist", ".svelte-kit"];

/// Builds the page into `www/dist`. Does nothing when nothing has changed.
///
/// `debug` leaves the scripts readable and adds source maps.
pub fn build(workspace: &Workspace, debug: bool) -> Result<()> {
    let www = workspace.www();
    install(&www)?;
    let stamp_file = www.join("node_modules/.nudge-page");
    let stamp = stamp(&www, debug)?;
    let index = workspace.dist().join("index.html");
    if index.is_file() && fs::read_to_string(&stamp_file).is_ok_and(|written| written == stamp) {
        println!("The page in {} is up to date.", workspace.dist().display());
        return Ok(());
    }
    let mut command = npm(&www)?;
    command.args(["run", "build"]);
    if debug {
        command.args(["--", "--mode", "development", "--minify", "false", "--sourcemap"]);
    }
    run(&mut command)?;
    ensure!(index.is_file(), "`npm run build` did not write {}", index.display());
    fs::write(stamp_file, stamp)?;
    Ok(())
}

/// Checks the types of the page's TypeScript and Svelte files.
pub fn check(workspace: &Workspace) -> Result<()> {
    let www = workspace.www();
    install(&www)?;
    run(npm(&www)?.args(["run", "check"]))
}

/// Installs exactly what `package-lock.json` of `folder` names, unless that is installed already.
pub fn install(folder: &Path) -> Result<()> {
    let lock_file = folder.join("package-lock.json");
    let lock = fs::read_to_string(&lock_file).with_context(|| format!("cannot read {}", lock_file.display()))?;
    let stamp_file = folder.join("node_modules/.nudge-lock");
    if fs::read_to_string(&stamp_file).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    run(npm(folder)?.args(["ci", "--no-audit", "--no-fund"]))?;
    // A project without dependencies gets no folder from npm.
    fs::create_dir_all(folder.join("node_modules"))?;
    fs::write(stamp_file, lock)?;
    Ok(())
}

fn npm(folder: &Path) -> Result<Command> {
    node_program("npm", folder)
}

/// A program that comes with Node (`npm`, `npx`), to run in `folder`.
pub fn node_program(name: &str, folder: &Path) -> Result<Command> {
    let script = format!("{name}.cmd"); // what it is on Windows
    let program = if cfg!(windows) { script.as_str() } else { name };
    ensure!(
        find_program(&["node"]).is_some(),
        "Node.js is missing, which builds the page. Install version 20 or later from your system's packages or nodejs.org."
    );
    let mut command = Command::new(program);
    command.current_dir(folder);
    Ok(command)
}

/// Every source file's name, size and time of change.
fn stamp(www: &Path, debug: bool) -> Result<String> {
    let mut files = Vec::new();
    collect_sources(www, &mut files)?;
    files.sort();
    let mut stamp = format!("debug {debug}\n");
    for file in files {
        let metadata = fs::metadata(&file)?;
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH)?;
        let name = file.strip_prefix(www)?.display();
        stamp += &format!("{name} {} {}\n", metadata.len(), modified.as_nanos());
    }
    Ok(stamp)
}

fn collect_sources(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        } else if !NOT_SOURCES.iter().any(|name| entry.file_name() == *name) {
            collect_sources(&entry.path(), files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamp_sees_sources_and_nothing_else() -> Result<()> {
        let www = tempfile::tempdir()?;
        for folder in ["src", "dist", "node_modules"] {
            fs::create_dir(www.path().join(folder))?;
        }
        fs::write(www.path().join("src/main.ts"), "1")?;
        let before = stamp(www.path(), false)?;
        fs::write(www.path().join("dist/main.js"), "1")?;
        fs::write(www.path().join("node_modules/library.js"), "1")?;
        assert_eq!(stamp(www.path(), false)?, before);
        fs::write(www.path().join("src/main.ts"), "12")?;
        let edited = stamp(www.path(), false)?;
        assert_ne!(edited, before);
        fs::write(www.path().join("src/added.ts"), "")?;
        assert_ne!(stamp(www.path(), false)?, edited);
        assert_ne!(stamp(www.path(), true)?, stamp(www.path(), false)?);
        Ok(())
    }
}
