//! The weights of a decoder out of the files of a model, one by one.

use crate::container::Stored;
use crate::{Matrix, ModelError, Tensors, Weight};
use burn::tensor::{Device, Tensor};
use nudge_kernels::PackedWeight;

/// A model whose tensors lie in files.
pub(crate) struct File<'a> {
    tensors: &'a Tensors,
    device: Device,
    keeping: Keeping,
    read: Vec<Weight>,
    /// The first tensor that does not fit.
    wrong: Option<ModelError>,
}

/// How the matrices of a file are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// Not at all: names and shapes are compared, nothing is read.
    Nothing,
    /// In `f32`, to train.
    Dense,
    /// Frozen as the file stores them.
    Stored,
}

impl<'a> File<'a> {
    /// Nothing is read yet.
    pub fn new(tensors: &'a Tensors, keeping: Keeping, device: &Device) -> Self {
        Self { tensors, device: device.clone(), keeping, read: Vec::new(), wrong: None }
    }

    /// What was read.
    ///
    /// # Errors
    /// The first tensor that is missing, of another shape, or not finite.
    pub fn into_read(self) -> Result<Vec<Weight>, ModelError> {
        match self.wrong {
            Some(wrong) => Err(wrong),
            None => Ok(self.read),
        }
    }

    /// The matrix called `name`; where there is none that fits, that is noted, and something stands in its place.
    pub fn matrix(&mut self, name: &str, shape: [usize; 2]) -> Matrix {
        match self.read(name, shape) {
            Ok(Some(weight)) => {
                let matrix = weight.matrix().clone();
                self.read.push(weight);
                return matrix;
            }
            Ok(None) => {}
            Err(wrong) => {
                self.wrong.get_or_insert(wrong);
            }
        }
        Matrix::Dense(Tensor::zeros([1, 1], &self.device))
    }

    fn read(&self, name: &str, shape: [usize; 2]) -> Result<Option<Weight>, ModelError> {
        self.tensors.expect(name, shape)?;
        let dense = || self.tensors.matrix(name, shape, &self.device).map(Matrix::Dense);
        Ok(match self.keeping {
            _ if self.wrong.is_some() => None,
            Keeping::Nothing => None,
            Keeping::Dense => Some(Weight::new(name.into(), self.tensors.matrix(name, shape, &self.device)?)),
            // A vector is read with every token, and takes no room.
            Keeping::Stored if shape[0] == 1 => Some(Weight::of_base(name.into(), dense()?)),
            Keeping::Stored => {
                let Stored { encoding, bytes, .. } = self.tensors.stored(name)?;
                let packed = PackedWeight::new(encoding, shape, &bytes, &self.device);
                Some(Weight::of_base(name.into(), Matrix::Packed(packed)))
            }
        })
    }
}
