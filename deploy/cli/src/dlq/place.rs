//! Where records stand: a dead letter in the queue by `partition:offset`, and a record in a state's input topic.

use std::fmt;
use std::str::FromStr;

use sanchar_schemas::StateCode;
use sanchar_schemas::topics::{Topic, TopicSpace};

use crate::names::shown;

/// A place in a topic that is known from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

/// A place in the input topic of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct InputPlace {
    pub(crate) state: StateCode,
    pub(crate) place: Place,
}

impl Place {
    /// The key of the receipt for the dead letter at this place.
    pub(super) fn to_key(self) -> String {
        format!("{}/{}", self.partition, self.offset)
    }

    pub(super) fn from_key(key: &[u8]) -> Option<Self> {
        Self::of(std::str::from_utf8(key).ok()?.split_once('/')?)
    }

    fn of((partition, offset): (&str, &str)) -> Option<Self> {
        let place = Self { partition: partition.parse().ok()?, offset: offset.parse().ok()? };
        (place.partition >= 0 && place.offset >= 0).then_some(place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition, self.offset)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.trim().split_once(':').and_then(Self::of).ok_or_else(|| {
            format!(
                "`{}` is no place in the queue: use partition:offset as `sanchar dlq list` shows it, such as 0:17",
                shown(text)
            )
        })
    }
}

impl InputPlace {
    pub(super) fn topic(self, space: &TopicSpace) -> String {
        space.name(Topic::Reported(self.state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_it_is_read() {
        let place = Place { partition: 0, offset: 17 };
        assert_eq!("0:17".parse(), Ok(place));
        assert_eq!(place.to_string(), "0:17");
        assert_eq!(Place::from_key(place.to_key().as_bytes()), Some(place));
    }

    #[test]
    fn what_is_no_place_is_refused_with_the_remedy() {
        for bad in ["", "17", "0/17", "-1:3", "0:-3", "a:b", "0:1:2", "0:99999999999999999999"] {
            let error = bad.parse::<Place>().unwrap_err();
            assert!(error.contains("such as 0:17"), "{error}");
        }
        assert_eq!(Place::from_key(b"0:17"), None);
        assert_eq!(Place::from_key(&[0xff]), None);
    }
}
