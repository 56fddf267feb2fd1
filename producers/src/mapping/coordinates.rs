//! A point of India as sources write it: 0,0 for none, latitude and longitude in each other's column.
//!
//! The two ranges of India's degrees do not meet, so that a swapped pair can be told for certain and is turned round.
//! A point elsewhere is a wrong point: nobody knows which digit, so its row goes to quarantine.

use std::ops::RangeInclusive;

use crate::reason::{Problem, Reason};

/// Degrees north and east of the mainland and the islands with a margin, as the contract has them.
const NORTH: RangeInclusive<f64> = 5.0..=38.0;
const EAST: RangeInclusive<f64> = 67.0..=98.0;

/// Latitude and longitude, in this order; `None` where there is no point.
pub(super) fn point(latitude: Option<f64>, longitude: Option<f64>) -> Result<Option<(f64, f64)>, Problem> {
    match (latitude, longitude) {
        (None, None) => Ok(None),
        // What a database writes where it has nothing: a place in the Gulf of Guinea.
        (Some(0.0), Some(0.0)) => Ok(None),
        (Some(north), Some(east)) if NORTH.contains(&north) && EAST.contains(&east) => {
            Ok(Some((north, east)))
        }
        (Some(east), Some(north)) if NORTH.contains(&north) && EAST.contains(&east) => {
            Ok(Some((north, east)))
        }
        (Some(_), Some(_)) => Err(wrong("lies outside India: correct the coordinates, or leave both empty")),
        _ => Err(wrong("has one coordinate without the other: give both, or neither")),
    }
}

fn wrong(message: &'static str) -> Problem {
    Problem::new(Reason::BadCoordinates, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_india_are_read_whichever_comes_first() {
        let ballari = Some((15.14, 76.92));
        for (latitude, longitude, expected) in [
            (Some(15.14), Some(76.92), ballari),
            (Some(76.92), Some(15.14), ballari),
            (Some(0.0), Some(0.0), None),
            (Some(-0.0), Some(0.0), None),
            (None, None, None),
        ] {
            assert_eq!(point(latitude, longitude), Ok(expected), "{latitude:?} {longitude:?}");
        }
    }

    #[test]
    fn other_points_are_wrong() {
        for (latitude, longitude) in [
            (Some(0.0), Some(76.92)),
            (Some(15.14), Some(0.0)),
            (Some(15.14), None),
            (None, Some(0.0)),
            (Some(51.518), Some(-0.097)),
            (Some(41.74), Some(-87.62)),
            (Some(15.14), Some(15.14)),
            (Some(151.4), Some(76.92)),
        ] {
            let problem = point(latitude, longitude).unwrap_err();
            assert_eq!(problem.reason, Reason::BadCoordinates, "{latitude:?} {longitude:?}");
        }
    }
}
