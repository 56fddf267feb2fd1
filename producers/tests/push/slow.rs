//! Bodies and headers that come slowly, in part, or without end: each request ends within its bound, holds up no other, and leaves nothing
//! in the spool.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, spawn_blocking};

use crate::rig::{JSON, Rig, Running, item, rest, start};

#[tokio::test(flavor = "multi_thread")]
async fn slow_half_sent_and_endless_bodies_end() {
    let rig = Rig::new();
    let mut config = rig.config();
    let push = config.push.as_mut().unwrap();
    (push.body_timeout_ms, push.header_timeout_ms, push.max_body_bytes) = (300, 300, 100_000);
    let producer = start(config).await;
    let half = &item(1)[..40];

    let slow = rest(producer.begin(1_000, half), false).await;
    assert!(slow.starts_with("HTTP/1.1 408 ") && slow.contains("body_timeout"), "{slow}");
    let half_sent = rest(producer.begin(1_000, half), true).await;
    assert!(half_sent.starts_with("HTTP/1.1 400 ") && half_sent.contains("half_sent"), "{half_sent}");
    let huge = rest(producer.begin(1 << 40, half), false).await;
    assert!(huge.starts_with("HTTP/1.1 413 ") && huge.contains("body_too_large"), "{huge}");
    // One that does not say how long it is, nor ever ends: it is read until it is too long, and its rest only so that the answer arrives.
    let chunks = format!("4000\r\n{}\r\n", " ".repeat(0x4000)).repeat(10);
    let endless = rest(producer.open("transfer-encoding: chunked", &chunks), false).await;
    assert!(endless.starts_with("HTTP/1.1 413 ") && endless.contains("body_too_large"), "{endless}");
    // Says nothing at all, and then never ends its headers.
    let silent = std::net::TcpStream::connect(producer.address).unwrap();
    assert_eq!(rest(silent, false).await, "");
    let mut header = std::net::TcpStream::connect(producer.address).unwrap();
    std::io::Write::write_all(&mut header, b"POST /v1/events HTTP/1.1\r\nx: ").unwrap();
    let text = rest(header, false).await;
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 408 "), "{text}");
    assert!(rig.spool_is_empty());
    producer.accept(JSON, item(1), [1, 0, 0]).await;
    producer.stop().await;
}

/// Begins a request with a whole item and goes on with blanks, one now and then, for as long as the other side listens: a body that is never
/// silent for long and never ends. Gives what was answered, and after how long.
fn trickle(
    producer: &Running,
    length: &str,
    beginning: &str,
    blank: &'static str,
) -> JoinHandle<(String, Duration)> {
    let begun = Instant::now();
    let mut answers = producer.open(length, beginning);
    let mut sends = answers.try_clone().unwrap();
    // The pace of a slow sender, not a wait for anything. The other side closes, and writing fails.
    drop(spawn_blocking(move || {
        while sends.write_all(blank.as_bytes()).is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }));
    spawn_blocking(move || (answer(&mut answers), begun.elapsed()))
}

/// What is answered before the connection is closed, politely or not: blanks that were still on their way are a reason to be impolite.
fn answer(stream: &mut TcpStream) -> String {
    let (mut text, mut piece) = (Vec::new(), [0; 1024]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => text.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}"),
        }
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_has_the_time_of_a_whole_body_and_no_more() {
    let rig = Rig::new();
    let mut config = rig.config();
    let push = config.push.as_mut().unwrap();
    (push.body_timeout_ms, push.max_body_bytes) = (1_000, 100_000);
    let bound = Duration::from_millis(push.body_timeout_ms);
    let producer = start(config).await;
    let whole = item(1);
    let chunk = format!("{:x}\r\n{whole}\r\n", whole.len());
    for (length, beginning, blank) in [
        ("content-length: 100000", whole.as_str(), " "),
        ("transfer-encoding: chunked", chunk.as_str(), "1\r\n \r\n"),
    ] {
        let (answer, took) = trickle(&producer, length, beginning, blank).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("body_timeout"), "{answer}");
        assert!(took >= bound, "{took:?}");
    }
    assert!(rig.spool_is_empty());

    // While some trickle, others are served.
    let mut served = 0;
    while served == 0 {
        let trickling: Vec<_> =
            (0..8).map(|_| trickle(&producer, "content-length: 100000", &whole, " ")).collect();
        let answered = producer.post(JSON, item(2)).await;
        assert_eq!(answered.0, 202, "{}", answered.2);
        served += usize::from(trickling.iter().all(|one| !one.is_finished()));
        for one in trickling {
            assert!(one.await.unwrap().0.starts_with("HTTP/1.1 408 "));
        }
    }
    producer.await_metric("sanchar_rows_published_total{state=\"IN-CH\"} 1").await;
    producer.stop().await;
    rig.published(1);
}
