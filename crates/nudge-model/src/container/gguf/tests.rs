//! Models written and read again, and headers that lie.

use super::*;
use crate::rotary::RopeScaling;
use crate::{Decoder, DecoderConfig, LayerAttention, ModelError, Parameters};
use burn::tensor::Device;
use serde_json::json;

/// A tensor with its name, shape and numbers.
type Named = (String, [usize; 2], Vec<f32>);

/// A model of `model_type` and its numbers by name.
fn model(model_type: &str) -> (DecoderConfig, Vec<Named>) {
    let config = DecoderConfig { model_type: model_type.into(), ..DecoderConfig::test(40) };
    let tensors = named(&Decoder::init(&config, 3, &Device::flex()));
    (config, tensors)
}

fn named(decoder: &Decoder) -> Vec<Named> {
    let numbers = |(name, tensor): (String, &burn::tensor::Tensor<2>)| {
        (name, tensor.dims(), tensor.to_data().try_to_vec::<f32>().unwrap())
    };
    decoder.parameters().into_iter().map(numbers).collect()
}

fn written(model_type: &str, encoding: Encoding) -> Vec<u8> {
    let (config, tensors) = model(model_type);
    written_as(&config, &tensors, encoding).unwrap()
}

/// These tensors as a model of this configuration.
fn written_as(config: &DecoderConfig, tensors: &[Named], encoding: Encoding) -> Result<Vec<u8>, ModelError> {
    let file = ModelFile {
        config,
        name: "test",
        tokenizer: vec![("tokenizer.ggml.tokens".into(), Field::Texts(vec!["a".into(), "é".into()]))],
        encoding,
    };
    let shapes: Vec<_> = tensors.iter().map(|(name, shape, _)| (name.clone(), *shape)).collect();
    let matrix = |name: &str| {
        let found = tensors.iter().find(|(known, ..)| known == name).unwrap();
        Ok::<_, ModelError>(found.2.clone())
    };
    write_model(&file, &shapes, matrix)
}

fn open(bytes: &[u8]) -> Result<Gguf, ContainerError> {
    Gguf::open([("model.gguf", bytes.to_vec().into())])
}

#[test]
fn a_model_goes_through_a_gguf_and_comes_back_in_its_own_order() {
    for model_type in ["llama", "qwen2"] {
        for (encoding, tolerance) in [(Encoding::F32, 0.0), (Encoding::F16, 1e-3), (Encoding::Q8_0, 1e-2)] {
            let gguf = open(&written(model_type, encoding)).unwrap();
            let (config, before) = model(model_type);
            let read = DecoderConfig::from_json(gguf.config().unwrap().to_string().as_bytes()).unwrap();
            assert_eq!(read, config);
            let tensors = gguf.tensors().unwrap();
            assert_eq!(tensors.names().count(), before.len());
            assert_eq!(tensors.encoding(), Some(encoding));
            for (name, shape, numbers) in before {
                tensors.expect(&name, shape).unwrap();
                let largest = numbers.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
                let close = |(a, b): (&f32, &f32)| (a - b).abs() <= tolerance * largest;
                assert!(tensors.stored(&name).unwrap().numbers().iter().zip(&numbers).all(close), "{name}");
            }
        }
    }
}

/// Llama 3 with these frequencies slowed.
fn llama3(low_freq_factor: f32) -> RopeScaling {
    let (high_freq_factor, original_max_position_embeddings) = (4.0, 8192);
    RopeScaling::Llama3 { factor: 32.0, low_freq_factor, high_freq_factor, original_max_position_embeddings }
}

#[test]
fn scaled_positions_are_read_as_they_were_written() {
    let (config, tensors) = model("llama");
    for scaling in [RopeScaling::Linear { factor: 2.0 }, llama3(1.0)] {
        let config = DecoderConfig { rope_theta: 500_000.0, rope_scaling: Some(scaling), ..config.clone() };
        let file = open(&written_as(&config, &tensors, Encoding::F32).unwrap()).unwrap();
        let found = DecoderConfig::from_json(file.config().unwrap().to_string().as_bytes()).unwrap();
        assert_eq!((found.rope_theta, found.rope_scaling), (config.rope_theta, Some(scaling)));
    }
}

/// A Gemma 3 of six layers, whose last sees everything.
fn gemma3(window: u64) -> DecoderConfig {
    let kind = |layer| if layer == 5 { "full_attention" } else { "sliding_attention" };
    let fields = json!({
        "model_type": "gemma3_text", "vocab_size": 40, "hidden_size": 32, "intermediate_size": 96,
        "num_hidden_layers": 6, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
        "max_position_embeddings": 128, "sliding_window": window, "query_pre_attn_scalar": 16,
        "layer_types": (0..6).map(kind).collect::<Vec<_>>(),
    });
    DecoderConfig::from_json(fields.to_string().as_bytes()).unwrap()
}

#[test]
fn a_gemma_is_read_with_the_window_that_was_written() {
    let config = gemma3(24);
    let decoder = Decoder::init(&config, 3, &Device::flex());
    let file = open(&written_as(&config, &named(&decoder), Encoding::F32).unwrap()).unwrap();
    let found = DecoderConfig::from_json(file.config().unwrap().to_string().as_bytes()).unwrap();
    assert_eq!(found.attention, config.attention);
}

#[test]
fn what_llama_cpp_would_compute_otherwise_is_refused() {
    let llama = model("llama").0;
    let window = LayerAttention { rotary: Some(llama.rotary()), window: Some(9) };
    let windowed = DecoderConfig { attention: vec![window; llama.num_hidden_layers], ..llama.clone() };
    let other = DecoderConfig { rope_scaling: Some(llama3(2.0)), ..llama };
    for (config, field) in [(windowed, "sliding_window"), (other, "rope_scaling")] {
        let error = written_as(&config, &[], Encoding::F32).unwrap_err().to_string();
        assert!(error.contains(field) && error.contains("--to merged"), "{error}");
    }
}

#[test]
fn queries_and_keys_of_a_llama_lie_interleaved_in_the_file() {
    let (config, before) = model("llama");
    let gguf = open(&written("llama", Encoding::F32)).unwrap();
    let stored = &gguf.tensors["blk.0.attn_q.weight"];
    let numbers = before.iter().find(|(name, ..)| name.ends_with("0.self_attn.q_proj.weight")).unwrap().2.clone();
    let (width, half) = (config.hidden_size, config.head_dim / 2);
    let mut first = vec![0.0; width];
    // The second row of the file is the one half a head behind the first.
    stored.encoding.decode(&stored.bytes[4 * width..8 * width], &mut first);
    assert_eq!(first, numbers[half * width..(half + 1) * width]);
    let same = &open(&written("qwen2", Encoding::F32)).unwrap().tensors["blk.0.attn_q.weight"];
    same.encoding.decode(&same.bytes[4 * width..8 * width], &mut first);
    let numbers =
        model("qwen2").1.into_iter().find(|(name, ..)| name.ends_with("0.self_attn.q_proj.weight")).unwrap().2;
    assert_eq!(first, numbers[width..2 * width]);
}

#[test]
fn the_scaling_of_llama_3_is_told_from_its_factors() {
    let (mut config, _) = model("llama");
    config.rope_theta = 500_000.0;
    let half = config.head_dim / 2;
    let factors = |factor: f64| -> Vec<u8> {
        let period = |place: usize| 500_000f64.powf(place as f64 / half as f64);
        let of = |place| super::attention::llama3_factor(period(place), factor) as f32;
        (0..half).flat_map(|place| of(place).to_le_bytes()).collect()
    };
    let mut gguf = open(&written("llama", Encoding::F32)).unwrap();
    gguf.metadata.insert("llama.rope.freq_base".into(), Value::Float(500_000.0));
    let put = |gguf: &mut Gguf, bytes: Vec<u8>| {
        let file = "model.gguf".into();
        let entry =
            Entry { file, shape: vec![half], encoding: Encoding::F32, bytes: bytes.into(), change: Change::None };
        gguf.tensors.insert("rope_freqs.weight".into(), entry);
    };
    put(&mut gguf, factors(32.0));
    let scaling = gguf.config().unwrap()["rope_scaling"].clone();
    assert_eq!((&scaling["rope_type"], &scaling["factor"]), (&"llama3".into(), &32.0.into()));
    assert_eq!(scaling["original_max_position_embeddings"], 8192);
    put(&mut gguf, 2.5f32.to_le_bytes().repeat(half));
    let error = gguf.config().unwrap_err().to_string();
    assert!(error.contains("rope_freqs.weight") && error.contains("Llama 3"), "{error}");
}

#[test]
fn norms_of_gemma_lose_the_one_that_is_added() {
    let mut gguf = open(&written("llama", Encoding::F32)).unwrap();
    gguf.architecture = Architecture::named("gemma3").unwrap();
    let tensors = gguf.tensors().unwrap();
    // Fresh norms are 1; those of Gemma would be 0.
    assert!(tensors.stored("model.norm.weight").unwrap().numbers().iter().all(|number| *number == 0.0));
}

/// The place of `text` in the file, behind it.
fn behind(file: &[u8], text: &str) -> usize {
    file.windows(text.len()).position(|window| window == text.as_bytes()).unwrap() + text.len()
}

/// What is said of the file with eight bytes from `at` replaced.
fn refusal_of(file: &[u8], at: usize, number: u64) -> ContainerError {
    let mut file = file.to_vec();
    file[at..at + 8].copy_from_slice(&number.to_le_bytes());
    open(&file).unwrap_err()
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let file = written("llama", Encoding::Q8_0);
    let header = file.len() - open(&file).unwrap().tensors.values().map(|entry| entry.bytes.len()).sum::<usize>();
    for length in (0..header).step_by(7).chain((header..file.len() - 32).step_by(997)) {
        let error = open(&file[..length]).expect_err("it is cut").to_string();
        assert!(error.contains("model.gguf"), "{error}");
    }
    assert!(open(b"GGUF").unwrap_err().to_string().contains("truncated"));
    assert!(open(b"PK\x03\x04").unwrap_err().to_string().contains("does not begin as a GGUF"));
}

#[test]
fn counts_and_places_that_cannot_be_are_named_and_nothing_is_made_room_for() {
    let file = written("llama", Encoding::F32);
    for count in [1 << 63, u64::MAX, 1 << 40] {
        let error = refusal_of(&file, 8, count).to_string();
        assert!(error.contains(&format!("announces {count} tensors")), "{error}");
        assert!(refusal_of(&file, 16, count).to_string().contains("metadata pairs"));
        // The length of the first key, of a list, of a text in it.
        assert!(refusal_of(&file, 24, count).to_string().contains("metadata key"));
        let list = behind(&file, "tokenizer.ggml.tokens") + 8;
        assert!(refusal_of(&file, list, count).to_string().contains("tokenizer.ggml.tokens"));
        assert!(refusal_of(&file, list + 8, count).to_string().contains("tokenizer.ggml.tokens"));
    }
    let sizes = behind(&file, "blk.0.ffn_up.weight") + 4;
    for size in [0, 1 << 62, u64::MAX] {
        let error = refusal_of(&file, sizes, size);
        assert!(matches!(&error, ContainerError::Tensor { tensor, .. } if tensor == "blk.0.ffn_up.weight"), "{error}");
    }
    let offset = sizes + 16 + 4;
    for place in [1 << 20, u64::MAX] {
        let error = refusal_of(&file, offset, place).to_string();
        assert!(error.contains("`blk.0.ffn_up.weight`") && error.contains("truncated"), "{error}");
    }
    assert!(matches!(refusal_of(&file, offset, 32), ContainerError::Overlap { .. }));
}

#[test]
fn kinds_that_are_not_known_are_named() {
    let file = written("llama", Encoding::F32);
    let kind = behind(&file, "blk.0.ffn_up.weight") + 4 + 16;
    let mut other = file.clone();
    other[kind..kind + 4].copy_from_slice(&10u32.to_le_bytes());
    let error = open(&other).unwrap_err().to_string();
    assert!(error.contains("kind 10") && error.contains("Q4_K"), "{error}");
    let mut other = file.clone();
    other[4..8].copy_from_slice(&3u32.to_be_bytes());
    assert!(open(&other).unwrap_err().to_string().contains("big-endian"));
    other[4..8].copy_from_slice(&1u32.to_le_bytes());
    assert!(open(&other).unwrap_err().to_string().contains("version 1"));
    let at = behind(&file, "general.architecture") + 4 + 8;
    let mut other = file;
    other[at..at + 5].copy_from_slice(b"mamba");
    let error = open(&other).unwrap_err().to_string();
    assert!(error.contains("`mamba`") && error.contains("`llama`"), "{error}");
}

#[test]
fn sizes_that_do_not_fit_the_tensors_are_named_by_their_key() {
    let with = |key: &str, value: Option<Value>| {
        let mut gguf = open(&written("llama", Encoding::F32)).unwrap();
        match value {
            Some(value) => drop(gguf.metadata.insert(key.into(), value)),
            None => drop(gguf.metadata.remove(key)),
        }
        gguf
    };
    for key in ["llama.block_count", "llama.attention.head_count", "llama.context_length", "llama.embedding_length"] {
        let absent = with(key, None).config().unwrap_err().to_string();
        assert!(absent.contains(key) && absent.contains("is not there"), "{absent}");
        let none = with(key, Some(Value::Integer(0))).config().unwrap_err().to_string();
        assert!(none.contains(key) && none.contains("number from 1"), "{none}");
    }
    let blocks = with("llama.block_count", Some(Value::Integer(1 << 40))).config().unwrap_err().to_string();
    assert!(blocks.contains("llama.block_count"), "{blocks}");
    let heads = with("llama.attention.head_count", Some(Value::Integer(3))).tensors().unwrap_err().to_string();
    assert!(heads.contains("attn_q") && heads.contains("3 heads"), "{heads}");
}

#[test]
fn one_file_of_several_is_no_model() {
    let Gguf { file, mut metadata, tensors, .. } = open(&written("llama", Encoding::F32)).unwrap();
    for (key, number) in [("split.no", 0), ("split.count", 3)] {
        metadata.insert(key.into(), Value::Integer(number));
    }
    let part = |metadata: &BTreeMap<String, Value>| {
        let (file, metadata, tensors) = (file.clone(), metadata.clone(), tensors.clone());
        split::joined(vec![Part { file, metadata, tensors }]).map(drop).unwrap_err().to_string()
    };
    let alone = part(&metadata);
    assert!(alone.contains("`split.count` is 3, but file 2 of 3 is not there"), "{alone}");
    // As many as a header can say: nothing is made for them.
    metadata.insert("split.count".into(), Value::Integer(i64::MAX.into()));
    assert!(part(&metadata).contains("is not there"));
    metadata.insert("split.no".into(), Value::Integer(-1));
    assert!(part(&metadata).contains("`split.no` must be a number below"));
}

#[test]
fn an_adapter_is_written_as_llama_cpp_reads_it() {
    let (config, _) = model("llama");
    let (width, rank) = (config.hidden_size, 2);
    let b: Vec<f32> = (0..width * rank).map(|place| place as f32).collect();
    let a = vec![0.5; rank * width];
    let adapter = Adapter { config: &config, name: "mine", alpha: 4.0, more: Vec::new() };
    let module = |name| [Rank { module: name, a: &a, b: &b, rank }];
    let file = write_adapter(&adapter, &module("model.layers.1.self_attn.q_proj")).unwrap();
    let Part { metadata, tensors: placed, .. } = Part::open("adapter.gguf", file.into()).unwrap();
    assert_eq!(metadata["general.type"], Value::Text("adapter".into()));
    assert_eq!(metadata["adapter.lora.alpha"], Value::Float(4.0));
    let lora_a = &placed["blk.1.attn_q.weight.lora_a"];
    assert_eq!((lora_a.shape.as_slice(), lora_a.stored().numbers()), ([rank, width].as_slice(), a.clone()));
    let mut lora_b = placed["blk.1.attn_q.weight.lora_b"].clone();
    assert_eq!(lora_b.shape, [width, rank]);
    assert_ne!(lora_b.stored().numbers(), b);
    lora_b.change = Change::Interleaved { heads: config.num_attention_heads };
    assert_eq!(lora_b.stored().numbers(), b);
    for (name, part) in [("lm_head", "reads no adapter"), ("score", "reads no adapter")] {
        let error = write_adapter(&adapter, &module(name)).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains(name), "{error}");
    }
    let uneven = Rank { module: "model.layers.0.mlp.up_proj", a: &a[1..], b: &b, rank };
    assert!(write_adapter(&adapter, &[uneven]).unwrap_err().to_string().contains("rank 2"));
}

/// Small numbers without a pattern.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

#[test]
fn damage_anywhere_in_a_header_ends_nothing() {
    let mut draw = Draw(0x9E37_79B9_7F4A_7C15);
    let (mut opened, mut refused) = (0, 0);
    for encoding in [Encoding::F32, Encoding::Q8_0] {
        let file = written("llama", encoding);
        let header = behind(&file, "output_norm.weight") + 24;
        for _ in 0..10_000 {
            let mut damaged = file.clone();
            for _ in 0..=draw.below(3) {
                let at = draw.below(header);
                damaged[at] = match draw.below(3) {
                    0 => 0,
                    1 => 0xff,
                    _ => draw.below(256) as u8,
                };
            }
            let read = open(&damaged).and_then(|gguf| Ok((gguf.config()?, gguf.tensors()?)));
            match read {
                Ok((config, tensors)) => {
                    opened += 1;
                    let _ = DecoderConfig::from_json(config.to_string().as_bytes());
                    tensors.names().for_each(|name| drop(tensors.stored(name)));
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(opened > 1000 && refused > 1000, "{opened} opened, {refused} refused");
}

#[test]
fn damage_anywhere_in_the_header_of_safetensors_ends_nothing() {
    use crate::{NamedData, Precision, checkpoint::encode};
    let tensors = model("llama").1;
    let data: Vec<_> =
        tensors.into_iter().map(|(name, shape, values)| NamedData { name, shape: shape.to_vec(), values }).collect();
    let file = encode(&data, Precision::F16).unwrap();
    let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let mut draw = Draw(7);
    for _ in 0..10_000 {
        let mut damaged = file.clone();
        for _ in 0..=draw.below(2) {
            let at = draw.below(header);
            damaged[at] = b"0123456789[]{}\",:\x00\xff"[draw.below(20).min(18)];
        }
        if let Ok(tensors) = Tensors::from_safetensors("model.safetensors", damaged.into()) {
            tensors.names().for_each(|name| drop(tensors.stored(name)));
        }
    }
}
