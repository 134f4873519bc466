//! `nudge export`: a model for other programs.

use crate::args::{Export, Form, Numbers};
use crate::disk::replace_folder;
use crate::failure::tell;
use crate::model_card::{CARD, exported};
use crate::model_files::{base_of_model, gguf_of, read_model};
use crate::verdicts::run_of;
use anyhow::{Result, bail};
use nudge_model::Precision;
use nudge_model::container::Encoding;
use nudge_session::Files;
use nudge_session::export::{to_folder, to_gguf, to_gguf_adapter, to_peft};
use nudge_session::folder::Folder;

/// The files of a whole model, of an adapter, and of the base that goes along with one.
const GGUF: &str = "model.gguf";
const ADAPTER: &str = "adapter.gguf";
const BASE: &str = "base.gguf";

/// Writes the model into `--out`.
pub fn run(arguments: &Export) -> Result<()> {
    let Export { model, out, .. } = arguments;
    if out.exists() && !arguments.force {
        bail!("{} exists already; give another folder in --out, or replace it with --force", out.display());
    }
    let folder = Folder::open(model, &read_model(model)?)?;
    let numbers = arguments.precision.unwrap_or_else(|| own_numbers(&folder, arguments.to));
    let mut files = match arguments.to {
        Form::Gguf => to_gguf(&folder, GGUF, encoding(numbers))?,
        Form::Merged => to_folder(&folder, precision(numbers)?)?,
        Form::Peft => to_peft(&folder)?,
        Form::GgufAdapter => gguf_adapter(&folder, model)?,
    };
    let name = out.file_name().map_or("model".into(), |name| name.to_string_lossy().into_owned());
    let card = exported(model, run_of(model).as_ref(), arguments.to, base_of_model(model)?.as_deref(), &name);
    files.insert(CARD.into(), card.into_bytes().into());
    replace_folder(out, &files)?;
    let megabytes = files.values().map(|bytes| bytes.len()).sum::<usize>() as f64 / 1e6;
    let whole = matches!(arguments.to, Form::Gguf | Form::Merged);
    let kind = if whole { numbers_name(numbers) } else { "an adapter" };
    tell(&format!("wrote {} as {kind}: {megabytes:.1} MB", out.display()));
    Ok(())
}

/// The adapter, with a Modelfile that finds its base: a GGUF stays where it is, another base goes along as one.
fn gguf_adapter(folder: &Folder, model: &str) -> Result<Files> {
    // A model without a base has no adapter, which is refused there.
    let base = base_of_model(model)?.unwrap_or_else(|| model.into());
    if let Some(path) = gguf_of(&base)? {
        return Ok(to_gguf_adapter(folder, ADAPTER, &path.display().to_string())?);
    }
    let mut files = to_gguf_adapter(folder, ADAPTER, &format!("./{BASE}"))?;
    let whole = Folder::open(&base, &read_model(&base)?)?;
    let written = to_gguf(&whole, BASE, encoding(own_numbers(&whole, Form::Gguf)))?;
    files.extend(written.into_iter().filter(|(file, _)| file == BASE));
    Ok(files)
}

/// How the model has its numbers, where that can be written.
fn own_numbers(folder: &Folder, form: Form) -> Numbers {
    match folder.tensors.encoding() {
        Some(Encoding::F32) => Numbers::F32,
        Some(Encoding::BF16) => Numbers::Bf16,
        Some(Encoding::Q8_0) if form == Form::Gguf => Numbers::Q8_0,
        _ => Numbers::F16,
    }
}

fn encoding(numbers: Numbers) -> Encoding {
    match numbers {
        Numbers::F32 => Encoding::F32,
        Numbers::F16 => Encoding::F16,
        Numbers::Bf16 => Encoding::BF16,
        Numbers::Q8_0 => Encoding::Q8_0,
    }
}

fn precision(numbers: Numbers) -> Result<Precision> {
    match numbers {
        Numbers::F32 => Ok(Precision::F32),
        Numbers::F16 => Ok(Precision::F16),
        Numbers::Bf16 => Ok(Precision::BF16),
        Numbers::Q8_0 => bail!("transformers reads no q8_0 from a folder; take --precision f16, or --to gguf"),
    }
}

fn numbers_name(numbers: Numbers) -> &'static str {
    match numbers {
        Numbers::F32 => "f32",
        Numbers::F16 => "f16",
        Numbers::Bf16 => "bf16",
        Numbers::Q8_0 => "q8_0",
    }
}
