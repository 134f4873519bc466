//! Tensors side by side in one buffer, so that one launch reaches them all.
//!
//! Parameters, moments and gradients of a model are dozens of small tensors; WebGPU promises a kernel eight buffers, one
//! of which has the numbers of the launch.
//! What an optimizer step gives back are [views](Places::views) of one buffer, and the next step finds it [`whole`].
//! A view is a tensor like any other, but for holding the memory of its neighbours.

use burn::tensor::Shape;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{buffer, empty, floats};
use super::reduce::sum_of_units;

/// Units that share a cube's part of a tensor.
const UNITS: u32 = 64;

/// Cubes of one launch that copies, each with a partial sum of squares.
const PARTS: usize = 256;

/// Tensors that one launch copies: with the copies, the sums and the numbers of the launch they are eight buffers.
const TENSORS: usize = 5;

/// Elements of a buffer, unless one tensor alone has more: 128 MiB, what WebGPU promises of a buffer that a kernel
/// reads.
const LONGEST: usize = 1 << 25;

const BYTES: usize = size_of::<f32>();

/// Where tensors lie in their buffer.
pub(super) struct Places {
    shapes: Vec<Shape>,
    starts: Vec<usize>,
    /// Elements of the buffer.
    total: usize,
}

impl Places {
    pub fn of(tensors: &[CubeTensor]) -> Self {
        let mut total = 0;
        let starts = tensors.iter().map(|x| {
            total += room(x);
            total - room(x)
        });
        Self { starts: starts.collect(), total, shapes: tensors.iter().map(|x| x.meta.shape().clone()).collect() }
    }

    /// The tensors that lie in `buffer`.
    pub fn views(&self, buffer: &CubeTensor) -> Vec<CubeTensor> {
        let ends = self.starts.iter().skip(1).chain([&self.total]);
        let view = |((shape, start), end): ((&Shape, &usize), &usize)| {
            let mut handle = buffer.handle.clone();
            handle.offset_start = Some((start * BYTES) as u64);
            handle.offset_end = Some(((self.total - end) * BYTES) as u64);
            let (client, device) = (buffer.client.clone(), buffer.device.clone());
            CubeTensor::new_contiguous(client, device, shape.clone(), handle, buffer.dtype)
        };
        self.shapes.iter().zip(&self.starts).zip(ends).map(view).collect()
    }
}

/// Elements from the beginning of one tensor to that of the next: buffers are bound at certain places only.
fn room(x: &CubeTensor) -> usize {
    let alignment = (x.client.properties().memory.alignment as usize / BYTES).max(1);
    x.meta.num_elements().next_multiple_of(alignment)
}

/// How many tensors at a time share a buffer: as many in a row as fit one.
pub(super) fn groups(tensors: &[CubeTensor]) -> Vec<usize> {
    let (mut counts, mut filled) = (vec![0], 0);
    for room in tensors.iter().map(room) {
        if filled > 0 && filled + room > LONGEST {
            counts.push(0);
            filled = 0;
        }
        *counts.last_mut().expect("begins with one") += 1;
        filled += room;
    }
    counts
}

/// The one buffer in which these lie, all that lie there and in their order.
fn common_buffer(tensors: &[CubeTensor]) -> Option<CubeTensor> {
    let Places { starts, total, .. } = Places::of(tensors);
    let mut handle = tensors[0].handle.clone();
    let at_its_place = |(x, start): (&CubeTensor, usize)| {
        let of_buffer = x.handle.memory.descriptor() == handle.memory.descriptor();
        of_buffer && x.is_contiguous() && x.handle.offset_start.unwrap_or(0) == (start * BYTES) as u64
    };
    if handle.size() != (total * BYTES) as u64 || !tensors.iter().zip(starts).all(at_its_place) {
        return None;
    }
    (handle.offset_start, handle.offset_end) = (None, None);
    let (client, device) = (tensors[0].client.clone(), tensors[0].device.clone());
    Some(CubeTensor::new_contiguous(client, device, [total].into(), handle, tensors[0].dtype))
}

/// All tensors in one buffer, `[elements]`: where they lie if that is one, else a copy.
pub(super) fn whole(tensors: Vec<CubeTensor>) -> CubeTensor {
    common_buffer(&tensors).unwrap_or_else(|| copied(tensors, None).0)
}

#[cube(launch_unchecked)]
fn copy_and_square(
    tensors: Sequence<Box<[f32]>>,
    elements: Sequence<usize>,
    starts: Sequence<usize>,
    out: &mut [f32],
    sums: &mut [f32],
    #[comptime] continues: bool,
) {
    let mut sum = 0.0f32;
    #[unroll]
    for i in 0..tensors.len() {
        let from = &tensors[i];
        for at in range_stepped(ABSOLUTE_POS, elements[i], PARTS * UNITS as usize) {
            let x = from[at];
            out[starts[i] + at] = x;
            sum += x * x;
        }
    }
    let total = sum_of_units(sum, UNITS);
    if UNIT_POS == 0 {
        if continues {
            sums[CUBE_POS] += total;
        } else {
            sums[CUBE_POS] = total;
        }
    }
}

/// A copy of all tensors in one buffer, and partial sums of the squares of their elements, `[PARTS]`, added to those
/// given.
pub(super) fn copied(tensors: Vec<CubeTensor>, sums: Option<CubeTensor>) -> (CubeTensor, CubeTensor) {
    let tensors: Vec<CubeTensor> = tensors.into_iter().map(floats).collect();
    let Places { starts, total, .. } = Places::of(&tensors);
    let out = empty(&tensors[0], [total]);
    let mut continues = sums.is_some();
    let sums = sums.unwrap_or_else(|| empty(&out, [PARTS]));
    for (tensors, places) in tensors.chunks(TENSORS).zip(starts.chunks(TENSORS)) {
        let (mut buffers, mut elements, mut starts) = (SequenceArg::new(), SequenceArg::new(), SequenceArg::new());
        for (x, start) in tensors.iter().zip(places) {
            buffers.push(buffer(x));
            elements.push(x.meta.num_elements());
            starts.push(*start);
        }
        // SAFETY: units read below the elements of each tensor and write to its place; cubes are as many as sums.
        unsafe {
            copy_and_square::launch_unchecked(
                &out.client,
                CubeCount::Static(PARTS as u32, 1, 1),
                CubeDim::new_1d(UNITS),
                buffers,
                elements,
                starts,
                buffer(&out),
                buffer(&sums),
                continues,
            );
        }
        continues = true;
    }
    (out, sums)
}

#[cfg(test)]
#[cfg(feature = "wgpu")]
mod tests {
    use super::*;
    use burn::backend::DispatchDevice;
    use burn::backend::ops::FloatTensorOps;
    use burn::tensor::{Device, DeviceKind, TensorData};
    use burn_cubecl::CubeBackend;

    /// Vectors of these lengths on the machine's GPU.
    fn vectors(lengths: [usize; 9]) -> Vec<CubeTensor> {
        let device = Device::wgpu(DeviceKind::DefaultDevice);
        let DispatchDevice::Cube(device) = device.as_dispatch().clone() else { panic!("a GPU is no CPU") };
        let data = |length: usize| TensorData::new(vec![length as f32; length], [length]);
        lengths.iter().map(|&length| CubeBackend::float_from_data(data(length), &device)).collect()
    }

    #[test]
    fn views_of_one_buffer_are_found_again_and_nothing_else_is() {
        let tensors = vectors([64, 3, 1, 65, 128, 64, 200, 64, 7]);
        assert!(common_buffer(&tensors).is_none(), "separate buffers");
        let places = Places::of(&tensors);
        let (buffer, _) = copied(tensors.clone(), None);
        let views = places.views(&buffer);
        let found = common_buffer(&views).expect("views of all of it");
        assert_eq!(found.handle.memory.descriptor(), buffer.handle.memory.descriptor());
        assert_eq!(found.meta.num_elements(), buffer.meta.num_elements());
        assert!(common_buffer(&views[..8]).is_none(), "not all of them");
        assert!(common_buffer(&views[1..]).is_none(), "not from the first on");
        let mut swapped = views.clone();
        swapped.swap(0, 5);
        assert!(common_buffer(&swapped).is_none(), "another order");
        let mut foreign = views;
        foreign[4] = tensors[4].clone();
        assert!(common_buffer(&foreign).is_none(), "one from elsewhere");
    }
}
