//! Takes code out of the compiled module that no page reaches and no linker can know to be dead.
//!
//! burn keeps its variants in tables of functions: kernels for quantised weights, for matrix units that WebGPU does
//! not offer, readers of its own file formats. [`PARTS`] names them by their path. Their bodies become
//! one call that ends the run with a message, and what only they called goes with them when the module is bound.
//!
//! Deliberately absent: anything that depends on the visitor's GPU or on an option of the page. A new part needs the
//! browser tests of all projects, `webgpu` above all: they are what shows that the page does not call it.

use std::collections::HashSet;
use std::fmt::Debug;

use anyhow::{Context, Result, ensure};
use walrus::{FunctionBuilder, FunctionId, FunctionKind, InstrSeqBuilder, LocalFunction, Module};

/// The function in `web/` that says so when a page does reach what was left out.
const INSTEAD: &str = "nudge_left_out";

/// How a value goes out of use. Such functions stay: see [`SMALLEST`].
const DROP: &str = "core::ptr::drop_in_place";

/// Parts of the paths of functions.
const PARTS: [&str; 29] = [
    // Quantised weights: the page's are f32.
    "cubecl_std::quant::view::run_with_quant_type",
    "cubecl_std::quant::view::QuantizedViewExpand",
    "cubecl_std::quant::view::RegisterDynamic",
    "cubecl_std::quant::view::ExpandDynamic",
    "cubecl_std::quant::dequantize::",
    "cubek_quant::",
    "burn_backend::quantization::",
    "burn_backend::backend::ops::qtensor::QTensorOps",
    // Matrix products in other precisions than f32: the page's numbers are f32.
    "gemm_f16::",
    "gemm_f64::",
    // And without SIMD, which every module has that this program builds.
    "gemm_f32::gemm::f32::scalar::",
    "gemm_f32::microkernel::scalar::",
    // Loads by NVIDIA's matrix units, which WGSL cannot name.
    "::__expand_tensor_map_load_method",
    // Matrix products by burn: the page's are our own.
    "cubek_matmul::",
    "cubek_tile::",
    "burn_cubecl_fusion::optim::matmul::optimization::",
    // Sorting and the largest few: a GPU draws by a kernel of our own, the CPU without tensors.
    "burn_flex::ops::sort::",
    "cubek_reduce::components::instructions::topk::",
    "cubek_reduce::components::instructions::base::plane_topk_merge",
    "cubek_reduce::components::instructions::base::plane_topk_insert",
    // The text form of the GPU compiler's programs, read back: it is only ever written.
    "pliron::parsable::Parsable>::parse",
    "combine::",
    "rustc_apfloat::Float>::from_str_r",
    "rustc_apfloat::ieee::IeeeFloat>::from_decimal_string",
    // Fused kernels and tensors in a binary form, to and from a disk: a tab has none.
    "ciborium::",
    "ciborium_ll::",
    // Tokenizers of other kinds than byte-pair encoding are read and not trained.
    "tokenizers::models::unigram::trainer::",
    "tokenizers::models::wordpiece::trainer::",
    "esaxx_rs::",
];

/// Types that the page has none of, the crate whose functions for them are left out, and a type of the page, nothing
/// where that is the default, which paths leave out.
/// Only a function that the module has for both types is left out: where LLVM saw that it does not depend on the type,
/// it kept one, under the name of either.
const TYPES: [(&str, &str, &str); 13] = [
    // Tensors: files of other floats are converted before they become tensors.
    ("half::binary16::f16", "burn_flex::", "f32"),
    ("half::bfloat::bf16", "burn_flex::", "f32"),
    ("f64", "burn_flex::", "i64"),
    ("i8", "burn_flex::", "u8"),
    ("i16", "burn_flex::", "i32"),
    ("u16", "burn_flex::", "i32"),
    ("u64", "burn_flex::", "i64"),
    // Backward passes that compute again what forward passes computed.
    ("burn_autodiff::checkpoint::strategy::BalancedCheckpointing", "burn_autodiff::", ""),
    // Constants in the GPU's programs.
    ("rustc_apfloat::ieee::HalfS", "rustc_apfloat::", "rustc_apfloat::ieee::SingleS"),
    ("rustc_apfloat::ieee::BFloatS", "rustc_apfloat::", "rustc_apfloat::ieee::SingleS"),
    ("rustc_apfloat::ieee::Float8E4M3FNS", "rustc_apfloat::", "rustc_apfloat::ieee::SingleS"),
    ("rustc_apfloat::ieee::Float8E5M2S", "rustc_apfloat::", "rustc_apfloat::ieee::SingleS"),
    ("cubecl_ir::types::scalar::Float4E2M1S", "rustc_apfloat::", "rustc_apfloat::ieee::SingleS"),
];

/// Loops over the elements of tensors of burn's CPU backend, up to the type of the elements. They read, compute and write
/// that type, so none serves another, ...
const LOOPS: [&str; 9] = [
    "burn_flex::ops::unary::unary_op_typed::<",
    "burn_flex::ops::binary::binary_op_typed::<",
    "burn_flex::ops::binary::scalar_op_typed::<",
    "burn_flex::ops::comparison::compare_typed::<",
    "burn_flex::ops::comparison::compare_elem_typed::<",
    "burn_flex::zip::zip_map::<",
    "burn_flex::zip::zip_apply_inplace::<",
    "<burn_flex::zip::ZipNest>::for_each_run::<burn_flex::zip::zip_map<",
    "<burn_flex::zip::ZipNest>::for_each_run::<burn_flex::zip::zip_apply_inplace<",
];

/// ... and those over these types serve nothing of the page. Integers of 64 bits are added alike with and without a sign.
const LOOPED: [&str; 5] = ["half::binary16::f16", "half::bfloat::bf16", "f64", "i16", "u16"];

/// How kernels reach tensors through layouts of other crates, ...
const VIEW: &str = "cubecl_std::tensor::view::operations::virtual_view::";

/// ... and the crates whose layouts only burn's matrix products have.
const VIEWED: [&str; 2] = ["cubek_matmul::", "cubek_tile::"];

/// Crates whose values are not shown to programmers. Messages of Nudge's own code, and errors of the GPU, stay whole.
/// A crate whose text for programmers is anything but a message is not among them: templates write lists that way.
const UNSEEN: [&str; 15] = [
    "aho_corasick::",
    "burn_autodiff::",
    "burn_cubecl_fusion::",
    "burn_flex::",
    "burn_fusion::",
    "burn_ir::",
    "cubecl_core::",
    "cubecl_ir::",
    "cubecl_std::",
    "cubecl_zspace::",
    "cubek_reduce::",
    "fancy_regex::",
    "pliron::",
    "regex_automata::",
    "regex_syntax::",
];

/// How the function ends that shows a value to a programmer.
const SHOWS: &str = " as core::fmt::Debug>::fmt";

/// `Ok(())` of a function that writes text.
const WRITTEN: i32 = 0;

/// Below this many instructions a function stays. LLVM keeps one of several functions with equal bodies, under the
/// name of any: what is this small and goes by the name of a part may serve the rest of the module too.
const SMALLEST: u64 = 40;

/// Replaces the bodies of all functions that the lists above name.
///
/// # Errors
/// When one of them names no function: a dependency has renamed it, and it would silently come back.
pub fn leave_out(module: &mut Module) -> Result<()> {
    let instead = take_instead(module)?;
    let functions = functions(module);
    let paths: HashSet<&str> = functions.iter().map(|function| function.path.as_str()).collect();

    let parts = chosen(&functions, &PARTS, |part, function| function.size >= SMALLEST && has(&function.short, part))?;
    let of_types = chosen(&functions, &TYPES, |(name, of, other), function| {
        function.size >= SMALLEST
            && has(&function.path, of)
            && places(&function.path, name).next().is_some()
            && paths.contains(&*with_type(&function.path, name, other))
    })?;
    let loops = chosen(&functions, &LOOPS, |start, function| {
        let elements = function.path.strip_prefix(start);
        elements.is_some_and(|elements| LOOPED.iter().any(|name| begins_with_type(elements, name)))
    })?;
    let views = chosen(&functions, &VIEWED, |of, function| {
        function.size >= SMALLEST && has(&function.short, VIEW) && has(&function.path, of)
    })?;
    let unseen = chosen(&functions, &UNSEEN, |of, function| function.path.ends_with(SHOWS) && has(&function.path, of))?;
    println!(
        "Left out {} functions that no page reaches, and what {} would tell a programmer.",
        parts.len() + of_types.len() + loops.len() + views.len(),
        unseen.len()
    );
    for function in parts.iter().chain(&of_types).chain(&loops).chain(&views) {
        replace(module, *function, |body| end(body, instead));
    }
    for function in unseen {
        replace(module, function, |body| _ = body.i32_const(WRITTEN));
    }
    Ok(())
}

/// The function that ends the run with a message. Nobody outside calls it any more.
fn take_instead(module: &mut Module) -> Result<FunctionId> {
    let instead = module.exports.get_func(INSTEAD).with_context(|| format!("the module has no {INSTEAD}"))?;
    module.exports.remove(INSTEAD)?;
    Ok(instead)
}

/// Writes a body that calls `instead`, which does not return.
fn end(body: &mut InstrSeqBuilder, instead: FunctionId) {
    body.call(instead).unreachable();
}

/// A function of the module as it was compiled.
struct Function {
    id: FunctionId,
    /// The path in Rust.
    path: String,
    /// The same without the types that it was made for.
    short: String,
    size: u64,
}

/// All functions but those that take a value out of use.
fn functions(module: &Module) -> Vec<Function> {
    let function = |(id, function): (FunctionId, &LocalFunction)| {
        let path = path(module.funcs.get(id).name.as_deref().unwrap_or_default());
        Function { id, short: without_types(&path), path, size: function.size() }
    };
    module.funcs.iter_local().map(function).filter(|function| !function.path.starts_with(DROP)).collect()
}

/// The functions that one of `rules` holds for.
fn chosen<R: Debug>(
    functions: &[Function],
    rules: &[R],
    holds: impl Fn(&R, &Function) -> bool,
) -> Result<Vec<FunctionId>> {
    let mut found = vec![false; rules.len()];
    let mut chosen = Vec::new();
    for function in functions {
        if let Some(rule) = rules.iter().position(|rule| holds(rule, function)) {
            found[rule] = true;
            chosen.push(function.id);
        }
    }
    for (rule, found) in rules.iter().zip(&found) {
        ensure!(found, "{rule:?} names no function of the module any more: look for its new name");
    }
    Ok(chosen)
}

/// Whether `part` stands in `path`, not as the end of a longer word.
fn has(path: &str, part: &str) -> bool {
    path.match_indices(part).any(|(start, _)| !part.starts_with(of_word) || !path[..start].ends_with(of_word))
}

/// Where the type `name` stands in `path`.
fn places<'a>(path: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    path.match_indices(name)
        .map(|(start, _)| start)
        .filter(move |&start| !path[..start].ends_with(of_word) && !path[start + name.len()..].starts_with(of_word))
}

/// Whether the first of the `types` is `name`.
fn begins_with_type(types: &str, name: &str) -> bool {
    types.strip_prefix(name).is_some_and(|rest| rest.starts_with([',', '>']))
}

fn of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The path of the function that does for `other` what the one of `path` does for `name`. Nothing as `other` is a type
/// that paths do not name, nor the comma before it.
fn with_type(path: &str, name: &str, other: &str) -> String {
    let (mut result, mut copied) = (String::new(), 0);
    for start in places(path, name) {
        result += &path[copied..start];
        if other.is_empty() {
            result.truncate(result.trim_end_matches(", ").len());
        }
        result += other;
        copied = start + name.len();
    }
    result + &path[copied..]
}

/// `<Vec<u8> as From<T>>::from::<u8>` as `<Vec as From>::from`.
fn without_types(path: &str) -> String {
    let mut short = String::new();
    let mut depth = 0;
    let mut last = ' ';
    for character in path.chars() {
        // What stands behind a name or `::` are types, what stands elsewhere is a type with its trait.
        let opens = character == '<' && (depth > 0 || last.is_alphanumeric() || last == '_' || last == ':');
        // An arrow closes nothing.
        let closes = character == '>' && depth > 0 && last != '-';
        depth += usize::from(opens);
        if depth == 0 {
            short.push(character);
        }
        depth -= usize::from(closes);
        last = character;
    }
    short.replace("::::", "::")
}

/// The path in Rust of a function as the linker calls it.
fn path(symbol: &str) -> String {
    let symbol = symbol.split(".llvm.").next().unwrap_or_default();
    format!("{:#}", rustc_demangle::demangle(symbol))
}

/// Gives a function of the module the body that `build` writes.
fn replace(module: &mut Module, function: FunctionId, build: impl Fn(&mut InstrSeqBuilder)) {
    let body = body(module, function, build);
    module.funcs.get_mut(function).kind = FunctionKind::Local(body);
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
        let mut instead = FunctionBuilder::new(&mut module.types, &[], &[]);
        instead.func_body().unreachable();
        let instead = instead.finish(vec![], &mut module.funcs);
        module.exports.add(INSTEAD, instead);
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
    fn parts_end_in_a_message_and_the_rest_stays() -> Result<()> {
        let (out, stays) = ("_ZN5cubek5quant4view17h0123456789abcdefE.llvm.42", "_ZN5cubek6matmul17h0123456789abcdefE");
        let mut module = module(&[out, stays]);
        let chosen = chosen(&functions(&module), &["cubek::quant::"], |part, function| has(&function.short, part))?;
        assert_eq!(chosen.len(), 1);
        let instead = take_instead(&mut module)?;
        replace(&mut module, chosen[0], |body| end(body, instead));
        assert_eq!((instructions(&module, out), instructions(&module, stays)), (2, 1));
        let bytes = module.emit_wasm();
        assert!(Module::from_buffer(&bytes)?.exports.get_func(INSTEAD).is_err());
        Ok(())
    }

    #[test]
    fn a_part_begins_a_word() {
        assert!(has("<combine::parser::Map as Parser>::parse", "combine::"));
        assert!(!has("cubecl_opt::passes::inst_combine::as_fma", "combine::"));
        assert!(has("cubek_matmul::variants::mma::reader::load", "::variants::mma::"));
    }

    #[test]
    fn a_path_without_types_is_of_the_function_alone() {
        let path = "<a::B<c::D> as e::F<fn(g::H) -> i::J<k::L>>>::m::<n::O>::{closure#0}";
        assert_eq!(without_types(path), "<a::B as e::F>::m::{closure#0}");
    }

    #[test]
    fn the_same_function_of_another_type_has_its_path() {
        let path = "flex::ops::fold::<f64, flex::ops::sum<f64>::{closure#0}, f64x2>";
        assert_eq!(with_type(path, "f64", "f32"), "flex::ops::fold::<f32, flex::ops::sum<f32>::{closure#0}, f64x2>");
        assert_eq!(with_type("<Autodiff<Flex, Balanced> as Ops>::add", "Balanced", ""), "<Autodiff<Flex> as Ops>::add");
    }

    #[test]
    fn the_type_of_the_elements_is_the_first() {
        assert!(begins_with_type("f64, burn_flex::ops::unary::exp>", "f64") && begins_with_type("f64>", "f64"));
        assert!(!begins_with_type("f32, <f64>::powf>", "f64") && !begins_with_type("f64x2>", "f64"));
    }

    #[test]
    fn a_rule_that_holds_for_nothing_is_an_error() {
        let none =
            chosen(&functions(&module(&["other"])), &["cubek::quant::"], |part, function| has(&function.path, part));
        let error = none.expect_err("nothing to leave out");
        assert!(error.to_string().contains("\"cubek::quant::\""), "{error}");
    }
}
