//! Between burn's CPU tensors and plain slices.

use burn::backend::{DType, Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::TensorData;

/// A tensor of the CPU backend, of any element type.
pub(super) type FlexTensor = FloatTensor<Flex>;

/// The dimensions, `D` of them.
pub(super) fn dims<const D: usize>(tensor: &FlexTensor) -> [usize; D] {
    let shape = tensor.shape();
    std::array::from_fn(|i| {
        assert_eq!(shape.num_dims(), D, "expected {D} dimensions, got {shape:?}");
        shape[i]
    })
}

/// The same tensor with its elements consecutive in memory; copies only if they are not.
pub(super) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

/// Elements of a contiguous `f32` tensor.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    let (start, end) = tensor.layout().contiguous_offsets().expect("the tensor was made contiguous");
    &tensor.storage::<f32>()[start..end]
}

/// Elements of a tensor to write over. Copies first if anybody else holds the same memory.
pub(super) fn values_mut(tensor: &mut FlexTensor) -> &mut [f32] {
    let (start, end) = tensor.layout().contiguous_offsets().expect("the tensor was made contiguous");
    &mut tensor.storage_mut::<f32>()[start..end]
}

/// A tensor that takes over `values`.
pub(super) fn tensor(values: Vec<f32>, shape: impl Into<Vec<usize>>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.into()))
}

/// Elements of an integer tensor as indices below `end`.
///
/// # Panics
/// On an index outside `0..end`, as burn's own gather does.
pub(super) fn indices(tensor: FlexTensor, end: usize) -> Vec<u32> {
    let tensor = contiguous(tensor);
    let (start, stop) = tensor.layout().contiguous_offsets().expect("the tensor was made contiguous");
    let checked = |index: i64| {
        assert!(0 <= index && index < end as i64, "index {index} is outside 0..{end}");
        index as u32
    };
    match tensor.dtype() {
        DType::I32 => tensor.storage::<i32>()[start..stop].iter().map(|&i| checked(i.into())).collect(),
        DType::I64 => tensor.storage::<i64>()[start..stop].iter().map(|&i| checked(i)).collect(),
        DType::U32 => tensor.storage::<u32>()[start..stop].iter().map(|&i| checked(i.into())).collect(),
        other => panic!("indices of type {other:?} are not supported on the CPU backend"),
    }
}
