//! Acts and sections as two states' extracts write them.

use super::*;
use crate::language::column::{Columns, NamesColumns as _, Visit};
use crate::language::field::Cells;
use crate::language::time::Zone;

const KARNATAKA: &str = "column = 'a'
    order = 'act_first'
    marker = 'U/s:'
    unknown_act = 'keep'
    placeholders = ['00MP', '0']";

const INDORE: &str = "column = 'a'
    order = 'sections_first'
    separators = ',/.'
    letters = { 'ए' = 'A', 'बी' = 'B', 'डी' = 'D', 'क' = 'A', 'ख' = 'B' }
    fillers = ['एवं']
    acts = { 'भादवि0' = 'IPC', 'आबकारी अधिनियम' = 'EXCISE_MP', 'एमवी एक्ट' = 'MV' }
    bare = { act = 'IPC', sections = ['279', '294', '323', '337', '379', '506'], beside = ['34'] }";

fn bound(rules: &str) -> Sections {
    let mut rules: Sections = toml::from_str(rules).unwrap();
    let columns = Columns::new(["a", "act"]);
    rules.each_column(&mut Visit::new("sections", &mut |path, column, _| {
        columns.bind(column, path, "test").unwrap();
    }));
    rules
}

fn read_with(rules: &str, text: &str) -> Result<String, Reason> {
    let rules = bound(rules);
    let cells = Cells(text.split('|').map(Into::into).collect());
    let source = Source { cells: &cells, null_values: &["--".to_owned()], zone: Zone::india().0 };
    let known = Known::default();
    let sections = read(&rules, source, &known).map_err(|problem| problem.reason);
    assert_eq!(read(&rules, source, &known).map_err(|problem| problem.reason), sections, "it comes again");
    let sections = sections?;
    Ok(sections.iter().map(|s| format!("{} {}", s.act, s.section)).collect::<Vec<_>>().join("; "))
}

#[test]
fn act_first() {
    for (text, expected) in [
        ("IPC 1860 U/s: 379 ", "IPC 379"),
        (
            "IPC 1860 U/s: 279,337 INDIAN MOTOR VEHICLES ACT, 1988 U/s: 3(2),3(1),181 ",
            "IPC 279; IPC 337; MV 3(2); MV 3(1); MV 181",
        ),
        ("CODE OF CRIMINAL PROCEDURE, 1973 U/s: 107 ", "CRPC 107"),
        ("NARCOTIC DRUGS & PSYCHOTROPIC SUBSTANCES ACT, 1985 U/s: 20(b) (ii) A ", "NDPS 20(b)(ii)A"),
        (
            "NARCOTIC DRUGS AND PSYCHOTROPIC SUBSTANCES ACT, 1985 U/s: 20A,20(B)2(a) ",
            "NDPS 20A; NDPS 20(B)2(a)",
        ),
        ("IPC 1860 U/s: 504 IPC 1860 U/s: 504,506 ", "IPC 504; IPC 506"),
        (
            "IPC 1860 U/s: 273 COTPA, Cigarettes and Other Tobacco Products,Act 2003, U/s: 4 ",
            "IPC 273; COTPA, Cigarettes and Other Tobacco Products,Act 2003 4",
        ),
        (
            "SC AND THE ST  (PREVENTION OF ATTROCITIES) ACT, 1989 U/s: 3(1)(r)(s),3(2)(v-a) IPC 1860 U/s: 34 ",
            "SC AND THE ST (PREVENTION OF ATTROCITIES) ACT, 1989 3(1)(r)(s); \
             SC AND THE ST (PREVENTION OF ATTROCITIES) ACT, 1989 3(2)(v-a); IPC 34",
        ),
        ("IPC 1860 U/s: 00MP ", ""),
        ("--", ""),
        ("", ""),
    ] {
        assert_eq!(read_with(KARNATAKA, text), Ok(expected.to_owned()), "{text}");
    }
    for (text, reason) in [
        ("379", Reason::SectionWithoutAct),
        ("U/s: 379", Reason::SectionWithoutAct),
        ("ARMS ACT, 1959 U/s: 25  1A ", Reason::BadSection),
        ("IPC 1860 U/s: ", Reason::BadSection),
        ("IPC 1860 U/s: 379 and more", Reason::BadSection),
        ("IPC 1860 U/s: 20(b ", Reason::BadSection),
    ] {
        assert_eq!(read_with(KARNATAKA, text), Err(reason), "{text}");
    }
}

#[test]
fn act_first_as_it_is_usually_written() {
    let usual = "column = 'a'\norder = 'act_first'";
    for (text, expected) in [
        ("IPC 1860 U/s: 379, 34", "IPC 379; IPC 34"),
        ("NDPS ACT 1985 (U/s-20(b)(ii)A)", "NDPS 20(b)(ii)A"),
        ("NDPS ACT 1985 (U/s-20(b)(ii)A), ARMS ACT 1959 (u/s 25, 27)", "NDPS 20(b)(ii)A; ARMS 25; ARMS 27"),
        ("ipc u/s 379 r/w 34", "IPC 379; IPC 34"),
        ("BNS 303(2) r/w 3(5)", "BNS 303(2); BNS 3(5)"),
        ("BNS 2023 303(2), 317(2) R/W 3(5) and ARMS ACT 25", "BNS 303(2); BNS 317(2); BNS 3(5); ARMS 25"),
        ("भादवि धारा 379 सहपठित 34", "IPC 379; IPC 34"),
        ("IPC 1860 U/s ३७९, ೩೪", "IPC 379; IPC 34"),
        ("INDIAN MOTOR VEHICLES ACT, 1988 U/s.3(2) & 181", "MV 3(2); MV 181"),
    ] {
        assert_eq!(read_with(usual, text), Ok(expected.to_owned()), "{text}");
    }
    for (text, reason) in [
        ("379 r/w 34", Reason::SectionWithoutAct),
        ("379 IPC", Reason::SectionWithoutAct),
        ("NO SUCH ACT 12", Reason::UnknownAct),
        ("BNS", Reason::BadSection),
        ("BNS 303(2) r/w", Reason::SectionWithoutAct),
        ("NDPS ACT 1985 (U/s-20(b)(ii)A", Reason::BadSection),
        ("NDPS ACT 1985 (U/s-20 and more)", Reason::BadSection),
        ("NDPS ACT 1985 (U/s-20) and more", Reason::BadSection),
    ] {
        assert_eq!(read_with(usual, text), Err(reason), "{text}");
    }
    // A name that no table knows is kept only where a marker tells it from its sections.
    let kept = format!("{usual}\nunknown_act = 'keep'");
    assert_eq!(read_with(&kept, "SOME ACT 1999 (U/s-4)"), Ok("SOME ACT 1999 4".into()));
    assert_eq!(read_with(&kept, "SOME ACT 4"), Err(Reason::UnknownAct));
}

#[test]
fn a_mark_that_is_not_said_to_separate_is_named_with_the_setting() {
    for (rules, text) in [
        ("column = 'a'\norder = 'act_first'", "IPC 279/337"),
        ("column = 'a'\norder = 'act_first'", "IPC U/s: 354/376"),
        (KARNATAKA, "IPC 1860 U/s: 354/376 ARMS ACT, 1959 U/s: 25"),
        ("column = 'a'\norder = 'sections_first'", "354; 376 IPC"),
        (
            "column = 'a'\norder = 'sections_only'\nbare = { act = 'IPC', sections = ['354', '376'] }",
            "354 / 376",
        ),
    ] {
        let rules: Sections = bound(rules);
        let problem = take_apart(&rules, text, &Ok(None)).unwrap_err();
        assert_eq!(problem.reason, Reason::BadSection, "{text}");
        assert!(
            problem.message.contains("add it to mapping.sections.separators"),
            "{text}: {}",
            problem.message
        );
    }
    let slash = "column = 'a'\norder = 'act_first'\nseparators = ',/'";
    assert_eq!(read_with(slash, "IPC 279/337"), Ok("IPC 279; IPC 337".into()));
    assert_eq!(read_with(slash, "IPC U/s: 354/376"), Ok("IPC 354; IPC 376".into()));
}

#[test]
fn sections_first() {
    for (text, expected) in [
        ("379 भादवि,", "IPC 379"),
        ("279/337 भादवि ,", "IPC 279; IPC 337"),
        ("279, 337, भादवि 184 MV Act", "IPC 279; IPC 337; MV 184"),
        ("294/506भादवि", "IPC 294; IPC 506"),
        ("323 भा द वि , 294 ,506 भा द वि", "IPC 323; IPC 294; IPC 506"),
        ("304 ए भादवि,", "IPC 304A"),
        ("498-ए, 323,34 भादवि0 ", "IPC 498A; IPC 323; IPC 34"),
        ("354ए, 354डी,भादवि, 506 भादवि", "IPC 354A; IPC 354D; IPC 506"),
        ("36(ख) आबकारी एक्ट,", "EXCISE_MP 36(B)"),
        ("34 , आबकारी एक्ट", "EXCISE_MP 34"),
        ("34, 34 आबकारी एक्ट", "EXCISE_MP 34"),
        ("399, 402, भादवि.एवं 25 आर्म्स एक्ट.", "IPC 399; IPC 402; ARMS 25"),
        ("34 आबकारी अधिनियम1915 ,", ""),
        ("379 ipc,", "IPC 379"),
        ("279 भादवि 12 POCSO ACT 2012", "IPC 279; POCSO 12"),
        ("379,", "IPC 379"),
        ("279.337, 279.337", "IPC 279; IPC 337"),
        ("323, 294,506,34", "IPC 323; IPC 294; IPC 506; IPC 34"),
        ("379 भादवि, .....", "IPC 379"),
        ("३७९ भादवि", "IPC 379"),
        ("धारा 379 सहपठित 34 भादवि", "IPC 379; IPC 34"),
        ("U/s 379, 34 IPC r/w 25 Arms Act", "IPC 379; IPC 34; ARMS 25"),
        ("303(2) r/w 3(5) BNS and 25 Arms Act", "BNS 303(2); BNS 3(5); ARMS 25"),
    ] {
        let read = read_with(INDORE, text);
        if expected.is_empty() {
            assert_eq!(read, Err(Reason::UnknownAct), "{text}");
        } else {
            assert_eq!(read, Ok(expected.to_owned()), "{text}");
        }
    }
    for (text, reason) in [
        ("34,", Reason::SectionWithoutAct),
        ("34(1),", Reason::SectionWithoutAct),
        ("25, ...", Reason::SectionWithoutAct),
        ("323,2,94,506", Reason::SectionWithoutAct),
        ("4 क,", Reason::SectionWithoutAct),
        ("279, 25,", Reason::SectionWithoutAct),
        ("379, 7/8 POCSO ACT", Reason::SectionWithoutAct),
        ("34, (2)", Reason::BadSection),
        ("भादवि 379", Reason::BadSection),
        ("14जिला बदर ", Reason::UnknownAct),
        ("304 एभादवि ,", Reason::UnknownAct),
    ] {
        assert_eq!(read_with(INDORE, text), Err(reason), "{text}");
    }
}

#[test]
fn sections_only_take_their_act_from_elsewhere() {
    let rules = "column = 'a'\norder = 'sections_only'\nact = { column = 'act', map = { BNS2023 = 'BNS' }, unknown = 'keep' }";
    assert_eq!(read_with(rules, "303(2), 3(5)|BNS2023"), Ok("BNS 303(2); BNS 3(5)".into()));
    assert_eq!(read_with(rules, "303(2) r/w 3(5)|BNS2023"), Ok("BNS 303(2); BNS 3(5)".into()));
    assert_eq!(read_with(rules, "U/s 303(2) & 3(5)|BNS2023"), Ok("BNS 303(2); BNS 3(5)".into()));
    assert_eq!(read_with(rules, "303(2)|"), Err(Reason::SectionWithoutAct));
    assert_eq!(read_with(rules, "303(2)|NO SUCH ACT"), Err(Reason::UnknownAct));
    assert_eq!(read_with(rules, "303(2) BNS|BNS"), Err(Reason::BadSection));
}
