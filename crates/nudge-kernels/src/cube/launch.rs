//! What every launch needs: contiguous inputs, fresh outputs, and how many cubes to start.

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl::calculate_cube_count_elemwise;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

/// Units of one cube where every unit computes elements of its own.
const UNITS: u32 = 64;

/// A float tensor whose elements lie in the order of its indices.
pub(super) fn floats(x: CubeTensor) -> CubeTensor {
    assert_eq!(x.dtype, DType::F32, "the GPU kernels are for f32");
    into_contiguous(x)
}

/// Integers as `i32` in the order of their indices.
pub(super) fn integers(x: CubeTensor) -> CubeTensor {
    into_contiguous(if x.dtype == DType::I32 { x } else { cast(x, DType::I32) })
}

/// A tensor to write into: `x`, or a copy where something else reads it.
pub(super) fn mutable(x: CubeTensor) -> CubeTensor {
    if x.can_mut() { x } else { x.copy() }
}

/// A tensor of `shape` on the device of `like`, with any content.
pub(super) fn empty(like: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape.into(), DType::F32)
}

/// Where a kernel writes its result.
pub(super) struct Output {
    pub tensor: CubeTensor,
    /// The argument whose buffer it takes over.
    input: Option<usize>,
}

impl Output {
    /// Over `x`, the kernel's argument number `input`, where nothing else reads it; else a tensor of its shape.
    pub fn over(x: &CubeTensor, input: usize) -> Self {
        match x.can_mut() {
            true => Self { tensor: x.clone(), input: Some(input) },
            false => Self { tensor: empty(x, x.meta.shape().clone()), input: None },
        }
    }

    /// The buffer as a kernel's argument: GPUs refuse one buffer under two names.
    pub fn buffer(&self) -> BufferArg {
        match self.input {
            Some(input) => self.tensor.as_tensor_alias(input).into_buffer_arg(),
            None => buffer(&self.tensor),
        }
    }
}

/// The sizes of all dimensions.
pub(super) fn sizes<const D: usize>(x: &CubeTensor) -> [usize; D] {
    let shape = x.meta.shape();
    std::array::from_fn(|dimension| shape[dimension])
}

/// Enough cubes for a unit an element. Units beyond `elements` are the kernel's to turn away.
pub(super) fn one_unit_each(x: &CubeTensor, elements: usize) -> (CubeCount, CubeDim) {
    let cube = CubeDim::new_1d(UNITS);
    (calculate_cube_count_elemwise(&x.client, elements, cube), cube)
}

/// Enough cubes of `units` for a cube a row. Cubes beyond `rows` are the kernel's to take for the last.
pub(super) fn one_cube_each(x: &CubeTensor, rows: usize, units: u32) -> (CubeCount, CubeDim) {
    (calculate_cube_count_elemwise(&x.client, rows, CubeDim::new_1d(1)), CubeDim::new_1d(units))
}

/// The buffer as a kernel's argument.
pub(super) fn buffer(x: &CubeTensor) -> BufferArg {
    x.clone().into_buffer_arg()
}
