//! Reading a request's body within its bounds: bytes, time, and what all bodies together may hold.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Refused;
use super::items::Shape;

/// The unit in which bodies take up room.
const UNIT_BYTES: usize = 1024;
/// The most of a refused body that is read all the same.
const PASSED_OVER_BYTES_MAX: usize = 4 << 20;
/// How long that may take.
const PASSED_OVER_TIME: Duration = Duration::from_secs(2);

/// The bounds of a body.
#[derive(Debug, Clone)]
pub(super) struct BodyLimits {
    pub(super) bytes_max: usize,
    pub(super) timeout: Duration,
    /// Room for all bodies together.
    room: Arc<Semaphore>,
}

/// A body with the room that it takes up.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    pub(super) permits: Vec<OwnedSemaphorePermit>,
    units: usize,
}

impl BodyLimits {
    /// At most `bytes_max` in one body and `held_max` in all.
    pub(super) fn new(bytes_max: usize, timeout: Duration, held_max: usize) -> Self {
        let units = held_max.div_ceil(UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Self { bytes_max, timeout, room: Arc::new(Semaphore::new(units)) }
    }

    /// The whole body. One that says that it is too large is not read.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) async fn read(&self, mut body: Body) -> Result<Held, Refused> {
        let collected = if declared(&body) > self.bytes_max {
            Err(Refused::TooLarge)
        } else {
            let collecting = self.collect(&mut body);
            tokio::time::timeout(self.timeout, collecting).await.unwrap_or(Err(Refused::SlowBody))
        };
        if matches!(collected, Err(Refused::TooLarge | Refused::Busy)) {
            pass_over(body).await;
        }
        collected
    }

    async fn collect(&self, body: &mut Body) -> Result<Held, Refused> {
        let mut held = Held::default();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Refused::HalfSent)?.into_data() else { continue };
            if data.len() > self.bytes_max - held.bytes.len() {
                return Err(Refused::TooLarge);
            }
            self.make_room(&mut held, data.len())?;
            held.bytes.extend_from_slice(&data);
        }
        Ok(held)
    }

    /// A body that finds no room is refused rather than held back: two that wait for each other would wait for ever.
    fn make_room(&self, held: &mut Held, more: usize) -> Result<(), Refused> {
        let needed = (held.bytes.len() + more).div_ceil(UNIT_BYTES) - held.units;
        if needed > 0 {
            let units = u32::try_from(needed).map_err(|_| Refused::TooLarge)?;
            let permit = Arc::clone(&self.room).try_acquire_many_owned(units).map_err(|_| Refused::Busy)?;
            match held.permits.last_mut() {
                Some(first) => first.merge(permit),
                None => held.permits.push(permit),
            }
            held.units += needed;
        }
        Ok(())
    }
}

/// Reads what is left of a body that is refused and throws it away, if it is not much: a sender that is cut off while it sends
/// may never read the answer.
pub(super) async fn pass_over(mut body: Body) {
    if declared(&body) > PASSED_OVER_BYTES_MAX {
        return;
    }
    let passing = async {
        let mut passed = 0;
        while let Some(Ok(frame)) = body.frame().await
            && passed < PASSED_OVER_BYTES_MAX
        {
            passed += frame.data_ref().map_or(0, Bytes::len);
        }
    };
    drop(tokio::time::timeout(PASSED_OVER_TIME, passing).await);
}

/// The least that is still to come of a body.
fn declared(body: &Body) -> usize {
    usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)
}

/// How the headers say that the body holds its items.
///
/// # Errors
/// [`Refused`], where it is something else or compressed. What is compressed would have to be unpacked before its size is
/// known.
pub(super) fn shape(headers: &HeaderMap) -> Result<Shape, Refused> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if text(CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(Refused::Encoding);
    }
    let kind = text(CONTENT_TYPE).and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        Ok(Shape::Json)
    } else if kind.eq_ignore_ascii_case("application/x-ndjson") {
        Ok(Shape::Lines)
    } else {
        Err(Refused::MediaType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[tokio::test]
    async fn a_body_is_bounded_alone_and_together_with_others() {
        let limits = BodyLimits::new(3 * UNIT_BYTES, Duration::from_secs(5), 4 * UNIT_BYTES);
        let body = |bytes: usize| Body::from(vec![b'x'; bytes]);
        let first = limits.read(body(3 * UNIT_BYTES)).await.unwrap();
        assert_eq!((first.bytes.len(), first.units), (3 * UNIT_BYTES, 3));
        assert_eq!(limits.read(body(UNIT_BYTES + 1)).await.unwrap_err(), Refused::Busy);
        assert_eq!(limits.read(body(UNIT_BYTES)).await.unwrap().units, 1);
        assert_eq!(limits.read(body(3 * UNIT_BYTES + 1)).await.unwrap_err(), Refused::TooLarge);
        drop(first);
        assert!(limits.read(body(UNIT_BYTES + 1)).await.is_ok(), "room comes back");
    }

    #[test]
    fn the_headers_say_what_the_body_is() {
        let of = |kind: &'static str, encoding: Option<&'static str>| {
            let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            headers.extend(encoding.map(|value| (CONTENT_ENCODING, HeaderValue::from_static(value))));
            shape(&headers)
        };
        assert_eq!(of("application/json; charset=utf-8", None), Ok(Shape::Json));
        assert_eq!(of("Application/X-NDJSON", Some("identity")), Ok(Shape::Lines));
        assert_eq!(of("text/csv", None), Err(Refused::MediaType));
        assert_eq!(of("application/json", Some("gzip")), Err(Refused::Encoding));
        assert_eq!(shape(&HeaderMap::new()), Err(Refused::MediaType));
    }
}
