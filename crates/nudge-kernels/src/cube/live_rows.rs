//! Which rows of a batch go on, and the embeddings of their next tokens: a cube a slot.

use burn::tensor::DType;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{buffer, empty, floats, integers, one_cube_each, sizes};

/// Units that share an embedding.
const UNITS: u32 = 32;

#[cube]
fn is_end(token: i32, ends: &[i32], count: usize) -> bool {
    let mut found = false;
    for i in 0..count {
        if ends[i] == token {
            found = true;
        }
    }
    found
}

#[cube(launch_unchecked)]
fn embed_rows(
    weight: &[f32],
    tokens: &[i32],
    ends: &[i32],
    list: &[i32],
    x: &mut [f32],
    new_list: &mut [i32],
    batch: usize,
    width: usize,
    end_count: usize,
    room: usize,
    last: usize,
) {
    let slot = min(CUBE_POS, batch - 1);
    let lists = slot == 0 && UNIT_POS == 0;
    let were_live = usize::cast_from(list[0]);
    // Rows that go on keep their order from the front; those that end now fill up from the back.
    let mut live = 0usize;
    let mut ended = were_live;
    let mut token = 0usize;
    let mut found = false;
    for old in 0..were_live {
        let row = list[1 + old];
        let of_row = tokens[usize::cast_from(row) * room + last];
        if is_end(of_row, ends, end_count) {
            ended -= 1;
            if lists {
                new_list[1 + ended] = row;
            }
        } else {
            if lists {
                new_list[1 + live] = row;
            }
            if live == slot {
                token = usize::cast_from(of_row);
                found = true;
            }
            live += 1;
        }
    }
    if lists {
        new_list[0] = i32::cast_from(live);
        for old in were_live..batch {
            new_list[1 + old] = list[1 + old];
        }
    }
    if found {
        for i in range_stepped(UNIT_POS as usize, width, UNITS as usize) {
            x[slot * width + i] = weight[token * width + i];
        }
    }
}

/// Embeddings `[batch, 1, width]` by slot, and the list of live rows after column `last` of `tokens: [batch, room]`.
pub(super) fn embed(
    weight: CubeTensor,
    tokens: CubeTensor,
    ends: CubeTensor,
    list: CubeTensor,
    last: usize,
) -> (CubeTensor, CubeTensor) {
    let (weight, [tokens, ends, list]) = (floats(weight), [tokens, ends, list].map(integers));
    let ([batch, room], [_, width], [end_count]) = (sizes(&tokens), sizes(&weight), sizes(&ends));
    let x = empty(&weight, [batch, 1, width]);
    let shape = list.meta.shape().clone();
    let new_list = empty_device_contiguous_dtype(list.client.clone(), list.device.clone(), shape, DType::I32);
    let (count, cube) = one_cube_each(&x, batch, UNITS);
    // SAFETY: the list names rows of the batch; tokens are below the vocabulary; every cube writes its slot alone.
    unsafe {
        embed_rows::launch_unchecked(
            &x.client,
            count,
            cube,
            buffer(&weight),
            buffer(&tokens),
            buffer(&ends),
            buffer(&list),
            buffer(&x),
            buffer(&new_list),
            batch,
            width,
            end_count,
            room,
            last,
        );
    }
    (x, new_list)
}
