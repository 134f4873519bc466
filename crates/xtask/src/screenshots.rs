//! The pictures in `www/screenshots`: each of the six steps, wide and on a phone, light and dark, and a film of the first
//! ninety seconds.
//!
//! A browser walks through the built page (`tests/browser/pictures.spec.ts`) and leaves PNG files; libwebp's own programs
//! make WebP of them. A frame of the film is named by its place and by how long it is shown, as in `012-1500.png`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{can_install_packages, find_program, install_packages, run};
use crate::test::playwright;
use crate::workspace::Workspace;

/// Debian's package of libwebp's programs, and these.
const PACKAGE: &str = "webp";
const STILL: &str = "cwebp";
const FILM: &str = "img2webp";

/// Bytes that the film may have.
const FILM_LIMIT: u64 = 2_000_000;
/// Bytes that all pictures together may have.
const LIMIT: u64 = 3_000_000;

/// Takes the pictures anew. The page has to be built.
///
/// # Errors
/// If a program is missing, the page does not do what the pictures are of, or they get too large.
pub fn screenshots(workspace: &Workspace) -> Result<()> {
    let (still, film) = (program(STILL)?, program(FILM)?);
    let taken = workspace.target.join("pictures");
    if taken.exists() {
        fs::remove_dir_all(&taken)?;
    }
    run(playwright(workspace)?.args(["--config", "pictures.config.ts"]).env("NUDGE_PICTURES", &taken))?;
    let pictures = workspace.www().join("screenshots");
    fs::create_dir_all(&pictures)?;
    for png in files(&taken.join("stills"))? {
        let name = png.file_stem().context("a picture has a name")?;
        let webp = pictures.join(name).with_extension("webp");
        run(Command::new(&still).args(["-quiet", "-q", "78", "-m", "6"]).arg(&png).arg("-o").arg(webp))?;
    }
    let webp = pictures.join("ninety-seconds.webp");
    run(Command::new(&film).args(film_arguments(&files(&taken.join("film"))?)?).arg("-o").arg(&webp))?;
    within_limits(&webp, &pictures)
}

fn within_limits(film: &Path, pictures: &Path) -> Result<()> {
    let of_film = fs::metadata(film)?.len();
    let all = files(pictures)?.iter().map(|file| Ok(fs::metadata(file)?.len())).sum::<Result<u64>>()?;
    println!("The film has {of_film} bytes, all pictures {all}; they lie in {}.", pictures.display());
    ensure!(of_film <= FILM_LIMIT, "the film may have {FILM_LIMIT} bytes");
    ensure!(all <= LIMIT, "all pictures together may have {LIMIT} bytes");
    Ok(())
}

/// Each frame behind the milliseconds that it is shown, in order.
fn film_arguments(frames: &[PathBuf]) -> Result<Vec<String>> {
    let mut arguments: Vec<String> = ["-loop", "0", "-lossy", "-q", "60", "-m", "4"].map(Into::into).into();
    for frame in frames {
        let shown = frame.file_stem().and_then(|stem| stem.to_str()?.split_once('-')?.1.parse::<u32>().ok());
        let shown = shown.with_context(|| format!("{} does not say how long it is shown", frame.display()))?;
        arguments.extend(["-d".into(), shown.to_string(), frame.display().to_string()]);
    }
    ensure!(!frames.is_empty(), "there is no frame of the film");
    Ok(arguments)
}

/// The files in a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = fs::read_dir(folder).with_context(|| format!("{} is not there", folder.display()))?;
    let mut files = listed.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn program(name: &str) -> Result<PathBuf> {
    if find_program(&[name]).is_none() && can_install_packages() {
        install_packages(&[PACKAGE])?;
    }
    match find_program(&[name]) {
        Some(program) => Ok(program),
        None => bail!(
            "{name} is missing. It comes with libwebp: on Debian apt-get install {PACKAGE}, with Homebrew brew install webp"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_says_how_long_it_is_shown() {
        let frames = ["film/001-400.png", "film/002-1500.png"].map(PathBuf::from);
        let arguments = film_arguments(&frames).expect("both say it");
        assert_eq!(arguments[7..], ["-d", "400", "film/001-400.png", "-d", "1500", "film/002-1500.png"]);
        assert!(film_arguments(&["film/003.png".into()]).is_err());
        assert!(film_arguments(&[]).is_err());
    }
}
