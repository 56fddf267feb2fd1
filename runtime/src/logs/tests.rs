//! What a line looks like, which lines are shown, and how many of one place.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::Level;

use super::*;
use crate::clock::ManualClock;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(level: &str, format: LogFormat, terminal: bool) -> String {
    let captured = Captured::default();
    let writer = captured.clone();
    let config = LogConfig { level: level.to_owned(), format, ..LogConfig::default() };
    let limit = LineLimit::new(config.site_lines_max, Arc::new(ManualClock::new(0)));
    let subscriber = subscriber(&config, &limit, terminal, move || writer.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!(topic = "crime.dlq", "record dropped");
        tracing::debug!("not by default");
    });
    captured.text()
}

#[test]
fn json_off_a_terminal_with_utc_time_and_flat_fields() {
    let line: serde_json::Value = serde_json::from_str(&logged("info", LogFormat::Auto, false)).unwrap();
    assert_eq!(line["message"], "record dropped");
    assert_eq!(line["topic"], "crime.dlq");
    assert_eq!(line["level"], "INFO");
    let time = line["timestamp"].as_str().unwrap();
    assert!(time.ends_with('Z') && time.contains('T'), "{time}");
}

#[test]
fn text_on_a_terminal_and_where_asked_for() {
    assert!(logged("info", LogFormat::Auto, true).contains("record dropped"));
    let plain = logged("info", LogFormat::Text, false);
    assert!(plain.contains("record dropped topic=\"crime.dlq\""), "{plain}");
    assert!(logged("info", LogFormat::Json, true).starts_with('{'));
}

#[test]
fn the_level_filters() {
    assert_eq!(logged("debug", LogFormat::Text, false).lines().count(), 2);
    assert_eq!(logged("off", LogFormat::Text, false), "");
    assert_eq!(logged("error,sanchar_runtime=debug", LogFormat::Text, false).lines().count(), 2);
}

#[test]
fn a_word_that_is_no_level_is_refused() {
    for level in ["warning", "info,verbose", "", "x=notalevel"] {
        let config = LogConfig { level: level.to_owned(), ..LogConfig::default() };
        let error = config.check().unwrap_err().to_string();
        assert!(error.starts_with("logs.level"), "{level}: {error}");
    }
}

/// A log of JSON lines in which one place may write two within ten seconds.
struct Limited {
    clock: Arc<ManualClock>,
    limit: LineLimit,
    captured: Captured,
    config: LogConfig,
}

impl Limited {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(0));
        let config = LogConfig { site_lines_max: 2, ..LogConfig::default() };
        let limit = LineLimit::new(config.site_lines_max, Arc::<ManualClock>::clone(&clock));
        Self { clock, limit, captured: Captured::default(), config }
    }

    /// Lines that `work` has added.
    fn during(&self, work: impl FnOnce()) -> Vec<serde_json::Value> {
        let before = self.captured.text().lines().count();
        let writer = self.captured.clone();
        let subscriber = subscriber(&self.config, &self.limit, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, work);
        let text = self.captured.text();
        text.lines().skip(before).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Levels and numbers that are given to whoever counts, and the lines that tell of them.
    fn told(&self) -> (Vec<(Level, u64)>, Vec<serde_json::Value>) {
        let mut counted = Vec::new();
        let lines = self.during(|| self.limit.tell(|level, lines| counted.push((level, lines))));
        (counted, lines)
    }
}

fn fails(times: u32) {
    for number in 0..times {
        tracing::error!(number, "it fails");
    }
}

#[test]
fn one_place_writes_so_many_lines_and_others_are_not_held_up_by_it() {
    let log = Limited::new();
    let lines = log.during(|| {
        fails(50);
        tracing::info!("another place");
        tracing::info!("a third one");
    });
    let texts: Vec<_> =
        lines.iter().map(|line| (line["message"].as_str().unwrap(), &line["number"])).collect();
    let none = &serde_json::Value::Null;
    let expected =
        [("it fails", &0.into()), ("it fails", &1.into()), ("another place", none), ("a third one", none)];
    assert_eq!(texts, expected, "the first of an error always passes");
}

#[test]
fn what_was_left_out_is_told_once_with_its_place() {
    let log = Limited::new();
    log.during(|| fails(50));
    let (counted, lines) = log.told();
    assert_eq!(counted, [(Level::ERROR, 48)]);
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(
        (&line["suppressed"], &line["of_level"], &line["level"]),
        (&48.into(), &"ERROR".into(), &"WARN".into())
    );
    let site = line["site"].as_str().unwrap();
    assert!(site.contains("logs/tests.rs:"), "{site}");
    assert_eq!(log.told(), (Vec::new(), Vec::new()));
}

#[test]
fn after_ten_seconds_a_place_writes_again() {
    let log = Limited::new();
    assert_eq!(log.during(|| fails(3)).len(), 2);
    log.clock.advance(9_999);
    assert_eq!(log.during(|| fails(3)).len(), 0);
    log.clock.advance(1);
    assert_eq!(log.during(|| fails(3)).len(), 2);
    assert_eq!(log.told().0, [(Level::ERROR, 1 + 3 + 1)]);
}

#[test]
fn lines_below_the_level_do_not_count_and_the_telling_is_not_limited() {
    let log = Limited::new();
    assert!(log.during(|| (0..50).for_each(|_| tracing::debug!("not by default"))).is_empty());
    for _ in 0..5 {
        log.during(|| fails(3));
        assert_eq!(log.told().1.len(), 1, "within one and the same ten seconds");
    }
}

#[test]
fn a_limit_of_no_lines_is_refused() {
    let config = LogConfig { site_lines_max: 0, ..LogConfig::default() };
    assert!(config.check().unwrap_err().to_string().starts_with("logs.site_lines_max is 0"));
}
