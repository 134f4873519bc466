//! Models and adapters as GGUF: what llama.cpp and Ollama open.

use super::names::{Architecture, Turned, turned};
use super::{KINDS, attention};
use crate::container::interleaved;
use crate::{DecoderConfig, ModelError};
use nudge_kernels::encoding::Encoding;

/// Where tensors begin: multiples of this.
const ALIGNMENT: usize = 32;

/// A value of the metadata, of the kind that llama.cpp expects.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Field {
    U32(u32),
    F32(f32),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    I32s(Vec<i32>),
    F32s(Vec<f32>),
}

/// A GGUF being put together.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pairs: Vec<(String, Field)>,
    tensors: Vec<Tensor>,
}

/// A tensor to be written: a GGUF's name, sizes as the format has them, its numbers.
#[derive(Debug)]
struct Tensor {
    name: String,
    sizes: Vec<usize>,
    encoding: Encoding,
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn pair(&mut self, key: impl Into<String>, value: Field) {
        self.pairs.push((key.into(), value));
    }

    /// A tensor of one row in f32.
    pub(super) fn vector(&mut self, name: &str, numbers: &[f32]) {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let sizes = vec![numbers.len()];
        self.tensors.push(Tensor { name: name.into(), sizes, encoding: Encoding::F32, bytes });
    }

    /// Header, then every tensor at its place.
    fn bytes(self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(3u32.to_le_bytes());
        file.extend((self.tensors.len() as u64).to_le_bytes());
        file.extend((self.pairs.len() as u64).to_le_bytes());
        for (key, value) in &self.pairs {
            put_text(&mut file, key);
            put_value(&mut file, value);
        }
        let mut offset = 0;
        for tensor in &self.tensors {
            put_text(&mut file, &tensor.name);
            file.extend((tensor.sizes.len() as u32).to_le_bytes());
            tensor.sizes.iter().for_each(|size| file.extend((*size as u64).to_le_bytes()));
            let kind = KINDS.iter().find(|(_, encoding)| *encoding == tensor.encoding).map_or(0, |(kind, _)| *kind);
            file.extend(kind.to_le_bytes());
            file.extend((offset as u64).to_le_bytes());
            offset += tensor.bytes.len().next_multiple_of(ALIGNMENT);
        }
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file.reserve_exact(offset);
        for tensor in self.tensors {
            file.extend(tensor.bytes);
            file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        }
        file
    }
}

fn put_text(file: &mut Vec<u8>, text: &str) {
    file.extend((text.len() as u64).to_le_bytes());
    file.extend(text.as_bytes());
}

fn put_value(file: &mut Vec<u8>, value: &Field) {
    let kind = |file: &mut Vec<u8>, kind: u32| file.extend(kind.to_le_bytes());
    let list = |file: &mut Vec<u8>, of: u32, count: usize| {
        kind(file, 9);
        kind(file, of);
        file.extend((count as u64).to_le_bytes());
    };
    match value {
        Field::U32(number) => {
            kind(file, 4);
            file.extend(number.to_le_bytes());
        }
        Field::F32(number) => {
            kind(file, 6);
            file.extend(number.to_le_bytes());
        }
        Field::Bool(yes) => {
            kind(file, 7);
            file.push(u8::from(*yes));
        }
        Field::Text(text) => {
            kind(file, 8);
            put_text(file, text);
        }
        Field::Texts(texts) => {
            list(file, 8, texts.len());
            texts.iter().for_each(|text| put_text(file, text));
        }
        Field::I32s(numbers) => {
            list(file, 5, numbers.len());
            numbers.iter().for_each(|number| file.extend(number.to_le_bytes()));
        }
        Field::F32s(numbers) => {
            list(file, 6, numbers.len());
            numbers.iter().for_each(|number| file.extend(number.to_le_bytes()));
        }
    }
}

/// A model to be written.
pub struct ModelFile<'a> {
    /// Its shape.
    pub config: &'a DecoderConfig,
    /// Its name for people.
    pub name: &'a str,
    /// What the metadata say of its tokenizer, as `tokenizer.ggml.*` and `tokenizer.chat_template`.
    pub tokenizer: Vec<(String, Field)>,
    /// [`Encoding::F32`], [`Encoding::F16`], [`Encoding::BF16`] or [`Encoding::Q8_0`]: that of matrices. Vectors stay in
    /// f32, and matrices whose rows are not whole blocks in f16.
    pub encoding: Encoding,
}

/// A model as GGUF. `matrix` gives the numbers of the tensor that Hugging Face calls so, row by row; each is asked for
/// when its turn comes.
///
/// # Errors
/// [`ModelError::Unsupported`] if llama.cpp has no such architecture, tensor or kind of attention; those of `matrix`.
pub fn write_model<E: From<ModelError>>(
    model: &ModelFile,
    tensors: &[(String, [usize; 2])],
    mut matrix: impl FnMut(&str) -> Result<Vec<f32>, E>,
) -> Result<Vec<u8>, E> {
    let architecture = known(&model.config.model_type)?;
    let mut writer = Writer::default();
    describe(&mut writer, architecture, model);
    attention::describe(&mut writer, architecture.name, model.config)?;
    for (name, shape) in tensors {
        let theirs = architecture.to_gguf(name).ok_or_else(|| {
            ModelError::Unsupported(format!("llama.cpp has no place for the tensor `{name}`; it cannot be exported"))
        })?;
        let mut numbers = matrix(name)?;
        if architecture.norms_one_more && name.ends_with("norm.weight") {
            numbers.iter_mut().for_each(|number| *number += 1.0);
        }
        writer.tensors.push(tensor(architecture, model, name, theirs, *shape, &numbers)?);
    }
    Ok(writer.bytes())
}

/// One tensor in the encoding that suits it.
fn tensor(
    architecture: Architecture,
    model: &ModelFile,
    name: &str,
    theirs: String,
    [rows, columns]: [usize; 2],
    numbers: &[f32],
) -> Result<Tensor, ModelError> {
    let vector = rows == 1;
    let encoding = match model.encoding {
        _ if vector => Encoding::F32,
        encoding if columns.is_multiple_of(encoding.block()) => encoding,
        _ => Encoding::F16,
    };
    let mut bytes = Vec::new();
    encoding.encode(numbers, &mut bytes).ok_or_else(|| {
        ModelError::Unsupported(format!("weights cannot be written as {encoding:?}; take F16 or Q8_0"))
    })?;
    if let Some(heads) = heads(architecture, model.config, name) {
        bytes = interleaved(&bytes, if vector { columns } else { rows }, heads);
    }
    let sizes = if vector { vec![columns] } else { vec![columns, rows] };
    Ok(Tensor { name: theirs, sizes, encoding, bytes })
}

/// The heads whose rows llama.cpp wants interleaved.
fn heads(architecture: Architecture, config: &DecoderConfig, name: &str) -> Option<usize> {
    let turned = turned(name).filter(|_| architecture.interleaved)?;
    Some(match turned {
        Turned::Queries => config.num_attention_heads,
        Turned::Keys => config.num_key_value_heads,
    })
}

fn known(model_type: &str) -> Result<Architecture, ModelError> {
    Architecture::of_model_type(model_type).ok_or_else(|| {
        ModelError::Unsupported(format!(
            "a model of type `{model_type}` cannot be written as GGUF; keep it as a folder"
        ))
    })
}

/// The metadata that llama.cpp asks for.
fn describe(writer: &mut Writer, architecture: Architecture, model: &ModelFile) {
    let config = model.config;
    let number = |number: usize| Field::U32(u32::try_from(number).unwrap_or(u32::MAX));
    let file_type = match model.encoding {
        Encoding::F32 => 0,
        Encoding::Q8_0 => 7,
        Encoding::BF16 => 32,
        _ => 1,
    };
    writer.pair("general.architecture", Field::Text(architecture.name.into()));
    writer.pair("general.type", Field::Text("model".into()));
    writer.pair("general.name", Field::Text(model.name.into()));
    writer.pair("general.file_type", Field::U32(file_type));
    writer.pair("general.quantization_version", Field::U32(2));
    let own = |key: &str| format!("{}.{key}", architecture.name);
    for (key, value) in [
        ("context_length", number(config.max_position_embeddings)),
        ("embedding_length", number(config.hidden_size)),
        ("block_count", number(config.num_hidden_layers)),
        ("feed_forward_length", number(config.intermediate_size)),
        ("attention.head_count", number(config.num_attention_heads)),
        ("attention.head_count_kv", number(config.num_key_value_heads)),
        ("attention.key_length", number(config.head_dim)),
        ("attention.value_length", number(config.head_dim)),
        ("attention.layer_norm_rms_epsilon", Field::F32(config.rms_norm_eps)),
        ("rope.dimension_count", number(config.head_dim)),
        ("rope.freq_base", Field::F32(config.rope_theta)),
        ("vocab_size", number(config.vocab_size)),
    ] {
        writer.pair(own(key), value);
    }
    writer.pairs.extend(model.tokenizer.iter().cloned());
}

/// One pair of low-rank matrices, by Hugging Face's name of the module: `model.layers.0.self_attn.q_proj`.
pub struct Rank<'a> {
    /// The module.
    pub module: &'a str,
    /// A, `[rank, in]`, row by row.
    pub a: &'a [f32],
    /// B, `[out, rank]`, row by row.
    pub b: &'a [f32],
    /// The rank.
    pub rank: usize,
}

/// An adapter to be written.
pub struct Adapter<'a> {
    /// The shape of the model it belongs to.
    pub config: &'a DecoderConfig,
    /// Its name for people.
    pub name: &'a str,
    /// llama.cpp adds `alpha / rank * B A`: of an adapter with rank-stabilised scaling this is `alpha * sqrt(rank)`.
    pub alpha: f32,
    /// More metadata, such as `general.base_model.0.name`.
    pub more: Vec<(String, Field)>,
}

/// An adapter (LoRA) as GGUF, in f32. One alpha holds for all of it: other ratios must be folded into B.
///
/// # Errors
/// [`ModelError::Unsupported`] if llama.cpp has no such architecture or module, or sizes do not fit.
pub fn write_adapter(adapter: &Adapter, ranks: &[Rank]) -> Result<Vec<u8>, ModelError> {
    let architecture = known(&adapter.config.model_type)?;
    let mut writer = Writer::default();
    writer.pair("general.type", Field::Text("adapter".into()));
    writer.pair("general.architecture", Field::Text(architecture.name.into()));
    writer.pair("general.name", Field::Text(adapter.name.into()));
    writer.pair("adapter.type", Field::Text("lora".into()));
    writer.pair("adapter.lora.alpha", Field::F32(adapter.alpha));
    writer.pairs.extend(adapter.more.iter().cloned());
    for pair in ranks {
        let name = format!("{}.weight", pair.module);
        let theirs = architecture.to_gguf(&name).filter(|name| name.starts_with("blk.")).ok_or_else(|| {
            ModelError::Unsupported(format!("llama.cpp reads no adapter on `{}`; leave it out", pair.module))
        })?;
        if pair.rank == 0 || !pair.a.len().is_multiple_of(pair.rank) || !pair.b.len().is_multiple_of(pair.rank) {
            let (module, rank, a, b) = (pair.module, pair.rank, pair.a.len(), pair.b.len());
            return Err(ModelError::Unsupported(format!(
                "the adapter on `{module}` has {a} and {b} numbers, which are not matrices of rank {rank}"
            )));
        }
        let (inputs, outputs) = (pair.a.len() / pair.rank, pair.b.len() / pair.rank);
        let bytes = |numbers: &[f32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        let mut b = bytes(pair.b);
        if let Some(heads) = heads(architecture, adapter.config, &name) {
            b = interleaved(&b, outputs, heads);
        }
        let tensor = |name, sizes, bytes| Tensor { name, sizes, encoding: Encoding::F32, bytes };
        writer.tensors.push(tensor(format!("{theirs}.lora_a"), vec![inputs, pair.rank], bytes(pair.a)));
        writer.tensors.push(tensor(format!("{theirs}.lora_b"), vec![pair.rank, outputs], b));
    }
    Ok(writer.bytes())
}
