//! `nudge export`: a model for other programs.

use crate::args::{Export, Form, Numbers};
use crate::disk::write_folder;
use crate::failure::tell;
use crate::model_files::read_model;
use anyhow::{Result, bail};
use nudge_model::Precision;
use nudge_model::container::Encoding;
use nudge_session::export::{to_folder, to_gguf, to_gguf_adapter, to_peft};
use nudge_session::folder::Folder;

/// Writes the model into `--out`.
pub fn run(arguments: &Export) -> Result<()> {
    if arguments.out.exists() {
        bail!("{} exists already; give another folder in --out", arguments.out.display());
    }
    let folder = Folder::open(&arguments.model, &read_model(&arguments.model)?)?;
    let numbers = arguments.precision.unwrap_or_else(|| own_numbers(&folder, arguments.to));
    let files = match arguments.to {
        Form::Gguf => to_gguf(&folder, "model.gguf", encoding(numbers))?,
        Form::Merged => to_folder(&folder, precision(numbers)?)?,
        Form::Peft => to_peft(&folder)?,
        Form::GgufAdapter => to_gguf_adapter(&folder, "adapter.gguf", base_name(&arguments.model))?,
    };
    write_folder(&arguments.out, &files)?;
    let megabytes = files.values().map(|bytes| bytes.len()).sum::<usize>() as f64 / 1e6;
    let whole = matches!(arguments.to, Form::Gguf | Form::Merged);
    let kind = if whole { numbers_name(numbers) } else { "an adapter" };
    tell(&format!("wrote {} as {kind}: {megabytes:.1} MB", arguments.out.display()));
    Ok(())
}

/// The base of `BASE+ADAPTER`, as a Modelfile names it.
fn base_name(model: &str) -> &str {
    model.rsplit_once('+').map_or("./base.gguf", |(base, _)| base)
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
