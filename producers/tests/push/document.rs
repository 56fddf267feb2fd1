//! The OpenAPI document against the running server: every path, method and status of it is produced here, and every answer
//! is as its schema says, so that neither can change alone.

use std::collections::BTreeSet;

use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::rig::{JSON, Rig, Running, TOKEN, array, item, rest, start};

/// Whether a value is as a schema says, as far as schemas of this document go.
fn fits(document: &Value, schema: &Value, value: &Value) -> bool {
    if let Some(path) = schema["$ref"].as_str() {
        let target = document.pointer(path.strip_prefix('#').unwrap()).unwrap();
        return fits(document, target, value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().filter(|choice| fits(document, choice, value)).count() == 1;
    }
    if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        return false;
    }
    match schema["type"].as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.as_i64().is_some_and(|number| number >= schema["minimum"].as_i64().unwrap_or(0)),
        "array" => value.as_array().is_some_and(|items| {
            items.len()
                <= schema["maxItems"].as_u64().map_or(usize::MAX, |most| usize::try_from(most).unwrap())
                && items.iter().all(|item| fits(document, &schema["items"], item))
        }),
        "object" => value.as_object().is_some_and(|object| {
            let mut required = schema["required"].as_array().into_iter().flatten();
            let has_all = required.all(|name| object.contains_key(name.as_str().unwrap()));
            has_all
                && object.iter().all(|(name, field)| match &schema["properties"][name] {
                    Value::Null => schema["additionalProperties"] != Value::Bool(false),
                    known => fits(document, known, field),
                })
        }),
        other => panic!("{other}"),
    }
}

/// An answer and what it answered.
struct Noted {
    path: &'static str,
    method: &'static str,
    status: u16,
    headers: Vec<(String, String)>,
    body: Value,
}

struct Seen(Vec<Noted>);

impl Seen {
    async fn note(&mut self, path: &'static str, method: &'static str, response: Response) {
        let headers = response.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let status = response.status().as_u16();
        let body = response.json().await.unwrap();
        self.0.push(Noted { path, method, status, headers, body });
    }

    async fn post(&mut self, producer: &Running, token: &str, kind: &str, body: String) -> StatusCode {
        let request = producer.client.post(format!("{}/v1/events", producer.base)).bearer_auth(token);
        let response = request.header("content-type", kind).body(body).send().await.unwrap();
        let status = response.status();
        self.note("/v1/events", "post", response).await;
        status
    }

    fn raw(&mut self, answer: &str) {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = lines.filter_map(header).collect();
        let body = serde_json::from_str(body).unwrap();
        self.0.push(Noted { path: "/v1/events", method: "post", status, headers, body });
    }
}

async fn produce_every_answer(rig: &Rig) -> (Value, Seen) {
    let mut seen = Seen(Vec::new());
    let mut config = rig.config();
    let push = config.push.as_mut().unwrap();
    (push.max_body_bytes, push.max_requests_in_flight, push.body_timeout_ms) = (20_000, 1, 6_000);
    push.max_items = 50;
    config.spool.bytes_max = 20_000;
    rig.cluster.broker_down(1).unwrap();
    let producer = start(config).await;
    let response = producer.client.get(format!("{}/v1/openapi.json", producer.base)).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    seen.note("/v1/openapi.json", "get", response).await;
    let document = seen.0[0].body.clone();

    seen.post(&producer, TOKEN, JSON, array(0, 20)).await;
    seen.post(&producer, TOKEN, JSON, "{".to_owned()).await;
    seen.post(&producer, TOKEN, JSON, "{}".to_owned()).await;
    seen.post(&producer, TOKEN, "application/x-ndjson", "{}".to_owned()).await;
    seen.post(&producer, "wrong", JSON, item(1)).await;
    seen.post(&producer, TOKEN, JSON, " ".repeat(20_001)).await;
    seen.post(&producer, TOKEN, JSON, format!("[{}0]", "0,".repeat(50))).await;
    seen.post(&producer, TOKEN, "text/plain", item(1)).await;
    seen.post(&producer, TOKEN, JSON, array(20, 70)).await;
    let (slow, _) = producer.occupy(100, "{").await;
    seen.post(&producer, TOKEN, JSON, item(1)).await;
    seen.raw(&rest(slow, false).await);
    producer.stop().await;
    (document, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_says_what_the_server_does_and_all_of_it() {
    let rig = Rig::new();
    let (document, seen) = produce_every_answer(&rig).await;
    let mut said = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let statuses = operation["responses"].as_object().unwrap().keys();
            said.extend(statuses.map(|status| (path.clone(), method.clone(), status.clone())));
        }
    }
    let answered = |noted: &Noted| (noted.path.to_owned(), noted.method.to_owned(), noted.status.to_string());
    let done: BTreeSet<_> = seen.0.iter().map(answered).collect();
    assert_eq!(said, done);
    for Noted { path, method, status, headers, body } in &seen.0 {
        let response = &document["paths"][path][method]["responses"][status.to_string()];
        let schema = &response["content"]["application/json"]["schema"];
        assert!(fits(&document, schema, body), "{method} {path} {status}: {body}");
        for name in response["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
            assert!(headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)), "{status}: {name}");
        }
        let says_when = headers.iter().any(|(name, _)| name == "retry-after");
        assert_eq!(says_when, response["headers"].get("Retry-After").is_some(), "{status}");
        assert!(headers.iter().any(|(name, value)| name == "content-type" && value == "application/json"));
    }
}

#[test]
fn what_does_not_fit_is_seen() {
    let document: Value = serde_json::from_str(include_str!("../../src/push/openapi.json")).unwrap();
    let schema = serde_json::json!({ "$ref": "#/components/schemas/Accepted" });
    let fits = |value| fits(&document, &schema, &value);
    assert!(fits(serde_json::json!({ "accepted": 1, "duplicates": 0, "skipped": 0 })));
    assert!(!fits(serde_json::json!({ "accepted": 1, "duplicates": 0 })));
    assert!(!fits(serde_json::json!({ "accepted": 1, "duplicates": 0, "skipped": "0" })));
    assert!(!fits(serde_json::json!({ "accepted": 1, "duplicates": 0, "skipped": 0, "more": 0 })));
}
