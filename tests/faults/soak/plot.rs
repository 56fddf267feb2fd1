//! The plot of a soak as SVG: one panel above the other over the same time, faults as lines through all of them.
//! Drawn from the samples alone; no library is worth six polylines.

use super::record::{Record, Sample};

const WIDTH: f64 = 960.0;
const PANEL: f64 = 130.0;
const LEFT: f64 = 70.0;
const GAP: f64 = 34.0;

/// A line of a panel.
struct Series {
    name: &'static str,
    colour: &'static str,
    of: fn(&Sample) -> Option<f64>,
}

const PANELS: [(&str, bool, &[Series]); 4] = [
    (
        "latency, ms (logarithmic)",
        true,
        &[
            Series { name: "p99", colour: "#c0392b", of: |sample| sample.p99_ms },
            Series { name: "p50", colour: "#1f5fa8", of: |sample| sample.p50_ms },
        ],
    ),
    (
        "resident memory, MiB",
        false,
        &[
            Series { name: "attacked", colour: "#c9a227", of: |sample| sample.attacked_rss_mib },
            Series { name: "steady", colour: "#1f5fa8", of: |sample| Some(sample.rss_mib) },
        ],
    ),
    (
        "open files of the steady instance",
        false,
        &[Series { name: "", colour: "#1f5fa8", of: |sample| Some(sample.open_files as f64) }],
    ),
    (
        "its register on disk, MiB",
        false,
        &[Series { name: "", colour: "#1f5fa8", of: |sample| Some(sample.register_mib) }],
    ),
];

pub(super) fn svg(record: &Record) -> String {
    let end_s = record.samples.last().map_or(1, |sample| sample.at_s.max(1)) as f64;
    let x = |at_s: u64| LEFT + (WIDTH - LEFT - 20.0) * at_s as f64 / end_s;
    let height = GAP + PANELS.len() as f64 * (PANEL + GAP) + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (at_s, fault) in &record.faults {
        let (x, name) = (x(*at_s), fault.as_str());
        svg += &format!(
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{GAP}\" y2=\"{:.1}\" stroke=\"#dddddd\"><title>{name}</title></line>",
            height - GAP
        );
    }
    for (number, (title, is_logarithmic, series)) in PANELS.iter().enumerate() {
        let top = GAP + number as f64 * (PANEL + GAP);
        panel(&mut svg, record, top, title, *is_logarithmic, series, &x);
    }
    svg += &format!(
        "<text x=\"{LEFT}\" y=\"{:.1}\">minutes 0 to {:.0}; each grey line is the beginning of a fault</text>\n</svg>",
        height - 8.0,
        end_s / 60.0
    );
    svg
}

fn panel(
    svg: &mut String,
    record: &Record,
    top: f64,
    title: &str,
    is_logarithmic: bool,
    series: &[Series],
    x: &dyn Fn(u64) -> f64,
) {
    let scale = |value: f64| if is_logarithmic { value.max(1.0).log10() } else { value };
    let values =
        || record.samples.iter().flat_map(|sample| series.iter().filter_map(|series| (series.of)(sample)));
    let most = values().fold(1.0, f64::max) * 1.05;
    let y = |value: f64| top + PANEL - PANEL * scale(value) / scale(most).max(f64::MIN_POSITIVE);
    *svg += &format!(
        "<text x=\"{LEFT}\" y=\"{:.1}\" font-weight=\"bold\">{title}</text>\n<path d=\"M{LEFT} {top} V{:.1} H{:.1}\" \
         fill=\"none\" stroke=\"black\"/>",
        top - 6.0,
        top + PANEL,
        WIDTH - 20.0
    );
    for (value, baseline) in [(most, 10.0), (if is_logarithmic { most.sqrt() } else { most / 2.0 }, 4.0)] {
        *svg += &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>",
            LEFT - 6.0,
            y(value) + baseline
        );
    }
    for (number, Series { name, colour, of }) in series.iter().enumerate() {
        let points: Vec<String> = record
            .samples
            .iter()
            .filter_map(|sample| Some(format!("{:.1},{:.1}", x(sample.at_s), y(of(sample)?))))
            .collect();
        *svg += &format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.3\"/>\n<text x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\" fill=\"{colour}\">{name}</text>",
            points.join(" "),
            WIDTH - 24.0 - 80.0 * number as f64,
            top - 6.0
        );
    }
}
