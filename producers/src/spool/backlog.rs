//! What waits in the spool: how far each segment is durable, how far the broker has taken it, and since when the oldest
//! item waits. Values only; nothing here touches a file.

use std::collections::{BTreeMap, VecDeque};

use super::segment::Segment;

/// Items that came within so many milliseconds share one entry.
const SHARED_MS: i64 = 1_000;
/// The most entries; beyond it every second one goes, and its items count as old as those before them.
const ARRIVALS_MAX: usize = 4_096;

/// The waiting part of the spool.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Durable bytes of each segment.
    segments: BTreeMap<Segment, u64>,
    /// Everything before this place is settled.
    settled: (Segment, u64),
    arrivals: VecDeque<Arrival>,
}

/// Items that came at about the same time.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    /// Where the last of them ends.
    end: (Segment, u64),
    /// When the first of them came, in milliseconds since 1970.
    since_ms: i64,
}

impl Backlog {
    /// A segment is durable up to `end`, whose last items came at `now_ms`.
    pub(super) fn commit(&mut self, end: (Segment, u64), now_ms: i64) {
        self.segments.insert(end.0, end.1);
        if let Some(last) = self.arrivals.back_mut()
            && now_ms.saturating_sub(last.since_ms) < SHARED_MS
        {
            last.end = end;
            return;
        }
        self.arrivals.push_back(Arrival { end, since_ms: now_ms });
        if self.arrivals.len() > ARRIVALS_MAX {
            self.thin_out();
        }
    }

    /// Everything up to `place` is settled. Returns the segments that are wholly so and older than it: they may go.
    pub(super) fn settle(&mut self, place: (Segment, u64)) -> Vec<Segment> {
        self.settled = self.settled.max(place);
        while self.arrivals.front().is_some_and(|arrival| arrival.end <= self.settled) {
            self.arrivals.pop_front();
        }
        let newer = self.segments.split_off(&self.settled.0);
        std::mem::replace(&mut self.segments, newer).into_keys().collect()
    }

    /// Bytes that are durable and not settled.
    pub(super) fn bytes(&self) -> u64 {
        let (segment, offset) = self.settled;
        let of = |(at, length): (&Segment, &u64)| match at.cmp(&segment) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => length.saturating_sub(offset),
            std::cmp::Ordering::Greater => *length,
        };
        self.segments.iter().map(of).sum()
    }

    /// How long the oldest waiting item waits, in milliseconds; 0 where none does.
    pub(super) fn age_ms(&self, now_ms: i64) -> u64 {
        let oldest = self.arrivals.front().map_or(now_ms, |arrival| arrival.since_ms);
        u64::try_from(now_ms.saturating_sub(oldest)).unwrap_or_default()
    }

    /// Each segment with its durable bytes, oldest first.
    pub(super) fn durable(&self) -> impl Iterator<Item = (Segment, u64)> {
        self.segments.iter().map(|(segment, length)| (*segment, *length))
    }

    /// The durable end.
    pub(super) fn end(&self) -> (Segment, u64) {
        self.durable().last().unwrap_or_default()
    }

    fn thin_out(&mut self) {
        let mut thinned = VecDeque::with_capacity(ARRIVALS_MAX);
        for (i, arrival) in self.arrivals.drain(..).enumerate() {
            match thinned.back_mut() {
                Some(Arrival { end, .. }) if i % 2 == 1 => *end = arrival.end,
                _ => thinned.push_back(arrival),
            }
        }
        self.arrivals = thinned;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Segment = Segment(10);
    const B: Segment = Segment(20);

    #[test]
    fn bytes_and_age_are_of_what_waits() {
        let mut backlog = Backlog::default();
        assert_eq!((backlog.bytes(), backlog.age_ms(5), backlog.end()), (0, 0, (Segment(0), 0)));
        backlog.commit((A, 100), 0);
        backlog.commit((A, 150), 900);
        backlog.commit((A, 200), 5_000);
        backlog.commit((B, 50), 9_000);
        assert_eq!((backlog.bytes(), backlog.age_ms(10_000)), (250, 10_000));
        assert!(backlog.settle((A, 120)).is_empty());
        assert_eq!(
            (backlog.bytes(), backlog.age_ms(10_000)),
            (130, 10_000),
            "the first second shares its age"
        );
        assert!(backlog.settle((A, 150)).is_empty());
        assert_eq!((backlog.bytes(), backlog.age_ms(10_000)), (100, 5_000));
        assert!(backlog.settle((A, 200)).is_empty(), "nothing newer has a checkpoint yet");
        assert_eq!(backlog.settle((B, 10)), [A]);
        assert_eq!((backlog.bytes(), backlog.age_ms(10_000)), (40, 1_000));
        assert!(backlog.settle((B, 50)).is_empty());
        assert_eq!((backlog.bytes(), backlog.age_ms(99_000), backlog.end()), (0, 0, (B, 50)));
        assert_eq!(backlog.age_ms(-1), 0, "a clock that was set back makes nothing older");
    }

    #[test]
    fn months_of_waiting_need_no_more_memory_and_the_oldest_age_stays_exact() {
        let mut backlog = Backlog::default();
        for i in 1..=20_000_u64 {
            backlog.commit((A, i), i64::try_from(i).unwrap() * 2_000);
            assert!(backlog.arrivals.len() <= ARRIVALS_MAX);
        }
        assert_eq!(backlog.age_ms(40_000_000), 39_998_000);
        backlog.settle((A, 19_000));
        let age_ms = backlog.age_ms(40_000_000);
        assert!((1_998_000..2_200_000).contains(&age_ms), "{age_ms}");
    }
}
