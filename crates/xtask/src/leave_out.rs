//! Takes code out of the compiled module that no page reaches and no linker can know to be dead.
//!
//! burn keeps its variants in tables of functions: kernels for quantised weights, for matrix units that WebGPU does
//! not offer, readers of its own file formats. [`PARTS`] names them by their path. Their bodies become
//! one call that ends the run with a message, and what only they called goes with them when the module is bound.
//!
//! Deliberately absent: anything that depends on the visitor's GPU or on an option of the page. A new part needs the
//! browser tests of all projects, `webgpu` above all: they are what shows that the page does not call it.

use anyhow::{Context, Result, ensure};
use walrus::{FunctionBuilder, FunctionId, FunctionKind, LocalFunction, Module};

/// The function in `web/` that says so when a page does reach what was left out.
const INSTEAD: &str = "nudge_left_out";

/// How a value goes out of use. Such functions stay: see [`SMALLEST`].
const DROP: &str = "core::ptr::drop_in_place";

/// Parts of the paths of functions.
pub const PARTS: [&str; 17] = [
    // Quantised weights: the page's are f32.
    "cubecl_std::quant::view::run_with_quant_type",
    "cubecl_std::quant::view::QuantizedViewExpand",
    "cubecl_std::quant::view::RegisterDynamic",
    "cubecl_std::quant::view::ExpandDynamic",
    "cubecl_std::quant::dequantize::",
    "cubek_quant::",
    "burn_backend::quantization::",
    "burn_backend::backend::ops::qtensor::QTensorOps",
    // Loads by NVIDIA's matrix units, which WGSL cannot name.
    "::__expand_tensor_map_load_method",
    // Matrix products by burn: the page's are our own.
    "cubek_matmul::",
    "cubek_tile::",
    // Sorting: a GPU draws by a kernel of our own, the CPU without tensors.
    "burn_flex::ops::sort::",
    // The text form of the GPU compiler's programs, read back: it is only ever written.
    "pliron::parsable::Parsable>::parse",
    "combine::",
    "rustc_apfloat::Float>::from_str_r",
    // Fused kernels read back from a disk: a tab has none.
    "CubeOptimizationState::decode",
    // Matrix products in f64: the page's numbers are f32.
    "gemm_f64::",
];

/// Below this many instructions a function stays. LLVM keeps one of several functions with equal bodies, under the
/// name of any: what is this small and goes by the name of a part may serve the rest of the module too.
const SMALLEST: u64 = 80;

/// Replaces the bodies of all functions with one of [`PARTS`] in their path.
///
/// # Errors
/// When a part has no functions: a dependency has renamed it, and it would silently come back.
pub fn leave_out(module: &mut Module) -> Result<()> {
    let functions = leave_out_parts(module, &PARTS, SMALLEST)?;
    println!("Left out {functions} functions that no page reaches.");
    Ok(())
}

fn leave_out_parts(module: &mut Module, parts: &[&str], smallest: u64) -> Result<usize> {
    let instead = module.exports.get_func(INSTEAD).with_context(|| format!("the module has no {INSTEAD}"))?;
    module.exports.remove(INSTEAD)?;
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
        let body = call(module, *function, instead);
        module.funcs.get_mut(*function).kind = FunctionKind::Local(body);
    }
    Ok(functions.len())
}

/// Whether `part` stands in `path`, not as the end of a longer word.
fn has(path: &str, part: &str) -> bool {
    let within_a_word = |before: &str| before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
    path.match_indices(part).any(|(start, _)| part.starts_with("::") || !within_a_word(&path[..start]))
}

/// The path in Rust of a function as the linker calls it.
fn path(symbol: &str) -> String {
    let symbol = symbol.split(".llvm.").next().unwrap_or_default();
    format!("{:#}", rustc_demangle::demangle(symbol))
}

/// A body of the type of `function` that calls `instead`, which does not return.
fn call(module: &mut Module, function: FunctionId, instead: FunctionId) -> LocalFunction {
    let (parameters, results) = module.types.params_results(module.funcs.get(function).ty());
    let (parameters, results) = (parameters.to_vec(), results.to_vec());
    let arguments = parameters.iter().map(|kind| module.locals.add(*kind)).collect();
    let mut builder = FunctionBuilder::new(&mut module.types, &parameters, &results);
    builder.func_body().call(instead).unreachable();
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
        assert_eq!(leave_out_parts(&mut module, &["cubek::quant::"], 1)?, 1);
        assert_eq!((instructions(&module, out), instructions(&module, stays)), (2, 1));
        let bytes = module.emit_wasm();
        assert!(Module::from_buffer(&bytes)?.exports.get_func(INSTEAD).is_err());
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
    fn a_part_that_is_gone_is_an_error() {
        let error = leave_out_parts(&mut module(&["other"]), &["cubek::quant::"], 1).expect_err("nothing to leave out");
        assert!(error.to_string().contains("`cubek::quant::`"), "{error}");
    }
}
