//! The tables of districts against what is known of them, and against each other.

use super::*;
use crate::adjacency::Adjacency;
use std::collections::{BTreeMap, BTreeSet};

fn state(code: &str) -> StateCode {
    code.parse().unwrap()
}

fn find(code: &str, name: &str) -> Option<&'static str> {
    District::find(state(code), name).map(|district| district.name.as_str())
}

fn get(code: &str, name: &str) -> &'static District {
    District::find(state(code), name).unwrap_or_else(|| panic!("{code} has no {name}"))
}

fn touching(district: &District) -> Vec<String> {
    let of = |other: StateCode| district.touching(other).map(move |name| format!("{other}:{name}"));
    district.touching_states().iter().flat_map(of).collect()
}

fn of_kind(kind: DistrictKind) -> impl Iterator<Item = &'static District> {
    District::all().iter().filter(move |district| district.kind == kind)
}

fn drawn() -> impl Iterator<Item = &'static District> {
    of_kind(DistrictKind::Revenue).filter(|district| district.within.is_empty())
}

#[test]
fn there_are_466_borders_of_416_districts() {
    let rows = rows::borders();
    assert_eq!(rows.len(), 466);
    let key = |r: &rows::BorderRow| {
        [r.state_a.as_str(), &r.district_a, r.state_b.as_str(), &r.district_b].map(str::to_owned)
    };
    let keys: Vec<_> = rows.iter().map(key).collect();
    assert!(keys.is_sorted_by(|a, b| a < b), "each pair once, in order");
    assert!(rows.iter().all(|r| r.state_a.as_str() < r.state_b.as_str()), "no pair within a state");
    assert_eq!(drawn().filter(|district| district.is_border() == Some(true)).count(), 416);
    let directed: usize = drawn().map(|district| touching(district).len()).sum();
    assert_eq!(directed, 2 * 466, "every name of a border is a district's");
}

#[test]
fn who_touches_is_touched() {
    for district in drawn() {
        for other in district.touching_states().iter() {
            assert_ne!(other, district.state);
            for name in district.touching(other) {
                let back = District::find(other, name).unwrap();
                assert_eq!(back.name, name, "borders are written with official names");
                assert!(back.touching(district.state).any(|n| n == district.name), "{name}");
            }
        }
    }
}

/// No pair of neighbours is without a pair of districts, so there is no list of exceptions.
#[test]
fn districts_touch_where_states_do() {
    let today = jiff::civil::date(2026, 11, 1);
    let mut edges = 0;
    for code in StateCode::all() {
        let at_borders: StateSet = drawn()
            .filter(|district| district.state == code)
            .flat_map(|district| district.touching_states().iter())
            .collect();
        assert_eq!(at_borders, Adjacency::builtin().neighbours(code, today), "{code}");
        edges += at_borders.len();
    }
    assert_eq!(edges, 2 * 67);
    for district in District::all() {
        let neighbours = Adjacency::builtin().neighbours(district.state, today);
        assert!(district.touching_states().minus(neighbours).is_empty(), "{district:?}");
    }
}

#[test]
fn what_delhi_touches() {
    let [haryana, up] = [state("IN-HR"), state("IN-UP")];
    let delhi = get("IN-DL", "Delhi");
    assert_eq!(delhi.touching(haryana).collect::<Vec<_>>(), ["Faridabad", "Gurugram", "Jhajjar", "Sonipat"]);
    assert_eq!(delhi.touching(up).collect::<Vec<_>>(), ["Baghpat", "Gautam Buddha Nagar", "Ghaziabad"]);
    assert_eq!(delhi.touching_states(), [haryana, up].into_iter().collect());

    let outer_north = get("IN-DL", "OUTER NORTH DISTRICT");
    assert_eq!((outer_north.name.as_str(), outer_north.kind), ("Outer-North", DistrictKind::Police));
    assert_eq!(outer_north.is_border(), Some(true));
    assert_eq!(touching(outer_north), ["IN-HR:Sonipat"]);
    let central = get("IN-DL", "central");
    assert_eq!(central.is_border(), None, "it lies in a border district, and nothing says where");
    assert_eq!(touching(central), touching(delhi));
    let units = of_kind(DistrictKind::Police).filter(|district| district.state == delhi.state);
    assert_eq!(units.count(), 15 + 3);
}

#[test]
fn what_is_known_of_borders() {
    for (code, name, is_border) in [
        ("IN-HR", "Sonipat", Some(true)),
        ("IN-HR", "Rohtak", Some(false)),
        ("IN-MH", "Pune City", Some(false)),
        ("IN-MH", "Nagpur City", None),
        ("IN-KA", "K.G.F.", None),
        ("IN-KA", "Karnataka Railways", None),
        ("IN-RJ", "Deeg", None),
        ("IN-RJ", "Didwana-Kuchaman", Some(false)),
        ("IN-LD", "Lakshadweep", Some(false)),
    ] {
        assert_eq!(get(code, name).is_border(), is_border, "{name}");
    }
    assert_eq!(touching(get("IN-RJ", "Deeg")), touching(get("IN-RJ", "Bharatpur")));
    assert!(touching(get("IN-KA", "CID")).is_empty());
}

#[test]
fn names_in_their_many_spellings() {
    for (code, written, name) in [
        ("IN-HR", "Gurgaon", "Gurugram"),
        ("IN-HR", "  gUR gaon ", "Gurugram"),
        ("IN-HR", "MEWAT", "Nuh"),
        ("IN-HR", "गुड़गाँव", "Gurugram"),
        ("IN-HR", "सोनीपत जिला", "Sonipat"),
        ("IN-HR", "ज़िला झज्जर", "Jhajjar"),
        ("IN-UP", "G.B. Nagar", "Gautam Buddha Nagar"),
        ("IN-UP", "गौतम बुद्ध नगर", "Gautam Buddha Nagar"),
        ("IN-UP", "Distt. Allahabad", "Prayagraj"),
        ("IN-UP", "Faizabad", "Ayodhya"),
        ("IN-MP", "होशंगाबाद", "Narmadapuram"),
        ("IN-KA", "Bellary District", "Ballari"),
        ("IN-KA", "Bijapur", "Vijayapura"),
        ("IN-KA", "Bagalkot", "Bagalkote"),
        ("IN-KA", "Bangalore", "Bengaluru Urban"),
        ("IN-KA", "Bengaluru Dist", "Bengaluru Dist"),
        ("IN-KA", "Bengaluru District", "Bengaluru Dist"),
        ("IN-KA", "Hubballi-Dharwad City", "Hubballi Dharwad City"),
        ("IN-MH", "Osmanabad", "Dharashiv"),
        ("IN-MH", "औरंगाबाद", "Chhatrapati Sambhajinagar"),
        ("IN-BR", "औरंगाबाद", "Aurangabad"),
        ("IN-HP", "Lahaul & Spiti", "Lahaul and Spiti"),
        ("IN-TN", "Nilgiris", "The Nilgiris"),
        ("IN-SK", "East District", "Gangtok"),
    ] {
        assert_eq!(find(code, written), Some(name), "{written}");
    }
    for (code, written) in [
        ("IN-UP", "Gurugram"),
        ("IN-HR", "Delhi"),
        ("IN-DL", "Sonipat"),
        ("IN-HR", "Sonipat Rohtak"),
        ("IN-HR", "District"),
        ("IN-HR", ""),
        ("IN-HR", "\u{0}"),
    ] {
        assert_eq!(find(code, written), None, "{written}");
    }
    assert_eq!(find("IN-HR", &"Sonipat ".repeat(1000)), None);
}

#[test]
fn no_two_districts_of_a_state_claim_the_same_name() {
    let mut claimed = HashMap::new();
    for district in District::all() {
        for name in district.names() {
            let key = (district.state, fold(name).unwrap());
            let other = claimed.insert(key, &district.name);
            assert_eq!(other, None, "{name} of {} is {}", district.state, district.name);
        }
        assert_eq!(find(district.state.as_str(), &district.name), Some(district.name.as_str()));
    }
}

/// Delhi is one revenue district here and nine in the census (090 to 098).
#[test]
fn every_code_of_the_census_stands_once() {
    let codes: Vec<u16> =
        District::all().iter().filter_map(|d| d.census2011.as_deref()).map(|c| c.parse().unwrap()).collect();
    let distinct: BTreeSet<u16> = codes.iter().copied().collect();
    assert_eq!(codes.len(), distinct.len());
    assert_eq!(distinct, (1..=640).filter(|code| !(90..=98).contains(code)).collect());
    assert!(District::all().iter().filter_map(|d| d.census2011.as_deref()).all(|code| code.len() == 3));
    assert_eq!(get("IN-DL", "Delhi").census2011, None);
    assert_eq!(get("IN-CH", "Chandigarh").census2011.as_deref(), Some("055"));
}

#[test]
fn the_tables_are_sound() {
    let mut per_state = BTreeMap::new();
    for kind in [DistrictKind::Revenue, DistrictKind::Police] {
        let keys: Vec<_> = of_kind(kind).map(|d| (d.state.as_str(), d.name.as_str())).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{kind:?} districts are in the order of state and name");
    }
    let revenue: HashMap<_, _> =
        of_kind(DistrictKind::Revenue).map(|d| ((d.state, d.name.as_str()), d)).collect();
    for district in District::all() {
        for name in &district.within {
            let other = revenue.get(&(district.state, name.as_str())).unwrap_or_else(|| panic!("{name}"));
            let may_be_new = district.kind == DistrictKind::Police;
            assert!(
                may_be_new || other.within.is_empty(),
                "{name} was drawn, as {} lay in it",
                district.name
            );
        }
        for (other, name) in &district.touching {
            assert!(*other != district.state && revenue.contains_key(&(*other, name.as_str())), "{name}");
        }
        assert_eq!(district.kind == DistrictKind::Police, !district.source.is_empty(), "{}", district.name);
        *per_state.entry(district.state).or_insert(0) += 1;
    }
    assert_eq!(per_state.len(), 36, "every state has districts");
    assert_eq!((of_kind(DistrictKind::Revenue).count(), drawn().count()), (771, 721));
    assert_eq!(of_kind(DistrictKind::Police).count(), 147);
}
