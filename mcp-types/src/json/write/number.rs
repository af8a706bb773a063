//! Numbers.
//!
//! Most have few digits. Those are formatted in registers and stored once: a buffer filled piecewise cannot be loaded
//! before all its parts are stored, which costs more than the digits.

use super::text::append;

/// How many numbers have at most as many digits as a word has bytes.
const WORDFUL: u64 = 100_000_000;
/// The digit zero in each byte of a word.
const ZEROS: u64 = u64::MAX / 255 * b'0' as u64;

/// Appends an integer.
#[inline]
pub(crate) fn write_integer(is_negative: bool, magnitude: u64, out: &mut Vec<u8>) {
    if is_negative {
        out.push(b'-');
    }
    let (high, low) = (magnitude / WORDFUL, magnitude % WORDFUL);
    if high == 0 {
        return write_few(low, out);
    }
    if high < WORDFUL {
        write_few(high, out);
        return out.extend_from_slice(&(digits(low) | ZEROS).to_le_bytes());
    }
    write_many(magnitude, out);
}

/// Appends a number of any length.
#[inline(never)]
pub(super) fn write_many(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a finite number.
pub(super) fn write_double(number: f64, out: &mut Vec<u8>) {
    let Some((whole, fraction)) = few_digits(number.abs()) else {
        return write_float(number, out);
    };
    if number.is_sign_negative() {
        out.push(b'-');
    }
    write_few(whole, out);
    let fraction = digits(fraction);
    let length = (u64::BITS - fraction.leading_zeros()).div_ceil(u8::BITS).max(1) as usize;
    let text = u128::from(fraction | ZEROS) << u8::BITS | u128::from(b'.');
    append(text, 1 + length, out);
}

/// Appends a float of any type.
#[inline(never)]
pub(super) fn write_float(number: impl zmij::Float, out: &mut Vec<u8>) {
    out.extend_from_slice(zmij::Buffer::new().format_finite(number).as_bytes());
}

/// Returns the integer part and eight decimals, if the shortest representation of a number has no more and no exponent.
///
/// Different decimals of up to 15 digits are different numbers, so the one found is the shortest.
#[inline]
fn few_digits(magnitude: f64) -> Option<(u64, u64)> {
    /// From here on all doubles are integers, and incrementing one increments its bits.
    const INTEGERS: f64 = 4_503_599_627_370_496.0;
    if !(1e-5..1e7).contains(&magnitude) && magnitude != 0.0 {
        return None;
    }
    let shifted = magnitude * WORDFUL as f64 + INTEGERS;
    let count = shifted.to_bits() - INTEGERS.to_bits();
    let is_all = (shifted - INTEGERS) / WORDFUL as f64 == magnitude;
    is_all.then_some((count / WORDFUL, count % WORDFUL))
}

/// Appends a number of at most eight digits.
#[inline]
fn write_few(number: u64, out: &mut Vec<u8>) {
    let digits = digits(number);
    let zeros = (digits.trailing_zeros() / u8::BITS).min(7);
    append(u128::from((digits | ZEROS) >> (zeros * u8::BITS)), 8 - zeros as usize, out);
}

/// Returns the eight digits of a number, one per byte, the first in the lowest byte.
#[inline]
fn digits(number: u64) -> u64 {
    // Groups of four, pairs and digits are divided in parallel, with factors that are exact for such small numbers.
    let high = number / 10_000;
    let fours = high | (number - high * 10_000) << 32;
    let high = ((fours * 10_486) >> 20) & 0x7f_0000_007f;
    let pairs = high | (fours - high * 100) << 16;
    let high = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    high | (pairs - high * 10) << 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(number: f64) {
        let mut out = b"[".to_vec();
        write_double(number, &mut out);
        assert_eq!(out, format!("[{}", serde_json::to_string(&number).unwrap()).as_bytes());
    }

    #[test]
    fn integers_of_every_length_have_all_their_digits() {
        let powers = (0..20).map(|power| 10_u64.pow(power));
        let around =
            powers.flat_map(|power| [power - 1, power, power + 1, power.saturating_mul(9)]);
        for number in around.chain([u64::MAX, 12_345_678, 1_020_304_050_607_080]) {
            let mut out = Vec::new();
            write_integer(true, number, &mut out);
            assert_eq!(out, format!("-{number}").as_bytes());
        }
    }

    #[test]
    fn all_that_eight_digits_are_made_of_are_divided_exactly() {
        for number in 0..10_000 {
            let text = format!("{number:04}{:04}", 9_999 - number);
            let word = digits(text.parse().unwrap()) | ZEROS;
            assert_eq!(word.to_le_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn numbers_are_as_short_as_those_of_serde_json() {
        for number in
            [0.0, 0.5, 1.0, 0.1 + 0.2, 1e-5, 9.999e-6, 1.5e-6, 1e-8, 1e7, 9_999_999.999_999_99]
        {
            for number in [number, f64::next_up(number), f64::next_down(number)] {
                check(number);
                check(-number);
            }
        }
    }

    proptest! {
        #[test]
        fn decimals_are_as_serde_json_writes_them(digits in 0..10_u64.pow(17), point in 0..20) {
            let number: f64 = format!("{digits}e-{point}").parse().unwrap();
            check(number);
            check(number.next_up());
            check(-number);
        }

        #[test]
        fn all_numbers_are_as_serde_json_writes_them(bits in any::<u64>(), small in -1e9..1e9) {
            check(small);
            let number = f64::from_bits(bits);
            if number.is_finite() {
                check(number);
            }
        }
    }
}
