//! Reading the numbers of a packed weight on a GPU, out of 32-bit words: shaders know no bytes, and need know no halves.
//!
//! A block begins at any even byte, so what is read of it may lie in two words. The small integers of four numbers side
//! by side are made the four bytes of one word, wherever the block keeps their bits; a number is a scale times its
//! integer plus a least value, in every encoding. [`crate::encoding`] is the same on the CPU.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

use crate::encoding::Encoding;

/// Numbers that are read at a time. They lie in one block and share one scale.
pub(super) const RUN: usize = 8;

/// The four bytes from byte `at` on, which is even, and a multiple of four where blocks are whole words.
#[cube]
fn word(words: &[u32], at: usize, #[comptime] encoding: Encoding) -> u32 {
    let mut word = words[at / 4];
    if comptime!(!is_whole_words(encoding)) {
        if at % 4 != 0 {
            word = (word >> 16u32) | (words[at / 4 + 1] << 16u32);
        }
    }
    word
}

fn is_whole_words(encoding: Encoding) -> bool {
    encoding.block_bytes().is_multiple_of(4)
}

/// The two bytes from byte `at` on, which is even.
#[cube]
fn half_word(words: &[u32], at: usize) -> u32 {
    (words[at / 4] >> (u32::cast_from(at % 4) * 8u32)) & 0xffffu32
}

/// The half-precision number at byte `at`.
#[cube]
fn half(words: &[u32], at: usize) -> f32 {
    let bits = half_word(words, at);
    let exponent = (bits >> 10u32) & 31u32;
    let mantissa = bits & 0x3ffu32;
    let mut size = f32::from_bits(((exponent + 112u32) << 23u32) | (mantissa << 13u32));
    // Subnormal. Made of the integer, for what is subnormal in `f32` may be 0 on a GPU.
    if exponent == 0u32 {
        size = f32::cast_from(mantissa) * 5.960_464_5e-8f32;
    }
    if bits >= 0x8000u32 {
        size = -size;
    }
    size
}

/// A number that stands by itself.
#[cube]
fn plain(words: &[u32], index: usize, #[comptime] encoding: Encoding) -> f32 {
    if comptime!(encoding == Encoding::F16) {
        half(words, index * 2)
    } else if comptime!(encoding == Encoding::BF16) {
        f32::from_bits(half_word(words, index * 2) << 16u32)
    } else {
        f32::from_bits(words[index])
    }
}

/// Byte of a block at which the least value stands that its numbers share.
fn least_at(encoding: Encoding) -> Option<usize> {
    matches!(encoding, Encoding::Q4_1 | Encoding::Q5_1).then_some(2)
}

/// Scale and least value of the numbers from `i` on in the block at byte `block`.
#[cube]
fn scale_and_least(words: &[u32], block: usize, i: usize, #[comptime] encoding: Encoding) -> (f32, f32) {
    if comptime!(encoding == Encoding::Q4_K || encoding == Encoding::Q5_K) {
        // Six bits each in twelve bytes: those of the last four groups fill up the bytes of the first.
        let group = i / 32;
        let shift = u32::cast_from(group % 4) * 8u32;
        let at = block / 4 + 1;
        let low = words[at] >> shift;
        let middle = words[at + 1] >> shift;
        let mut scale = low & 63u32;
        let mut least = middle & 63u32;
        if group >= 4 {
            let high = words[at + 2] >> shift;
            scale = (high & 15u32) | ((low >> 2u32) & 48u32);
            least = ((high >> 4u32) & 15u32) | ((middle >> 2u32) & 48u32);
        }
        (half(words, block) * f32::cast_from(scale), -(half(words, block + 2) * f32::cast_from(least)))
    } else if comptime!(encoding == Encoding::Q6_K) {
        let at = block + 192 + i / 16;
        let byte = (words[at / 4] >> (u32::cast_from(at % 4) * 8u32)) & 255u32;
        (half(words, block + 208) * (f32::cast_from(byte ^ 128u32) - 128.0f32), f32::new(0.0))
    } else if comptime!(least_at(encoding).is_some()) {
        (half(words, block), half(words, block + comptime!(least_at(encoding).unwrap_or(0))))
    } else {
        (half(words, block), f32::new(0.0))
    }
}

/// Byte of a block at which its small integers begin.
fn integers_at(encoding: Encoding) -> usize {
    match encoding {
        Encoding::Q8_0 | Encoding::Q4_0 => 2,
        Encoding::Q4_1 => 4,
        Encoding::Q5_0 => 6,
        Encoding::Q5_1 => 8,
        Encoding::Q4_K => 16,
        Encoding::Q5_K => 48,
        Encoding::F32 | Encoding::F16 | Encoding::BF16 | Encoding::Q6_K => 0,
    }
}

/// The integer that stands for 0.
fn zero(encoding: Encoding) -> f32 {
    match encoding {
        Encoding::Q8_0 => 128.0,
        Encoding::Q4_0 => 8.0,
        Encoding::Q5_0 => 16.0,
        Encoding::Q6_K => 32.0,
        _ => 0.0,
    }
}

/// The integers of the four numbers from `i` on, a multiple of four, as the bytes of a word.
#[cube]
fn four(words: &[u32], block: usize, i: usize, #[comptime] encoding: Encoding) -> u32 {
    let first = block + comptime!(integers_at(encoding));
    if comptime!(encoding == Encoding::Q8_0) {
        word(words, first + i, encoding) ^ 0x8080_8080u32
    } else if comptime!(encoding.block() == 32) {
        // The low half of sixteen bytes, then the high one; the fifth bits lie in the word before them.
        let low = (word(words, first + i % 16, encoding) >> (u32::cast_from(i / 16) * 4u32)) & 0x0f0f_0f0fu32;
        if comptime!(encoding == Encoding::Q5_0 || encoding == Encoding::Q5_1) {
            let fifths = word(words, first - 4, encoding) >> u32::cast_from(i);
            let spread =
                (fifths & 1u32) | ((fifths & 2u32) << 7u32) | ((fifths & 4u32) << 14u32) | ((fifths & 8u32) << 21u32);
            low | (spread << 4u32)
        } else {
            low
        }
    } else if comptime!(encoding == Encoding::Q6_K) {
        let quarter = i % 128 / 32;
        let place = i % 32;
        let fours = word(words, first + i / 128 * 64 + quarter % 2 * 32 + place, encoding);
        let twos = word(words, first + 128 + i / 128 * 32 + place, encoding);
        let low = (fours >> (u32::cast_from(quarter / 2) * 4u32)) & 0x0f0f_0f0fu32;
        low | (((twos >> (u32::cast_from(quarter) * 2u32)) & 0x0303_0303u32) << 4u32)
    } else {
        let fours = word(words, first + i / 64 * 32 + i % 32, encoding);
        let low = (fours >> (u32::cast_from(i / 32 % 2) * 4u32)) & 0x0f0f_0f0fu32;
        if comptime!(encoding == Encoding::Q5_K) {
            let fifths = word(words, block + 16 + i % 32, encoding) >> u32::cast_from(i / 32);
            low | ((fifths & 0x0101_0101u32) << 4u32)
        } else {
            low
        }
    }
}

/// The eight numbers from `first` on, a multiple of eight where there are blocks, of all `count` of them. Beyond those it is
/// the last again.
#[cube]
pub(super) fn run(words: &[u32], first: usize, count: usize, #[comptime] encoding: Encoding) -> Array<f32> {
    let mut numbers = Array::<f32>::new(comptime!(RUN));
    if comptime!(encoding.block() == 1) {
        #[unroll]
        for i in 0..comptime!(RUN) {
            numbers[i] = plain(words, min(first + i, count - 1), encoding);
        }
    } else {
        let block = first / comptime!(encoding.block()) * comptime!(encoding.block_bytes());
        let within = first % comptime!(encoding.block());
        let (scale, least) = scale_and_least(words, block, within, encoding);
        #[unroll]
        for part in 0..comptime!(RUN / 4) {
            let integers = four(words, block, within + part * 4, encoding);
            #[unroll]
            for i in 0..comptime!(4usize) {
                let integer = f32::cast_from((integers >> comptime!((i * 8) as u32)) & 255u32);
                numbers[part * 4 + i] = scale * (integer - f32::new(comptime!(zero(encoding)))) + least;
            }
        }
    }
    numbers
}
