//! Chance that can be repeated: the SplitMix64 generator (Steele, Lea and Flood 2014), seeded by the test.
//! A failing run is told apart from a lucky one by its seed. Not for anything that must not be guessed.

/// A sequence of pseudo-random numbers.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of a seed.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`; 0 where `bound` is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        if bound == 0 { 0 } else { mixed % bound }
    }

    /// One of the items.
    ///
    /// # Panics
    /// When there is none.
    #[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "below the length")]
    pub fn one_of<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_sequence_and_stays_below_the_bound() {
        let draw = |seed| {
            let mut chance = Chance::seeded(seed);
            std::array::from_fn::<u64, 8, _>(|_| chance.below(1_000))
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(9).iter().all(|number| *number < 1_000));
        assert_eq!(Chance::seeded(1).below(0), 0);
    }
}
