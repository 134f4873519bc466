//! Sums and maxima over the units of a cube, in a fixed order.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

/// The sum of one value a unit, known to every unit. `units` is a power of two, at least 2.
#[cube]
pub(super) fn sum_of_units(value: f32, #[comptime] units: u32) -> f32 {
    over_units(value, units, true)
}

/// The largest of one value a unit, known to every unit. `units` is a power of two, at least 2.
#[cube]
pub(super) fn max_of_units(value: f32, #[comptime] units: u32) -> f32 {
    over_units(value, units, false)
}

/// Halves the number of values until one is left.
#[cube]
fn over_units(value: f32, #[comptime] units: u32, #[comptime] adds: bool) -> f32 {
    let mut shared = Shared::<[f32]>::new_slice(units as usize);
    shared[UNIT_POS as usize] = value;
    sync_cube();
    #[unroll]
    for level in 1..comptime!(units.ilog2() + 1) {
        let half = comptime!(units >> level);
        if UNIT_POS < half {
            let other = shared[(UNIT_POS + half) as usize];
            let own = shared[UNIT_POS as usize];
            if adds {
                shared[UNIT_POS as usize] = own + other;
            } else {
                shared[UNIT_POS as usize] = max(own, other);
            }
        }
        sync_cube();
    }
    let all = shared[0];
    sync_cube();
    all
}
