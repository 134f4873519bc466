//! How the numbers of a weight are stored in files: plain, or in the blocks of GGUF (llama.cpp's `ggml-quants`).
//!
//! A block holds a few numbers as small integers and the scales they share. Rows of a matrix are whole blocks, so rows
//! can be moved and read by themselves.

/// How numbers are stored. Names are those of GGUF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types)] // The format's own names.
pub enum Encoding {
    /// 4 bytes a number.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of an `f32`.
    BF16,
    /// 32 signed bytes with one scale: `d q`.
    Q8_0,
    /// 32 numbers of 4 bits with one scale: `d (q - 8)`.
    Q4_0,
    /// 32 numbers of 4 bits with scale and least value: `d q + m`.
    Q4_1,
    /// 32 numbers of 5 bits with one scale: `d (q - 16)`.
    Q5_0,
    /// 32 numbers of 5 bits with scale and least value: `d q + m`.
    Q5_1,
    /// 256 numbers of 4 bits in eight groups with scales and least values of 6 bits.
    Q4_K,
    /// 256 numbers of 5 bits in eight groups with scales and least values of 6 bits.
    Q5_K,
    /// 256 numbers of 6 bits in sixteen groups with scales of 8 bits.
    Q6_K,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::Q8_0,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q4_K,
        Self::Q5_K,
        Self::Q6_K,
    ];

    /// Numbers of a block; 1 where each stands by itself.
    pub const fn block(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => 1,
            Self::Q8_0 | Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 => 32,
            Self::Q4_K | Self::Q5_K | Self::Q6_K => 256,
        }
    }

    /// Bytes of a block.
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Q8_0 => 34,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q4_K => 144,
            Self::Q5_K => 176,
            Self::Q6_K => 210,
        }
    }

    /// Bytes of `count` numbers; nothing where they are not whole blocks or more than memory can name.
    pub const fn bytes(self, count: usize) -> Option<usize> {
        if !count.is_multiple_of(self.block()) {
            return None;
        }
        (count / self.block()).checked_mul(self.block_bytes())
    }

    /// Reads whole blocks.
    ///
    /// # Panics
    /// If `bytes` and `out` are not the same number of blocks.
    #[inline(always)] // It takes on the instruction set of whoever calls it.
    pub fn decode(self, bytes: &[u8], out: &mut [f32]) {
        assert_eq!(self.bytes(out.len()), Some(bytes.len()), "{self:?}: {} numbers of other bytes", out.len());
        match self {
            Self::F32 => blocks(bytes, out, |bytes: &[u8; 4], out: &mut [f32; 1]| out[0] = f32::from_le_bytes(*bytes)),
            Self::F16 => blocks(bytes, out, |bytes: &[u8; 2], out: &mut [f32; 1]| out[0] = half(bytes, 0)),
            Self::BF16 => blocks(bytes, out, |bytes: &[u8; 2], out: &mut [f32; 1]| out[0] = bfloat(bytes, 0)),
            Self::Q8_0 => blocks(bytes, out, q8_0),
            Self::Q4_0 => blocks(bytes, out, q4_0),
            Self::Q4_1 => blocks(bytes, out, q4_1),
            Self::Q5_0 => blocks(bytes, out, q5_0),
            Self::Q5_1 => blocks(bytes, out, q5_1),
            Self::Q4_K => blocks(bytes, out, q4_k),
            Self::Q5_K => blocks(bytes, out, q5_k),
            Self::Q6_K => blocks(bytes, out, q6_k),
        }
    }

    /// Appends `numbers` to `bytes`; nothing where they cannot be written so: of the blocks Q8_0 alone can be written,
    /// and numbers must be whole blocks.
    ///
    /// Q8_0 has `d = max |x| / 127`, rounded to nearest, as llama.cpp's reference quantiser.
    pub fn encode(self, numbers: &[f32], bytes: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::F32 => bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
            Self::F16 => bytes.extend(numbers.iter().flat_map(|x| to_half(*x).to_le_bytes())),
            Self::BF16 => bytes.extend(numbers.iter().flat_map(|x| to_bfloat(*x).to_le_bytes())),
            Self::Q8_0 if numbers.len().is_multiple_of(32) => {
                for block in numbers.chunks_exact(32) {
                    let largest = block.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
                    let d = largest / 127.0;
                    let inverse = if d == 0.0 { 0.0 } else { 1.0 / d };
                    bytes.extend(to_half(d).to_le_bytes());
                    bytes.extend(block.iter().map(|x| (x * inverse).round() as i8 as u8));
                }
            }
            _ => return None,
        }
        Some(())
    }
}

/// Reads block after block.
#[inline(always)]
pub(crate) fn blocks<const BYTES: usize, const NUMBERS: usize>(
    bytes: &[u8],
    out: &mut [f32],
    read: impl Fn(&[u8; BYTES], &mut [f32; NUMBERS]),
) {
    bytes.as_chunks().0.iter().zip(out.as_chunks_mut().0).for_each(|(bytes, out)| read(bytes, out));
}

/// The half-precision number at byte `at`; infinities and NaN come out as large numbers, which no weight is.
#[inline(always)]
pub(crate) fn half(bytes: &[u8], at: usize) -> f32 {
    // Read with its sign, whose copies the mask takes out between the sign's place and the exponent's.
    let bits = i32::from(i16::from_le_bytes([bytes[at], bytes[at + 1]])) as u32;
    // The exponent's bias is 112 less; multiplying also brings subnormal numbers into their place.
    f32::from_bits(bits << 13 & 0x8fff_e000) * f32::from_bits(0x7780_0000)
}

/// The upper half of an `f32` at byte `at`.
#[inline(always)]
pub(crate) fn bfloat(bytes: &[u8], at: usize) -> f32 {
    f32::from_bits(u32::from(u16::from_le_bytes([bytes[at], bytes[at + 1]])) << 16)
}

/// Nearest half-precision number, ties to even; what is too large becomes infinite.
fn to_half(x: f32) -> u16 {
    let (bits, sign) = (x.to_bits() & 0x7fff_ffff, (x.to_bits() >> 16) as u16 & 0x8000);
    if bits > 0x7f80_0000 {
        return sign | 0x7e00;
    }
    if bits >= 0x4780_0000 {
        return sign | 0x7c00;
    }
    if bits < 0x3880_0000 {
        // Subnormal: adding 0.5 leaves the number in units of 2^-24 in the low bits, rounded as floats are.
        return sign | (f32::from_bits(bits) + 0.5).to_bits() as u16;
    }
    let odd = bits >> 13 & 1;
    sign | ((bits - 0x3800_0000 + 0xfff + odd) >> 13) as u16
}

/// Nearest `bfloat16`, ties to even.
fn to_bfloat(x: f32) -> u16 {
    if x.is_nan() {
        return 0x7fc0;
    }
    let bits = x.to_bits();
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

#[inline(always)]
pub(crate) fn q8_0(bytes: &[u8; 34], out: &mut [f32; 32]) {
    let d = half(bytes, 0);
    out.iter_mut().zip(&bytes[2..34]).for_each(|(out, q)| *out = d * f32::from(*q as i8));
}

#[inline(always)]
pub(crate) fn q4_0(bytes: &[u8; 18], out: &mut [f32; 32]) {
    let d = half(bytes, 0);
    four_bits(&bytes[2..], out, |q| d * (q - 8.0));
}

#[inline(always)]
pub(crate) fn q4_1(bytes: &[u8; 20], out: &mut [f32; 32]) {
    let (d, m) = (half(bytes, 0), half(bytes, 2));
    four_bits(&bytes[4..], out, |q| d * q + m);
}

/// Sixteen bytes whose low halves are the first numbers, and whose high halves are the others. One half after the other:
/// the compiler makes vectors of that.
#[inline(always)]
fn four_bits(q: &[u8], out: &mut [f32; 32], value: impl Fn(f32) -> f32) {
    let (low, high) = out.split_at_mut(16);
    low.iter_mut().zip(&q[..16]).for_each(|(out, q)| *out = value(f32::from(q & 15)));
    high.iter_mut().zip(&q[..16]).for_each(|(out, q)| *out = value(f32::from(q >> 4)));
}

/// Four low bits in `q`, the fifth in `fifths`: bit `i` belongs to number `i`.
#[inline(always)]
fn five_bits(fifths: &[u8], q: &[u8], out: &mut [f32], value: impl Fn(u8) -> f32) {
    let fifths = u32::from_le_bytes([fifths[0], fifths[1], fifths[2], fifths[3]]);
    let (low, high) = out.split_at_mut(16);
    for (i, (out, q)) in low.iter_mut().zip(&q[..16]).enumerate() {
        *out = value(q & 15 | ((fifths >> i & 1) as u8) << 4);
    }
    for (i, (out, q)) in high.iter_mut().zip(&q[..16]).enumerate() {
        *out = value(q >> 4 | ((fifths >> (i + 16) & 1) as u8) << 4);
    }
}

#[inline(always)]
pub(crate) fn q5_0(bytes: &[u8; 22], out: &mut [f32; 32]) {
    let d = half(bytes, 0);
    five_bits(&bytes[2..6], &bytes[6..22], out, |q| d * f32::from(q as i8 - 16));
}

#[inline(always)]
pub(crate) fn q5_1(bytes: &[u8; 24], out: &mut [f32; 32]) {
    let (d, m) = (half(bytes, 0), half(bytes, 2));
    five_bits(&bytes[4..8], &bytes[8..24], out, |q| d * f32::from(q) + m);
}

/// Scale and least value of group `j` of eight: 6 bits each in 12 bytes.
#[inline(always)]
fn six_bits(s: &[u8], j: usize) -> (f32, f32) {
    let (scale, least) = match j {
        0..4 => (s[j] & 63, s[j + 4] & 63),
        _ => (s[j + 4] & 15 | (s[j - 4] >> 6) << 4, s[j + 4] >> 4 | (s[j] >> 6) << 4),
    };
    (f32::from(scale), f32::from(least))
}

#[inline(always)]
pub(crate) fn q4_k(bytes: &[u8; 144], out: &mut [f32; 256]) {
    let (d, least) = (half(bytes, 0), half(bytes, 2));
    let groups = bytes[16..144].chunks_exact(32).zip(out.chunks_exact_mut(64));
    for (g, (q, out)) in groups.enumerate() {
        let [(d1, m1), (d2, m2)] = [2 * g, 2 * g + 1].map(|j| six_bits(&bytes[4..16], j));
        let (low, high) = out.split_at_mut(32);
        for (i, q) in q.iter().enumerate() {
            low[i] = d * d1 * f32::from(q & 15) - least * m1;
            high[i] = d * d2 * f32::from(q >> 4) - least * m2;
        }
    }
}

#[inline(always)]
pub(crate) fn q5_k(bytes: &[u8; 176], out: &mut [f32; 256]) {
    let (d, least, fifths) = (half(bytes, 0), half(bytes, 2), &bytes[16..48]);
    let groups = bytes[48..176].chunks_exact(32).zip(out.chunks_exact_mut(64));
    for (g, (q, out)) in groups.enumerate() {
        let [(d1, m1), (d2, m2)] = [2 * g, 2 * g + 1].map(|j| six_bits(&bytes[4..16], j));
        let (low, high) = out.split_at_mut(32);
        for (i, (q, fifth)) in q.iter().zip(fifths).enumerate() {
            low[i] = d * d1 * f32::from(q & 15 | (fifth >> (2 * g) & 1) << 4) - least * m1;
            high[i] = d * d2 * f32::from(q >> 4 | (fifth >> (2 * g + 1) & 1) << 4) - least * m2;
        }
    }
}

#[inline(always)]
pub(crate) fn q6_k(bytes: &[u8; 210], out: &mut [f32; 256]) {
    let (lows, highs, scales, d) = (&bytes[..128], &bytes[128..192], &bytes[192..208], half(bytes, 208));
    for (n, out) in out.chunks_exact_mut(128).enumerate() {
        let (low, high) = (&lows[64 * n..64 * n + 64], &highs[32 * n..32 * n + 32]);
        let scale = |i: usize| d * f32::from(scales[8 * n + i] as i8);
        for i in 0..32 {
            let six = |four: u8, shift: u32| f32::from((four | (high[i] >> shift & 3) << 4) as i8 - 32);
            out[i] = scale(i / 16) * six(low[i] & 15, 0);
            out[i + 32] = scale(i / 16 + 2) * six(low[i + 32] & 15, 2);
            out[i + 64] = scale(i / 16 + 4) * six(low[i] >> 4, 4);
            out[i + 96] = scale(i / 16 + 6) * six(low[i + 32] >> 4, 6);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_read_and_written_to_the_nearest() {
        for bits in (0..0x7c00u16).chain(0x8000..0xfc00) {
            let x = half(&bits.to_le_bytes(), 0);
            assert_eq!(to_half(x), bits, "{x}");
        }
        // 1 + 2^-11 lies between two halves: to the even one.
        assert_eq!(to_half(1.0 + 1.0 / 2048.0), 0x3c00);
        assert_eq!(to_half(1.0 + 3.0 / 2048.0), 0x3c02);
        assert_eq!((to_half(1e6), to_half(65_519.9), to_half(65_520.0)), (0x7c00, 0x7bff, 0x7c00));
        assert_eq!(half(&to_half(3e-8).to_le_bytes(), 0), 2f32.powi(-24), "the least subnormal number is the nearest");
    }

    #[test]
    fn what_is_written_is_read_within_half_a_step() {
        let numbers: Vec<f32> = (0..96).map(|i| (i as f32 * 0.7).sin() * (1.0 + i as f32)).collect();
        for (encoding, step) in [
            (Encoding::F32, 0.0),
            (Encoding::F16, 1.0 / 1024.0),
            (Encoding::BF16, 1.0 / 128.0),
            (Encoding::Q8_0, 1.0 / 127.0),
        ] {
            let mut bytes = Vec::new();
            encoding.encode(&numbers, &mut bytes).unwrap();
            assert_eq!(Some(bytes.len()), encoding.bytes(numbers.len()));
            let mut read = vec![0.0; numbers.len()];
            encoding.decode(&bytes, &mut read);
            for (block, read) in numbers.chunks(32).zip(read.chunks(32)) {
                let largest = block.iter().fold(0.0f32, |a, b| a.max(b.abs()));
                for (x, y) in block.iter().zip(read) {
                    assert!((x - y).abs() <= 0.51 * step * largest, "{encoding:?}: {x} became {y}");
                }
            }
        }
        assert!(Encoding::Q8_0.encode(&[1.0; 31], &mut Vec::new()).is_none());
        assert!(Encoding::Q4_0.encode(&[1.0; 32], &mut Vec::new()).is_none());
        assert_eq!(Encoding::Q8_0.bytes(31), None);
    }
}
