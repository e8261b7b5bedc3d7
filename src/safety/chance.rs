//! An order that is nobody's, and the same every time.

/// Numbers that look like chance: xorshift, Marsaglia, "Xorshift RNGs", 2003.
pub(crate) struct Chance(u64);

impl Default for Chance {
    fn default() -> Self {
        Chance(0x2545_f491_4f6c_dd1d)
    }
}

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below another, which isn't 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Puts things into another order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }

    /// A number from 0 to 1, less than 1.
    pub fn part(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// A number about zero, as far from it as this, about, as numbers of a bell curve are.
    pub fn about(&mut self, far: f32) -> f32 {
        // Of so many parts the sum has a deviation of about 0.7.
        let sum: f32 = (0..6).map(|_| self.part()).sum();
        (sum - 3.0) * far
    }
}
