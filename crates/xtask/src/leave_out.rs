//! Takes code out of the compiled module that no page reaches and no linker can know to be dead.
//!
//! burn keeps its variants in tables of functions: kernels for quantised weights, for matrix units that WebGPU does
//! not offer, readers of its own file formats. [`PARTS`] names them by their path. Their bodies become
//! one call that ends the run with a message, and what only they called goes with them when the module is bound.
//!
//! Deliberately absent: anything that depends on the visitor's GPU or on an option of the page. A new part needs the
//! browser tests of all projects, `webgpu` above all: they are what shows that the page does not call it.

use anyhow::{Context, Result, ensure};
use walrus::{FunctionBuilder, FunctionId, FunctionKind, InstrSeqBuilder, LocalFunction, Module};

/// The function in `web/` that says so when a page does reach what was left out.
const INSTEAD: &str = "nudge_left_out";

/// How a value goes out of use. Such functions stay: see [`SMALLEST`].
const DROP: &str = "core::ptr::drop_in_place";

/// Parts of the paths of functions; an asterisk stands for anything between two of them.
pub const PARTS: [&str; 35] = [
    // Quantised weights: the page's are f32.
    "cubecl_std::quant::view::run_with_quant_type",
    "cubecl_std::quant::view::QuantizedViewExpand",
    "cubecl_std::quant::view::RegisterDynamic",
    "cubecl_std::quant::view::ExpandDynamic",
    "cubecl_std::quant::dequantize::",
    "cubek_quant::",
    "burn_backend::quantization::",
    "burn_backend::backend::ops::qtensor::QTensorOps",
    // Tensors of other floats than f32: files of them are converted before they become tensors.
    "burn_flex:: * half::",
    "burn_flex::ops:: * <f64",
    "gemm_f16::",
    "gemm_f64::",
    "rustc_apfloat:: * HalfS",
    "rustc_apfloat:: * BFloatS",
    "rustc_apfloat:: * Float4E2M1S",
    "rustc_apfloat:: * Float8E",
    // Integers of other widths than 32 and 64 bits, and bytes, which truth values are.
    "burn_flex::ops:: * <i8",
    "burn_flex::ops:: * <i16",
    "burn_flex::ops:: * <u16",
    "burn_flex::ops:: * <u64",
    // Loads by NVIDIA's matrix units, which WGSL cannot name.
    "::__expand_tensor_map_load_method",
    // Matrix products by burn: the page's are our own.
    "cubek_matmul::",
    "cubek_tile::",
    "burn_cubecl_fusion::optim::matmul::optimization::",
    // Sorting and the largest few: a GPU draws by a kernel of our own, the CPU without tensors.
    "burn_flex::ops::sort::",
    "cubek_reduce:: * topk",
    // The text form of the GPU compiler's programs, read back: it is only ever written.
    "pliron::parsable::Parsable>::parse",
    "combine::",
    "rustc_apfloat::Float>::from_str_r",
    "rustc_apfloat:: * from_decimal_string",
    // Fused kernels and tensors in a binary form, to and from a disk: a tab has none.
    "ciborium::",
    "ciborium_ll::",
    // Tokenizers of other kinds than byte-pair encoding are read and not trained.
    "tokenizers::models::unigram::trainer::",
    "tokenizers::models::wordpiece::trainer::",
    "esaxx_rs::",
];

/// Parts of the paths of functions that show a value to a programmer; the values remain unseen. Messages of Nudge's own
/// code, and errors of the GPU, stay whole.
pub const UNSEEN: [&str; 12] = [
    "aho_corasick:: * as core::fmt::Debug>::fmt",
    "burn_cubecl_fusion:: * as core::fmt::Debug>::fmt",
    "burn_ir:: * as core::fmt::Debug>::fmt",
    "cubecl_core:: * as core::fmt::Debug>::fmt",
    "cubecl_ir:: * as core::fmt::Debug>::fmt",
    "cubek_reduce:: * as core::fmt::Debug>::fmt",
    "fancy_regex:: * as core::fmt::Debug>::fmt",
    "minijinja:: * as core::fmt::Debug>::fmt",
    "pliron:: * as core::fmt::Debug>::fmt",
    "regex_automata:: * as core::fmt::Debug>::fmt",
    "regex_syntax:: * as core::fmt::Debug>::fmt",
    "tokenizers:: * as core::fmt::Debug>::fmt",
];

/// Below this many instructions a function stays. LLVM keeps one of several functions with equal bodies, under the
/// name of any: what is this small and goes by the name of a part may serve the rest of the module too.
const SMALLEST: u64 = 80;

/// Replaces the bodies of all functions with one of [`PARTS`] or [`UNSEEN`] in their path.
///
/// # Errors
/// When a part has no functions: a dependency has renamed it, and it would silently come back.
pub fn leave_out(module: &mut Module) -> Result<()> {
    let instead = module.exports.get_func(INSTEAD).with_context(|| format!("the module has no {INSTEAD}"))?;
    module.exports.remove(INSTEAD)?;
    let unreached = replace(module, &PARTS, SMALLEST, |body| _ = body.call(instead).unreachable())?;
    let unseen = replace(module, &UNSEEN, 1, |body| _ = body.i32_const(WRITTEN))?;
    println!("Left out {unreached} functions that no page reaches, and what {unseen} would tell a programmer.");
    Ok(())
}

/// `Ok(())` of a function that writes text.
const WRITTEN: i32 = 0;

/// Gives all functions with one of `parts` in their path the body that `build` writes; returns how many.
fn replace(module: &mut Module, parts: &[&str], smallest: u64, build: impl Fn(&mut InstrSeqBuilder)) -> Result<usize> {
    let mut found = vec![0; parts.len()];
    let mut functions = Vec::new();
    for (id, function) in module.funcs.iter_local() {
        let name = path(module.funcs.get(id).name.as_deref().unwrap_or_default());
        if name.starts_with(DROP) || function.size() < smallest {
            continue;
        }
        if let Some(part) = parts.iter().position(|part| has(&name, part)) {
            found[part] += 1;
            functions.push(id);
        }
    }
    for (part, found) in parts.iter().zip(&found) {
        ensure!(*found > 0, "no function of the module has `{part}` in its path any more: look for its new name");
    }
    for function in &functions {
        let body = body(module, *function, &build);
        module.funcs.get_mut(*function).kind = FunctionKind::Local(body);
    }
    Ok(functions.len())
}

/// Whether `part` stands in `path`, what is between its asterisks not as the end of a longer word, one after another.
fn has(path: &str, part: &str) -> bool {
    let mut rest = Some(path);
    for word in part.split(" * ") {
        rest = rest.and_then(|rest| behind(rest, word));
    }
    rest.is_some()
}

/// What of `path` follows the first `word`.
fn behind<'a>(path: &'a str, word: &str) -> Option<&'a str> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let begins = |start: usize| !word.starts_with(is_name) || !path[..start].ends_with(is_name);
    let (start, _) = path.match_indices(word).find(|(start, _)| begins(*start))?;
    Some(&path[start + word.len()..])
}

/// The path in Rust of a function as the linker calls it.
fn path(symbol: &str) -> String {
    let symbol = symbol.split(".llvm.").next().unwrap_or_default();
    format!("{:#}", rustc_demangle::demangle(symbol))
}

/// A body of the type of `function`.
fn body(module: &mut Module, function: FunctionId, build: impl Fn(&mut InstrSeqBuilder)) -> LocalFunction {
    let (parameters, results) = module.types.params_results(module.funcs.get(function).ty());
    let (parameters, results) = (parameters.to_vec(), results.to_vec());
    let arguments = parameters.iter().map(|kind| module.locals.add(*kind)).collect();
    let mut builder = FunctionBuilder::new(&mut module.types, &parameters, &results);
    build(&mut builder.func_body());
    builder.local_func(arguments)
}

#[cfg(test)]
mod tests {
    use walrus::ValType;

    use super::*;

    /// A module with a function of each name, which takes a float and gives it back.
    fn module(names: &[&str]) -> Module {
        let mut module = Module::default();
        for name in names {
            let argument = module.locals.add(ValType::F32);
            let mut builder = FunctionBuilder::new(&mut module.types, &[ValType::F32], &[ValType::F32]);
            builder.name((*name).to_owned()).func_body().local_get(argument);
            let function = builder.finish(vec![argument], &mut module.funcs);
            module.exports.add(name, function);
        }
        module
    }

    /// What the module's function of this name is made of.
    fn instructions(module: &Module, name: &str) -> usize {
        let function = module.funcs.by_name(name).expect("the function is still there");
        module.funcs.get(function).kind.unwrap_local().size() as usize
    }

    #[test]
    fn functions_of_a_part_get_another_body_and_the_rest_stays() -> Result<()> {
        let (out, stays) = ("_ZN5cubek5quant4view17h0123456789abcdefE.llvm.42", "_ZN5cubek6matmul17h0123456789abcdefE");
        let mut module = module(&[out, stays]);
        let unreachable = |body: &mut InstrSeqBuilder| _ = body.unreachable().unreachable().unreachable();
        assert_eq!(replace(&mut module, &["cubek::quant::"], 1, unreachable)?, 1);
        assert_eq!((instructions(&module, out), instructions(&module, stays)), (3, 1));
        assert!(Module::from_buffer(&module.emit_wasm()).is_ok());
        Ok(())
    }

    #[test]
    fn a_part_is_a_whole_word() {
        assert!(has("<combine::parser::Map as Parser>::parse", "combine::"));
        assert!(has("(a, combine::Stream)", "combine::"));
        assert!(!has("cubecl_opt::passes::inst_combine::as_fma", "combine::"));
        assert!(has("cubek_matmul::variants::mma::reader::load", "::variants::mma::"));
    }

    #[test]
    fn an_asterisk_stands_for_anything_in_between() {
        let part = "burn_flex:: * half::";
        assert!(has("burn_flex::ops::gather::<half::bfloat::bf16>", part));
        assert!(!has("burn_flex::ops::gather::<f32>", part));
        assert!(!has("half::slice::copy::<burn_flex::Storage>", part));
        assert!(!has("burn_flex::ops::by_half::<f32>", part));
    }

    #[test]
    fn a_part_that_is_gone_is_an_error() {
        let nothing = replace(&mut module(&["other"]), &["cubek::quant::"], 1, |_| {});
        let error = nothing.expect_err("nothing to leave out");
        assert!(error.to_string().contains("`cubek::quant::`"), "{error}");
    }
}
