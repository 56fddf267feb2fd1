//! What is wrong or too much is refused with its status and its reason, leaves nothing in the spool, and never hears its own content.
//! What is too slow is in `slow`.

use std::collections::BTreeSet;

use sanchar_producer::ProducerConfig;

use crate::rig::{Answer, JSON, LINES, Rig, Running, TOKEN, answer, array, item, rest, start};

fn error(answer: &Answer) -> (u16, &str) {
    (answer.0, answer.2["error"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_taken_are_refused_with_the_reason() {
    let rig = Rig::new();
    let mut config = rig.config();
    let push = config.push.as_mut().unwrap();
    (push.max_body_bytes, push.max_items) = (100_000, 50);
    config.source.max_row_bytes = 20_000;
    let producer = start(config).await;
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(40_000), "]".repeat(40_000));
    let big = format!("{{\"a\":\"{}\"}}", "x".repeat(20_001));
    for (kind, body, expected) in [
        (JSON, b"{\"secret\": \"\xff\"}".to_vec(), (400, "not_utf8")),
        // The mark of UTF-8 is passed over.
        (JSON, "\u{feff}{}".into(), (400, "items_refused")),
        // UTF-16, with its mark and without.
        (JSON, b"\xff\xfe{\0}\0".to_vec(), (400, "not_utf8")),
        (JSON, b"{\0}\0".to_vec(), (400, "not_json")),
        (JSON, "{\"secret\": \"\\ud800\"}".into(), (400, "items_refused")),
        (JSON, "[".repeat(90_000).into_bytes(), (400, "not_json")),
        (JSON, ["[".repeat(45_000), "]".repeat(45_000)].concat().into_bytes(), (400, "items_refused")),
        (LINES, "{\"a\":".repeat(3_000).into_bytes(), (400, "items_refused")),
        (JSON, "{\"secret\": \"a\"".into(), (400, "not_json")),
        (JSON, "secret".into(), (400, "not_json")),
        (JSON, "".into(), (400, "empty")),
        (JSON, "[]".into(), (400, "empty")),
        (LINES, "\n \n".into(), (400, "empty")),
        (JSON, deep.into_bytes(), (400, "items_refused")),
        (JSON, big.into_bytes(), (400, "items_refused")),
        (JSON, "[\"secret\"]".into(), (400, "items_refused")),
        (JSON, "{\"secret\": 1, \"secret\": 2}".into(), (400, "items_refused")),
        (JSON, "{\"event\": \"theft\", \"facts\": \"secret\"}".into(), (400, "items_refused")),
        (JSON, vec![b' '; 100_001], (413, "body_too_large")),
        (JSON, format!("[{}0]", "0,".repeat(50)).into_bytes(), (413, "too_many_items")),
        (LINES, "{}\n".repeat(51).into_bytes(), (413, "too_many_items")),
        ("text/csv", "a,b".into(), (415, "media_type")),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = producer.post(kind, body).await;
        assert_eq!(error(&answer), expected, "{shown}: {}", answer.2);
        assert!(!answer.2.to_string().contains("secret"), "{}", answer.2);
        // It would be refused again as it is: no word of when, but of how much.
        let limit = match expected.1 {
            "body_too_large" => serde_json::json!(100_000),
            "too_many_items" => serde_json::json!(50),
            _ => serde_json::Value::Null,
        };
        assert_eq!((&answer.1, &answer.2["limit"]), (&None, &limit), "{shown}");
    }
    let zipped = producer.client.post(format!("{}/v1/events", producer.base)).bearer_auth(TOKEN);
    let zipped = zipped.header("content-type", JSON).header("content-encoding", "gzip").body(vec![31, 139]);
    assert_eq!(error(&answer(zipped).await), (415, "content_encoding"));
    assert!(rig.spool_is_empty());
    producer.accept(JSON, item(1), [1, 0, 0]).await;
    producer.await_metric("sanchar_push_requests_total{state=\"IN-CH\",status=\"4xx\"} 23").await;
    producer.await_metric("sanchar_rows_published_total{state=\"IN-CH\"} 1").await;
    producer.stop().await;
    rig.published(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wrong_item_refuses_all_and_each_is_listed_with_its_place() {
    let rig = Rig::new();
    let producer = rig.start().await;
    let one_line = |number: usize| item(number).replace('\n', "");
    let body = [
        one_line(1),
        String::new(),
        one_line(2).replace("2024-10-05 08:30", "yesterday"),
        "not json".to_owned(),
        one_line(3).replace("BNS u/s 304(2)", "Unheard Act u/s 1"),
    ]
    .join("\n");
    let (status, _, answer) = producer.post(LINES, body).await;
    assert_eq!((status, &answer["items_wrong"]), (400, &3.into()), "{answer}");
    let found: Vec<_> = answer["items"].as_array().unwrap().iter().collect();
    let place = |i: usize| (found[i]["index"].as_u64().unwrap(), found[i]["line"].as_u64().unwrap());
    assert_eq!([place(0), place(1), place(2)], [(1, 3), (2, 4), (3, 5)]);
    let what = |i: usize| (found[i]["reason"].as_str().unwrap(), found[i]["field"].as_str().unwrap());
    assert_eq!(what(0), ("bad_date", "reported_at"));
    assert_eq!(what(1), ("bad_json", ""));
    assert_eq!(what(2).0, "unknown_act");
    assert!(!answer.to_string().contains("yesterday") && !answer.to_string().contains("Unheard"), "{answer}");
    assert!(rig.spool_is_empty());

    let (_, _, answer) = producer.post(LINES, "{}\n".repeat(500)).await;
    assert_eq!((&answer["items_wrong"], answer["items"].as_array().unwrap().len()), (&500.into(), 100));
    producer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_has_one_content() {
    let rig = Rig::new();
    let producer = rig.start().await;
    producer.accept(JSON, array(0, 3), [3, 0, 0]).await;
    let changed = item(2).replace("21:15", "21:20");
    let (status, _, answer) = producer.post(JSON, format!("[{}, {changed}, {}]", item(3), item(0))).await;
    assert_eq!((status, &answer["items_wrong"]), (400, &1.into()), "{answer}");
    let wrong = &answer["items"][0];
    assert_eq!((&wrong["index"], &wrong["reason"]), (&1.into(), &"identity_taken".into()));
    let newer = changed.replace("08:40:00", "08:41:00");
    producer.accept(JSON, newer, [1, 0, 0]).await;
    producer.await_metric("sanchar_rows_published_total{state=\"IN-CH\"} 4").await;
    producer.stop().await;
}

fn without_own_revision(mut config: ProducerConfig) -> ProducerConfig {
    config.mapping.record.as_mut().unwrap().revision = None;
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_revision_of_its_own_a_record_changes_from_request_to_request_and_not_within_one() {
    let rig = Rig::new();
    let producer = start(without_own_revision(rig.config())).await;
    let (first, second) = (item(1), item(1).replace("21:15", "21:20"));
    let (status, _, answer) = producer.post(JSON, format!("[{first}, {second}]")).await;
    assert_eq!((status, &answer["items"][0]["reason"]), (400, &"identity_taken".into()), "{answer}");
    for (body, counts) in [
        (&first, [1, 0, 0]),
        (&first, [0, 1, 0]),
        (&second, [1, 0, 0]),
        (&second, [0, 1, 0]),
        (&first, [1, 0, 0]),
    ] {
        producer.accept(JSON, body.clone(), counts).await;
    }
    producer.await_metric("sanchar_rows_published_total{state=\"IN-CH\"} 3").await;
    assert_eq!(producer.stop().await.quarantined_count(), 0);
    let revisions: Vec<_> = rig.published(3).iter().map(|event| event.revision).collect();
    assert!(revisions.is_sorted() && revisions.iter().collect::<BTreeSet<_>>().len() == 3, "{revisions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_may_be_worked_on_are_asked_to_come_back() {
    let rig = Rig::new();
    let mut config = rig.config();
    config.push.as_mut().unwrap().max_requests_in_flight = 1;
    let producer = start(config).await;
    let (mut open, refused) = producer.occupy(item(1).len(), &item(1)[..40]).await;
    assert_eq!((error(&refused), refused.1.as_deref()), ((429, "busy"), Some("1")));
    // A stop waits for the request that is under way, and takes no other.
    producer.context.shutdown.trigger("the test is over");
    std::io::Write::write_all(&mut open, &item(1).as_bytes()[40..]).unwrap();
    let answered = rest(open, false).await;
    assert!(answered.starts_with("HTTP/1.1 202 ") && answered.contains("\"accepted\":1"), "{answered}");
    producer.stop().await;
    let producer = rig.start().await;
    producer.accept(JSON, item(1), [0, 1, 0]).await;
    producer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_refuses_until_the_broker_is_back() {
    let rig = Rig::new();
    rig.cluster.broker_down(1).unwrap();
    let mut config = rig.config();
    config.push.as_mut().unwrap().max_body_bytes = 20_000;
    config.spool.bytes_max = 20_000;
    let producer = start(config).await;
    producer.accept(JSON, array(0, 30), [30, 0, 0]).await;
    let refused = producer.post(JSON, array(30, 70)).await;
    assert_eq!((error(&refused), refused.1.as_deref()), ((503, "spool_full"), Some("30")));
    let is_full = |context: &sanchar_runtime::lifecycle::Context| {
        context.health.ready(true).text.contains("spool.bytes_max is reached")
    };
    producer.await_that("not ready", &is_full).await;
    producer.await_metric("sanchar_spool_refused_total{reason=\"bytes\",state=\"IN-CH\"} 1").await;
    producer.accept(JSON, array(0, 30), [0, 30, 0]).await;

    rig.cluster.broker_up(1).unwrap();
    producer.await_metric("sanchar_spool_bytes{state=\"IN-CH\"} 0").await;
    producer.await_that("ready", &|context| context.health.ready(false).ok).await;
    producer.accept(JSON, array(30, 70), [40, 0, 0]).await;
    producer.await_metric("sanchar_rows_published_total{state=\"IN-CH\"} 70").await;
    producer.stop().await;
    rig.published(70);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_is_told_how_to_be() {
    let rig = Rig::new();
    let producer = rig.start().await;
    let url = format!("{}/v1/events", producer.base);
    let plain = |producer: &Running| producer.client.post(&url).header("content-type", JSON).body(item(1));
    for request in [
        plain(&producer),
        plain(&producer).bearer_auth("wrong"),
        plain(&producer).basic_auth("a", Some(TOKEN)),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["www-authenticate"]),
            (401, &"Bearer".parse().unwrap())
        );
        assert_eq!(response.json::<serde_json::Value>().await.unwrap()["error"], "unauthorized");
    }
    let old = plain(&producer).bearer_auth("another-token-that-is-on-its-way-out");
    assert_eq!(answer(old).await.0, 202);
    let other = producer.client.get(format!("{}/v1/elsewhere", producer.base));
    assert_eq!(error(&answer(other).await), (404, "not_found"));
    let got = producer.client.get(&url).send().await.unwrap();
    assert_eq!((got.status().as_u16(), &got.headers()["allow"]), (405, &"POST".parse().unwrap()));
    assert_eq!(got.json::<serde_json::Value>().await.unwrap()["error"], "method_not_allowed");
    producer.stop().await;
}
