//! A list of tensors as an argument and a result of our operations: burn's derive knows a fixed number of them.

use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Backend, BackendTensor, Dispatch, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind, ExtensionType,
};

/// Float tensors in the caller's order.
pub(crate) struct TensorList<B: Backend>(pub Vec<FloatTensor<B>>);

impl<B: Backend> ExtensionType<B> for TensorList<B> {
    type Target = TensorList<Dispatch>;

    fn map_to_dispatch<F>(self, map_kind: F, autodiff: DispatchAutodiffContext) -> Self::Target
    where
        F: Fn(BackendTensor<B>) -> DispatchTensorKind,
    {
        let wrapped = self.0.into_iter().map(|x| DispatchTensor { kind: map_kind(BackendTensor::Float(x)), autodiff });
        TensorList(wrapped.collect())
    }

    fn map_from_dispatch<F>(target: Self::Target, unwrap_kind: F) -> Self
    where
        F: Fn(DispatchTensor) -> BackendTensor<B>,
    {
        Self(target.0.into_iter().map(|x| unwrap_kind(x).float()).collect())
    }

    fn routing_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn routing_float_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn autodiff_context(target: &Self::Target) -> DispatchAutodiffContext {
        target.0.iter().fold(DispatchAutodiffContext::Disabled, |context, x| context.merge(x.autodiff))
    }
}

/// How burn's queue of operations keeps a list: each tensor as it keeps a single one.
#[cfg(feature = "gpu")]
mod queued {
    use std::vec::IntoIter;

    use burn::backend::fusion::custom::{
        ExtensionMetadata, Float, FusionValueAdapter, HandleContainer, OutputTensor, TensorId, TensorIr, TensorSpec,
    };
    use burn::backend::fusion::{ExecutionError, Fusion, FusionBackend, FusionRuntime, FusionTensor};

    use super::{Backend, TensorList};

    type Handles<B> = HandleContainer<<<B as FusionBackend>::FusionRuntime as FusionRuntime>::FusionHandle>;
    type Lazy<B> = FusionTensor<<B as FusionBackend>::FusionRuntime>;

    impl<B: Backend> ExtensionMetadata for TensorList<B> {
        type Metadata = Vec<TensorSpec>;
        type Input = Vec<TensorIr>;
        type Output = Vec<OutputTensor>;
    }

    impl<B: FusionBackend> FusionValueAdapter<B> for TensorList<B> {
        type Metadata = Vec<TensorSpec>;
        type Input = Vec<TensorIr>;
        type Output = Vec<OutputTensor>;
        type Inner = Self;
        type Fused = TensorList<Fusion<B>>;

        fn to_metadata(value: &Self::Fused) -> Self::Metadata {
            value.0.iter().map(<Float as FusionValueAdapter<B>>::to_metadata).collect()
        }

        fn visit_fused_tensors(value: &Self::Fused, visit: &mut impl FnMut(&Lazy<B>)) {
            value.0.iter().for_each(visit);
        }

        fn tensor_count(meta: &Self::Metadata) -> usize {
            meta.len()
        }

        fn append_input_ir(value: Self::Fused, inputs: &mut Vec<TensorIr>) -> Self::Input {
            value.0.into_iter().map(|x| <Float as FusionValueAdapter<B>>::append_input_ir(x, inputs)).collect()
        }

        fn resolve_inputs(input: &Self::Input, handles: &mut Handles<B>) -> Self {
            Self(input.iter().map(|x| <Float as FusionValueAdapter<B>>::resolve_inputs(x, handles)).collect())
        }

        fn append_output_ir(
            meta: &Self::Metadata,
            out: &mut Vec<TensorIr>,
            create: &mut impl FnMut() -> TensorId,
        ) -> Self::Output {
            meta.iter().map(|x| <Float as FusionValueAdapter<B>>::append_output_ir(x, out, create)).collect()
        }

        fn validate_outputs(
            value: &Self,
            output: &Self::Output,
            device: Option<&B::Device>,
        ) -> Result<(), ExecutionError> {
            if value.0.len() != output.len() {
                return Err(ExecutionError::generic("a list of tensors differs in length from its description"));
            }
            let mut pairs = value.0.iter().zip(output);
            pairs.try_for_each(|(x, output)| <Float as FusionValueAdapter<B>>::validate_outputs(x, output, device))
        }

        fn register_output_handles(value: Self, output: &Self::Output, handles: &mut Handles<B>) {
            for (x, output) in value.0.into_iter().zip(output) {
                <Float as FusionValueAdapter<B>>::register_output_handles(x, output, handles);
            }
        }

        fn build_fused_output(meta: &Self::Metadata, tensors: &mut IntoIter<Lazy<B>>) -> Self::Fused {
            TensorList(meta.iter().map(|x| <Float as FusionValueAdapter<B>>::build_fused_output(x, tensors)).collect())
        }
    }
}
