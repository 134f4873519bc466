//! Four numbers side by side: a register of WebAssembly, and a plain array elsewhere, where tests alone use it.

#[cfg(target_family = "wasm")]
pub(crate) use register::Four;

#[cfg(not(target_family = "wasm"))]
pub(crate) use array::Four;

#[cfg(target_family = "wasm")]
mod register {
    #[cfg(not(target_feature = "relaxed-simd"))]
    use std::arch::wasm32::f32x4_mul;
    #[cfg(target_feature = "relaxed-simd")]
    use std::arch::wasm32::f32x4_relaxed_madd;
    use std::arch::wasm32::{f32x4_add, f32x4_splat, i32x4_shuffle, v128, v128_load, v128_store};

    /// Four numbers.
    #[derive(Clone, Copy)]
    pub(crate) struct Four(v128);

    impl Four {
        #[inline(always)]
        pub(crate) fn splat(x: f32) -> Self {
            Self(f32x4_splat(x))
        }

        #[inline(always)]
        #[allow(unsafe_code)]
        pub(crate) fn load(numbers: &[f32; 4]) -> Self {
            // SAFETY: four numbers are there; the load asks for no alignment.
            Self(unsafe { v128_load(numbers.as_ptr().cast()) })
        }

        #[inline(always)]
        #[allow(unsafe_code)]
        pub(crate) fn store(self, numbers: &mut [f32; 4]) {
            // SAFETY: there is room for four numbers; the store asks for no alignment.
            unsafe { v128_store(numbers.as_mut_ptr().cast(), self.0) }
        }

        #[inline(always)]
        pub(crate) fn plus(self, x: Self) -> Self {
            Self(f32x4_add(self.0, x.0))
        }

        /// `self + x * y`, rounded once where the processor can.
        #[inline(always)]
        pub(crate) fn plus_product(self, x: Self, y: Self) -> Self {
            #[cfg(target_feature = "relaxed-simd")]
            let sum = f32x4_relaxed_madd(x.0, y.0, self.0);
            #[cfg(not(target_feature = "relaxed-simd"))]
            let sum = f32x4_add(self.0, f32x4_mul(x.0, y.0));
            Self(sum)
        }

        /// Rows and columns exchanged.
        #[inline(always)]
        pub(crate) fn transposed([a, b, c, d]: [Self; 4]) -> [Self; 4] {
            let (ab, cd) = (i32x4_shuffle::<0, 4, 1, 5>(a.0, b.0), i32x4_shuffle::<0, 4, 1, 5>(c.0, d.0));
            let (ab_end, cd_end) = (i32x4_shuffle::<2, 6, 3, 7>(a.0, b.0), i32x4_shuffle::<2, 6, 3, 7>(c.0, d.0));
            [
                Self(i32x4_shuffle::<0, 1, 4, 5>(ab, cd)),
                Self(i32x4_shuffle::<2, 3, 6, 7>(ab, cd)),
                Self(i32x4_shuffle::<0, 1, 4, 5>(ab_end, cd_end)),
                Self(i32x4_shuffle::<2, 3, 6, 7>(ab_end, cd_end)),
            ]
        }
    }
}

#[cfg(not(target_family = "wasm"))]
mod array {
    use std::array;

    /// Four numbers.
    #[derive(Clone, Copy)]
    pub(crate) struct Four([f32; 4]);

    impl Four {
        pub(crate) fn splat(x: f32) -> Self {
            Self([x; 4])
        }

        pub(crate) fn load(numbers: &[f32; 4]) -> Self {
            Self(*numbers)
        }

        pub(crate) fn store(self, numbers: &mut [f32; 4]) {
            *numbers = self.0;
        }

        /// `self + x * y`, rounded twice.
        pub(crate) fn plus_product(self, x: Self, y: Self) -> Self {
            Self(array::from_fn(|i| self.0[i] + x.0[i] * y.0[i]))
        }

        /// Rows and columns exchanged.
        pub(crate) fn transposed(rows: [Self; 4]) -> [Self; 4] {
            array::from_fn(|column| Self(array::from_fn(|row| rows[row].0[column])))
        }
    }
}
