//! The routing matrix as a picture (SVG 1.1): a square for each pair of states, coloured by the weightiest rule.

use std::fmt::Write as _;

use sanchar_schemas::StateCode;

use super::matrix::{Cell, Matrix, short};

/// Side of a square, in pixels.
const SQUARE: usize = 18;
/// Room for the names of the states, in pixels.
const MARGIN_LEFT: usize = 290;
const MARGIN_TOP: usize = 40;
/// Room for the legend and the caption, in pixels.
const MARGIN_BOTTOM: usize = 66;

/// Colours that are told apart in grey and by those who do not tell red from green.
const fn colour(cell: Cell) -> &'static str {
    match cell {
        Cell::Itself => "#555555",
        Cell::Neighbour => "#0b559f",
        Cell::Partner => "#e07b00",
        Cell::Near => "#5ba3cf",
        Cell::Group => "#b7d4ea",
        Cell::None => "#f4f4f4",
    }
}

/// The picture as text.
pub(super) fn draw(matrix: &Matrix) -> String {
    let states: Vec<StateCode> = StateCode::all().collect();
    let side = states.len() * SQUARE;
    let (width, height) = (MARGIN_LEFT + side + 20, MARGIN_TOP + side + MARGIN_BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (i, state) in states.iter().enumerate() {
        let x = MARGIN_LEFT + i * SQUARE + SQUARE / 2;
        text(&mut svg, x, MARGIN_TOP - 8, "middle", short(*state));
        let row = state.row();
        let y = MARGIN_TOP + i * SQUARE + SQUARE * 3 / 4;
        text(&mut svg, MARGIN_LEFT - 8, y, "end", &format!("{} {}", row.name_en, short(*state)));
    }
    for (y, row) in matrix.rows.iter().enumerate() {
        for (x, to) in states.iter().enumerate() {
            let (left, top) = (MARGIN_LEFT + x * SQUARE, MARGIN_TOP + y * SQUARE);
            square(&mut svg, left, top, row.cell(*to));
        }
    }
    legend(&mut svg, MARGIN_TOP + side + 16);
    text(
        &mut svg,
        MARGIN_LEFT,
        height - 12,
        "start",
        &format!("Rows send, columns receive. {}", matrix.caption()),
    );
    svg.push_str("</svg>\n");
    svg
}

fn legend(svg: &mut String, top: usize) {
    let entries = [
        (Cell::Neighbour, "neighbour"),
        (Cell::Partner, "partner"),
        (Cell::Near, "near"),
        (Cell::Group, "group, when an event concerns it"),
    ];
    for (i, (cell, name)) in entries.into_iter().enumerate() {
        let left = MARGIN_LEFT + i * 120;
        square(svg, left, top, cell);
        text(svg, left + SQUARE + 6, top + SQUARE * 3 / 4, "start", name);
    }
}

fn square(svg: &mut String, left: usize, top: usize, cell: Cell) {
    let (side, colour) = (SQUARE - 1, colour(cell));
    let _infallible = writeln!(
        svg,
        "<rect x=\"{left}\" y=\"{top}\" width=\"{side}\" height=\"{side}\" fill=\"{colour}\"/>"
    );
}

fn text(svg: &mut String, x: usize, y: usize, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _infallible = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use sanchar_fanout::rules::Rules;

    #[test]
    fn every_pair_has_a_square_and_every_border_its_colour() {
        let svg = draw(&Matrix::of(&Rules::builtin(), date(2026, 11, 28)));
        assert_eq!(svg.matches("<rect x=").count(), 36 * 36 + 4);
        assert_eq!(
            svg.matches(colour(Cell::Neighbour)).count(),
            2 * 67 + 1,
            "two for each border, one in the legend"
        );
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    }
}
