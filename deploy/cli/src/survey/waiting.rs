//! How old the first record is that a group has not read, found without reading it: brokers tell the first offset from a
//! time on, and the search goes back in time until that offset is not behind the group's.
//!
//! Exact to three per cent, and never too much. Times of a partition are taken to grow with its offsets, as an inbox's do.

/// As far back as is looked, in ms: longer than any topic with a reader keeps its records.
const AGE_MAX_MS: i64 = 62 * 86_400 * 1_000;
/// The first step back.
const AGE_MIN_MS: i64 = 1_000;
/// Halvings after the steps, each of which was as long as all before.
const HALVINGS: usize = 5;

/// For each committed offset, how long the record there has been waiting at least, in ms.
///
/// `first_at` is given an age for each of them (ms) and gives the first offset whose record is not older, if there is one.
pub(super) fn at_least_ms<E>(
    committed: &[i64],
    mut first_at: impl FnMut(&[i64]) -> Result<Vec<Option<i64>>, E>,
) -> Result<Vec<i64>, E> {
    if committed.is_empty() {
        return Ok(Vec::new());
    }
    let mut bounds = vec![(0, AGE_MAX_MS); committed.len()];
    let mut narrow = |bounds: &mut Vec<(i64, i64)>, ages_ms: &[i64]| -> Result<(), E> {
        let first = first_at(ages_ms)?;
        for (((older_than, as_old_as), age_ms), (first, committed)) in
            bounds.iter_mut().zip(ages_ms).zip(first.iter().zip(committed))
        {
            if first.is_none_or(|first| first > *committed) {
                *older_than = (*older_than).max(*age_ms);
            } else {
                *as_old_as = (*as_old_as).min(*age_ms);
            }
        }
        Ok(())
    };
    let mut age_ms = AGE_MIN_MS;
    while age_ms < AGE_MAX_MS && bounds.iter().any(|(_, as_old_as)| *as_old_as == AGE_MAX_MS) {
        narrow(&mut bounds, &vec![age_ms; committed.len()])?;
        age_ms *= 2;
    }
    for _ in 0..HALVINGS {
        let middles: Vec<i64> = bounds.iter().map(|(low, high)| low + (high - low) / 2).collect();
        narrow(&mut bounds, &middles)?;
    }
    Ok(bounds.into_iter().map(|(older_than, _)| older_than).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Partitions whose records have these ages in ms, oldest first.
    fn searched(partitions: &[&[i64]], committed: &[i64]) -> Vec<i64> {
        let first_at = |ages: &[i64]| -> Result<Vec<Option<i64>>, ()> {
            let first = partitions.iter().zip(ages).map(|(records, age)| {
                let first = records.iter().position(|record| record <= age);
                first.map(|offset| i64::try_from(offset).unwrap())
            });
            Ok(first.collect())
        };
        at_least_ms(committed, first_at).unwrap()
    }

    #[test]
    fn the_age_of_the_first_unread_record_is_found_to_three_per_cent() {
        let (hour, day) = (3_600_000, 86_400_000);
        let partitions: [&[i64]; 5] =
            [&[30 * day, 5 * hour, 10], &[30 * day, 5 * hour, 10], &[900, 10], &[400 * day], &[90_000]];
        let found = searched(&partitions, &[0, 1, 0, 0, 0]);
        for (found, age) in found.iter().zip([30 * day, 5 * hour, 900, AGE_MAX_MS, 90_000]) {
            assert!(*found <= age && *found >= age - age * 4 / 100 - 40, "{found} of {age}");
        }
    }

    #[test]
    fn nothing_is_asked_where_nobody_is_behind_and_a_failure_is_handed_on() {
        assert_eq!(at_least_ms::<()>(&[], |_| panic!("asked")), Ok(Vec::new()));
        assert_eq!(at_least_ms(&[1], |_| Err("away")), Err("away"));
    }
}
