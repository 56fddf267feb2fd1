//! The screen as it is drawn, with known figures, on a terminal of 80 columns and 24 lines.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::status::tests::picture;

/// The characters of the screen, without blanks at the ends of lines.
fn screen(picture: Option<&Picture>, view: &mut View) -> String {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, picture, view)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..24 {
        let line: String = (0..80).map(|x| buffer[(x, y)].symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[test]
fn every_sheet_fits_the_screen_and_looks_as_it_should() {
    let picture = picture();
    let mut view = View::default();
    for (name, expected) in [
        ("states", include_str!("tests/states.txt")),
        ("daemons", include_str!("tests/daemons.txt")),
        ("producers", include_str!("tests/producers.txt")),
        ("readers", include_str!("tests/readers.txt")),
        ("dead letters", include_str!("tests/dead-letters.txt")),
    ] {
        assert_eq!(screen(Some(&picture), &mut view), expected, "{name}");
        view.heed(KeyCode::Right);
    }
    assert_eq!(view.sheet, 0, "after the last comes the first");
    view.heed(KeyCode::Left);
    assert_eq!(view.sheet, sheets::COUNT - 1, "and before the first the last");
}

#[test]
fn a_list_that_is_longer_than_the_screen_is_moved_through() {
    let mut picture = picture();
    let state = picture.states[0].clone();
    picture.states = (0..36)
        .map(|number| {
            let mut state = state.clone();
            state.state = format!("IN-{number:02}");
            state
        })
        .collect();
    let mut view = View::default();
    assert!(screen(Some(&picture), &mut view).contains("IN-00"));
    view.heed(KeyCode::End);
    let last = screen(Some(&picture), &mut view);
    assert!(last.contains("IN-35") && !last.contains("IN-00"), "{last}");
    view.heed(KeyCode::Home);
    screen(Some(&picture), &mut view);
    view.heed(KeyCode::Down);
    let first = screen(Some(&picture), &mut view);
    assert!(first.contains("IN-00") && !first.contains("IN-35"), "{first}");
}

#[test]
fn before_the_first_answer_it_says_so_and_no_size_is_too_small() {
    let mut view = View::default();
    assert!(screen(None, &mut view).starts_with("asking daemons and brokers …\n"));
    for (width, height) in [(1, 1), (20, 5), (200, 60)] {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, Some(&picture()), &mut view)).unwrap();
    }
}
