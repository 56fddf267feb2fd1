//! From answers to the picture: pure. What several instances show is added up, or the worst of them taken.

use std::collections::BTreeMap;

use sanchar_schemas::StateCode;
use sanchar_schemas::topics::{Topic, TopicSpace};

use super::concerns;
use super::look::{Answer, Ground, Probe};
use super::picture::{
    Brokers, DeadLetter, DeadLetters, Instance, Picture, Producer, Reader, Registry, State,
};
use crate::survey::Survey;
use crate::text::clean;

/// What was asked, and answered.
pub(crate) struct Asked<'a> {
    pub(crate) space: &'a TopicSpace,
    /// Answers of an earlier moment, from which rates are counted.
    pub(crate) before: &'a [Probe],
    pub(crate) now: &'a [Probe],
    pub(crate) ground: &'a Ground,
    /// Now, in ms since 1970.
    pub(crate) at_ms: i64,
    pub(crate) late_seconds: f64,
}

/// The picture.
pub(crate) fn assemble(asked: &Asked<'_>) -> Picture {
    let mut picture = Picture {
        at_ms: asked.at_ms,
        brokers: asked.brokers(),
        registry: asked.registry(),
        daemons: asked.now.iter().map(instance).collect(),
        producers: asked.producers(),
        states: asked.states(),
        readers: asked.readers(),
        dead_letters: asked.dead_letters(),
        attention: Vec::new(),
    };
    picture.attention = concerns::of(&picture);
    picture
}

fn instance(probe: &Probe) -> Instance {
    let address = probe.address.clone();
    let answer = match &probe.answer {
        Ok(answer) => answer,
        Err(why) => return Instance { address, why: Some(why.clone()), ..Instance::default() },
    };
    let scrape = &answer.scrape;
    let of_build = |label| scrape.label("sanchar_build_info", label).map(clean);
    let daemon = of_build("daemon");
    let up = scrape.value("sanchar_time_seconds").zip(scrape.value("process_start_time_seconds"));
    Instance {
        address,
        daemon,
        state: scrape.label("sanchar_rows_published_total", "state").map(clean),
        version: of_build("version"),
        ready: answer.not_ready.is_none(),
        why: answer.not_ready.clone(),
        up_seconds: up.map(|(now, start)| now - start),
    }
}

/// A counter's growth, and the seconds in which it grew.
#[derive(Debug, Clone, Copy, Default)]
struct Growth {
    count: f64,
    per_second: f64,
    grown: f64,
}

impl Growth {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.per_second += other.per_second;
        self.grown += other.grown;
    }
}

impl Asked<'_> {
    fn answers(&self) -> impl Iterator<Item = (&Probe, &Answer)> {
        self.now.iter().filter_map(|probe| Some((probe, probe.answer.as_ref().ok()?)))
    }

    /// A counter of one daemon by some labels. One that was not there before, or is smaller, began anew.
    fn growth(&self, probe: &Probe, name: &str, labels: &[&str]) -> BTreeMap<Vec<String>, Growth> {
        let values = |probe: &Probe| {
            probe.answer.as_ref().map(|answer| answer.scrape.values(name, labels)).unwrap_or_default()
        };
        let earlier = self.before.iter().find(|earlier| earlier.address == probe.address);
        let before =
            earlier.filter(|earlier| earlier.answer.is_ok()).map(|earlier| (values(earlier), earlier.at));
        let growth = |(labels, count): (Vec<String>, f64)| {
            let (grown, seconds) = before.as_ref().map_or((0.0, 0.0), |(before, at)| {
                let before = before.get(&labels).copied().filter(|before| *before <= count).unwrap_or(0.0);
                (count - before, probe.at.saturating_duration_since(*at).as_secs_f64())
            });
            let per_second = if seconds > 0.0 { grown / seconds } else { 0.0 };
            (labels, Growth { count, per_second, grown })
        };
        values(probe).into_iter().map(growth).collect()
    }

    /// A counter of all daemons by some labels.
    fn growth_of_all(&self, name: &str, labels: &[&str]) -> BTreeMap<Vec<String>, Growth> {
        let mut sums: BTreeMap<Vec<String>, Growth> = BTreeMap::new();
        for (labels, growth) in self.answers().flat_map(|(probe, _)| self.growth(probe, name, labels)) {
            sums.entry(labels).or_default().add(growth);
        }
        sums
    }

    fn survey(&self) -> Option<&Survey> {
        self.ground.survey.as_ref().ok()
    }

    fn registry(&self) -> Registry {
        match &self.ground.registry {
            None => Registry::default(),
            Some(Ok(subjects)) => Registry { unreachable: None, subjects: Some(*subjects) },
            Some(Err(why)) => Registry { unreachable: Some(why.clone()), subjects: None },
        }
    }

    fn brokers(&self) -> Brokers {
        let survey = match &self.ground.survey {
            Ok(survey) => survey,
            Err(failure) => return Brokers { unreachable: Some(failure.to_string()), ..Brokers::default() },
        };
        let all = Topic::all().map(|topic| self.space.name(topic));
        Brokers {
            unreachable: None,
            count: survey.brokers.len(),
            topics: survey.topics.len(),
            topics_missing: all.filter(|name| !survey.topics.contains_key(name)).count(),
            partitions_under_replicated: survey.under_replicated(),
            groups_left_out: survey.left_out.groups + survey.left_out.refused,
        }
    }

    fn producers(&self) -> Vec<Producer> {
        let producers = self.answers().filter_map(|(probe, answer)| {
            let scrape = &answer.scrape;
            let state = clean(scrape.label("sanchar_rows_published_total", "state")?);
            let total = |name: &str| {
                let mut sum = Growth::default();
                self.growth(probe, name, &[]).into_values().for_each(|growth| sum.add(growth));
                sum
            };
            let published = total("sanchar_rows_published_total");
            Some(Producer {
                state,
                address: probe.address.clone(),
                published: published.count,
                published_per_second: published.per_second,
                quarantined: total("sanchar_rows_quarantined_total").count,
                in_flight: scrape.value("sanchar_rows_in_flight").unwrap_or_default(),
                source_lag_bytes: scrape.value("sanchar_source_lag_bytes"),
                source_lag_seconds: scrape.value("sanchar_source_lag_seconds"),
                source_connected: scrape.value("sanchar_source_connected").map(|connected| connected > 0.0),
                files_refused: scrape.value("sanchar_source_files_refused"),
                spool_bytes: scrape.value("sanchar_spool_bytes"),
                spool_age_seconds: scrape.value("sanchar_spool_age_seconds"),
                spool_refused: total("sanchar_spool_refused_total").grown,
            })
        });
        producers.collect()
    }

    fn states(&self) -> Vec<State> {
        let read = self.growth_of_all("sanchar_records_in_total", &["topic"]);
        let copies = self.growth_of_all("sanchar_deliveries_total", &["recipient"]);
        let states = StateCode::all().filter_map(|code| {
            let topic = self.space.name(Topic::Reported(code));
            let records = read.get(&vec![topic.clone()]).copied();
            let delivered = copies.get(&vec![code.as_str().to_owned()]).copied();
            let lag = self.lag(&topic);
            let heard = self.worst("sanchar_last_heard_timestamp_seconds", "state", code.as_str());
            let state = State {
                state: code.as_str().to_owned(),
                topic,
                records_in: records.map(|records| records.count),
                in_per_second: records.map(|records| records.per_second),
                lag_records: lag.0,
                lag_seconds: lag.1,
                last_heard_seconds: heard.map(|heard| (seconds(self.at_ms) - heard).max(0.0)),
                copies: delivered.map(|copies| copies.count),
                copies_per_second: delivered.map(|copies| copies.per_second),
            };
            let figures = [state.records_in, state.lag_records, heard, state.copies];
            figures.iter().any(|figure| figure.is_some_and(|figure| figure > 0.0)).then_some(state)
        });
        states.collect()
    }

    /// Lag of an input topic in records and in seconds: as the fan-outs show it, or else as the brokers tell it of the group
    /// that is furthest behind.
    fn lag(&self, topic: &str) -> (Option<f64>, Option<f64>) {
        let key = vec![topic.to_owned()];
        let shown = self.answers().filter_map(|(_, answer)| {
            answer.scrape.values("sanchar_consumer_lag_records", &["topic"]).get(&key).copied()
        });
        if let Some(records) = shown.reduce(|sum, records| sum + records) {
            return (Some(records), self.worst("sanchar_consumer_lag_seconds", "topic", topic));
        }
        let groups = self.survey().into_iter().flat_map(|survey| survey.groups.values());
        let lags = groups.filter(|group| group.topics.contains_key(topic)).map(|group| {
            let waiting = group.waiting_seconds.get(topic).copied();
            (records(group.lag(topic)), waiting)
        });
        lags.max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map_or((None, None), |(records, waiting)| (Some(records), waiting))
    }

    /// The highest value that any daemon shows where a label has this value.
    fn worst(&self, name: &str, label: &str, value: &str) -> Option<f64> {
        let key = vec![value.to_owned()];
        let shown =
            self.answers().filter_map(|(_, answer)| answer.scrape.values(name, &[label]).get(&key).copied());
        shown.max_by(f64::total_cmp)
    }

    fn readers(&self) -> Vec<Reader> {
        let mut readers = Vec::new();
        for (name, group) in self.survey().into_iter().flat_map(|survey| &survey.groups) {
            for topic in group.topics.keys() {
                let (logical, state) = match self.space.parse(topic) {
                    None | Some(Topic::Reported(_)) => continue,
                    Some(inbox @ Topic::Shared(state)) => (inbox, Some(state.as_str().to_owned())),
                    Some(other) => (other, None),
                };
                let waiting_seconds = group.waiting_seconds.get(topic).copied();
                readers.push(Reader {
                    group: clean(name),
                    topic: topic.clone(),
                    state,
                    members: group.members,
                    unread: group.unread(topic, logical),
                    waiting_seconds,
                    late: waiting_seconds.is_some_and(|seconds| seconds > self.late_seconds),
                });
            }
        }
        readers
    }

    fn dead_letters(&self) -> DeadLetters {
        let counted = self.growth_of_all("sanchar_records_dead_lettered_total", &["stage", "reason"]);
        let by_reason =
            counted.into_iter().filter(|(_, growth)| growth.count > 0.0).map(|(labels, growth)| {
                let mut labels = labels.into_iter().map(|label| clean(&label));
                let (stage, reason) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
                DeadLetter { stage, reason, count: growth.count, per_second: growth.per_second }
            });
        let held = self.survey().and_then(|survey| survey.held(&self.space.name(Topic::Dlq)));
        DeadLetters { held, by_reason: by_reason.collect() }
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
fn seconds(at_ms: i64) -> f64 {
    at_ms as f64 / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "a double tells counts apart up to nine quadrillion")]
fn records(count: i64) -> f64 {
    count as f64
}
