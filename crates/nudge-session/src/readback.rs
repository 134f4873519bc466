//! The only place that waits for a device, and only in the form that a browser allows.

use crate::SessionError;
use burn::tensor::{DType, Int, Tensor, TensorData, Transaction};

use std::cell::Cell;

thread_local! {
    /// Waits so far. A run stays on one thread, so that runs on others do not count.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// How often a device has handed numbers to this thread; a GPU is waited for each time.
pub fn count() -> u64 {
    COUNT.get()
}

/// One more; called by what takes numbers over without a tensor.
pub(crate) fn counted() {
    COUNT.set(COUNT.get() + 1);
}

fn failed(error: impl std::fmt::Debug) -> SessionError {
    SessionError::Device(format!("{error:?}"))
}

fn floats(data: TensorData) -> Result<Vec<f32>, SessionError> {
    data.convert_dtype(DType::F32).try_into_vec::<f32>().map_err(failed)
}

/// Reads one tensor of any rank, row-major.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, SessionError> {
    counted();
    floats(tensor.into_data_async().await.map_err(failed)?)
}

/// Reads several tensors in one wait.
pub async fn read_all<const D: usize>(tensors: Vec<Tensor<D>>) -> Result<Vec<Vec<f32>>, SessionError> {
    if tensors.is_empty() {
        return Ok(Vec::new());
    }
    counted();
    let transaction = tensors.into_iter().fold(Transaction::default(), |all, tensor| all.register(tensor));
    let data = transaction.execute_async().await.map_err(failed)?;
    data.into_iter().map(floats).collect()
}

/// Numbers that a model computed, which somebody will judge by; `what` names one of them.
///
/// # Errors
/// [`SessionError::NotFinite`] if one is not finite.
pub fn finite(what: &'static str, numbers: Vec<f32>) -> Result<Vec<f32>, SessionError> {
    match numbers.iter().all(|number| number.is_finite()) {
        true => Ok(numbers),
        false => Err(SessionError::NotFinite { what }),
    }
}

/// Reads token ids and as many numbers in one wait.
pub async fn read_tokens(tokens: Tensor<2, Int>, numbers: Tensor<2>) -> Result<(Vec<u32>, Vec<f32>), SessionError> {
    counted();
    let mut data =
        Transaction::default().register(tokens).register(numbers).execute_async().await.map_err(failed)?.into_iter();
    let (Some(tokens), Some(numbers)) = (data.next(), data.next()) else {
        return Err(SessionError::Device("a transaction of two tensors gave fewer".into()));
    };
    let tokens = tokens.convert_dtype(DType::I64).try_into_vec::<i64>().map_err(failed)?;
    Ok((tokens.into_iter().map(|token| token as u32).collect(), floats(numbers)?))
}
