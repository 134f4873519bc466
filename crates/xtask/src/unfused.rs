//! The module for browsers without relaxed SIMD: the same code in instructions that every browser has.
//!
//! Nearly every browser multiplies and adds in one instruction, which rounds once and makes products up to half as fast
//! again; a browser without it refuses the whole module. Compiling twice would double the build, so the second module is
//! made of the first.

use anyhow::{Context, Result};
use walrus::ir::{
    BinaryOp, Binop, Instr, InstrSeq, LocalGet, LocalSet, TernOp, TernaryOp, UnaryOp, Unop, VisitorMut,
    dfs_pre_order_mut,
};
use walrus::{LocalId, ModuleConfig, ValType};
use wasmparser::{Validator, WasmFeatures};

/// The module without relaxed SIMD.
///
/// # Errors
/// If it is no module, or has an instruction for which nothing is given here.
pub fn unfused(module: &[u8]) -> Result<Vec<u8>> {
    let mut module = ModuleConfig::new().generate_producers_section(false).parse(module)?;
    let addend = module.locals.add(ValType::V128);
    let mut split = Split { addend };
    for (_, function) in module.funcs.iter_local_mut() {
        let entry = function.entry_block();
        dfs_pre_order_mut(&mut split, function, entry);
    }
    let module = module.emit_wasm();
    let features = WasmFeatures::default() - WasmFeatures::RELAXED_SIMD;
    Validator::new_with_features(features)
        .validate_all(&module)
        .context("a browser without relaxed SIMD refuses it")?;
    Ok(module)
}

/// Puts other instructions in the place of relaxed ones.
struct Split {
    /// Holds the addend while the product is computed.
    addend: LocalId,
}

impl Split {
    /// What every browser has in the place of an instruction that the compiler may use.
    fn instead_of(&self, instruction: &Instr) -> Option<Vec<Instr>> {
        let binary = |op| Instr::Binop(Binop { op });
        let (set, get) =
            (Instr::LocalSet(LocalSet { local: self.addend }), Instr::LocalGet(LocalGet { local: self.addend }));
        match instruction {
            Instr::TernOp(TernOp { op }) => match op {
                TernaryOp::F32x4RelaxedMadd => {
                    Some(vec![set, binary(BinaryOp::F32x4Mul), get, binary(BinaryOp::F32x4Add)])
                }
                TernaryOp::F32x4RelaxedNmadd => {
                    let negated = Instr::Unop(Unop { op: UnaryOp::F32x4Neg });
                    Some(vec![set, binary(BinaryOp::F32x4Mul), negated, get, binary(BinaryOp::F32x4Add)])
                }
                _ => None,
            },
            Instr::Binop(Binop { op }) => match op {
                BinaryOp::F32x4RelaxedMin => Some(vec![binary(BinaryOp::F32x4Min)]),
                BinaryOp::F32x4RelaxedMax => Some(vec![binary(BinaryOp::F32x4Max)]),
                BinaryOp::F64x2RelaxedMin => Some(vec![binary(BinaryOp::F64x2Min)]),
                BinaryOp::F64x2RelaxedMax => Some(vec![binary(BinaryOp::F64x2Max)]),
                _ => None,
            },
            _ => None,
        }
    }
}

impl VisitorMut for Split {
    fn start_instr_seq_mut(&mut self, sequence: &mut InstrSeq) {
        let old = std::mem::take(&mut sequence.instrs);
        for (instruction, place) in old {
            match self.instead_of(&instruction) {
                Some(others) => sequence.instrs.extend(others.into_iter().map(|other| (other, place))),
                None => sequence.instrs.push((instruction, place)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::{FunctionBuilder, Module};

    /// A module with one function of three vectors.
    fn module(instruction: Instr) -> Vec<u8> {
        let mut module = Module::with_config(ModuleConfig::new());
        let arguments: Vec<LocalId> = (0..3).map(|_| module.locals.add(ValType::V128)).collect();
        let mut function = FunctionBuilder::new(&mut module.types, &[ValType::V128; 3], &[ValType::V128]);
        let mut body = function.func_body();
        for argument in &arguments {
            body.local_get(*argument);
        }
        body.instr(instruction);
        let function = function.finish(arguments, &mut module.funcs);
        module.exports.add("f", function);
        module.emit_wasm()
    }

    #[test]
    fn two_instructions_stand_for_the_one() -> Result<()> {
        let fused = module(Instr::TernOp(TernOp { op: TernaryOp::F32x4RelaxedMadd }));
        let plain = unfused(&fused)?;
        // f32x4.relaxed_madd; then local.set 3, f32x4.mul, local.get 3, f32x4.add.
        let has = |module: &[u8], code: &[u8]| module.windows(code.len()).any(|bytes| bytes == code);
        let (one, two) = ([0xfd, 0x85, 0x02], [0x21, 3, 0xfd, 0xe6, 0x01, 0x20, 3, 0xfd, 0xe4, 0x01]);
        assert!(has(&fused, &one) && !has(&fused, &two));
        assert!(has(&plain, &two) && !has(&plain, &one));
        Ok(())
    }

    #[test]
    fn an_instruction_without_another_is_an_error() {
        let module = module(Instr::TernOp(TernOp { op: TernaryOp::I8x16RelaxedLaneselect }));
        let error = unfused(&module).expect_err("refused");
        assert!(format!("{error:#}").contains("relaxed"), "{error:#}");
    }
}
