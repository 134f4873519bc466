//! Pictures for reports, as SVG: curves, bands and points in a box, bars, an interval. A plotting library would bring more
//! than it saves.

use crate::report::one_line;

/// A picture's size, and the room left of and under its curve for numbers.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 160.0;
const LEFT: f64 = 56.0;
const BELOW: f64 = 22.0;
/// The height of a line of the legend, and its letters at most.
const LEGEND_LINE: f64 = 16.0;
const LEGEND_WIDTH: usize = 56;
/// Colours that are told apart by those who see fewer of them too, on white and on black (after Okabe and Ito).
const COLORS: [&str; 7] = ["#36c", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#888"];

/// A number over the steps of a run.
#[derive(Clone)]
pub struct Curve {
    /// Its name in the log.
    pub name: String,
    /// Step and value.
    pub points: Vec<(f64, f64)>,
}

/// Amounts beside each other, the largest as wide as it can be.
pub fn bars(caption: &str, bars: &[(String, f64)]) -> String {
    let most = bars.iter().map(|bar| bar.1).fold(f64::MIN_POSITIVE, f64::max);
    let bar = |(place, (name, value)): (usize, &(String, f64))| {
        let (y, width) = (place * 20, 200.0 * value / most);
        format!(
            "<text x=\"0\" y=\"{}\">{}</text><rect x=\"150\" y=\"{}\" width=\"{width:.1}\" height=\"12\" fill=\"#36c\"/>\
         <text x=\"{:.1}\" y=\"{}\">{}</text>",
            y + 14,
            escaped(name),
            y + 4,
            156.0 + width,
            y + 14,
            short(*value)
        )
    };
    let (caption, height) = (escaped(caption), 20 * bars.len());
    let bars: String = bars.iter().enumerate().map(bar).collect();
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" role=\"img\" aria-label=\"{caption}\">{bars}</svg>"
    )
}

/// A share with its interval, on a line from 0 to 1 with the coin in the middle.
pub fn interval(share: f64, low: f64, high: f64) -> String {
    let x = |share: f64| 10.0 + 400.0 * share;
    format!(
        "<svg viewBox=\"0 0 420 40\" width=\"420\" role=\"img\" aria-label=\"{share:.2}\"><line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"16\" \
     y2=\"16\" stroke=\"#999\"/><line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"6\" y2=\"26\" stroke=\"#999\" \
     stroke-dasharray=\"3\"/><line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"16\" y2=\"16\" stroke=\"#36c\" \
     stroke-width=\"6\"/><circle cx=\"{:.1}\" cy=\"16\" r=\"6\" fill=\"#36c\"/><text x=\"6\" \
     y=\"38\">0</text><text x=\"200\" y=\"38\">coin</text><text x=\"406\" y=\"38\">1</text></svg>\n",
        x(0.0),
        x(1.0),
        x(0.5),
        x(0.5),
        x(low),
        x(high),
        x(share)
    )
}

/// What a picture shows over the same two axes.
#[derive(Clone, Default)]
pub struct Chart {
    /// What is drawn over what.
    pub name: String,
    /// What is drawn, each in its colour.
    pub series: Vec<Series>,
}

/// Lines, a band and points of one colour.
#[derive(Clone, Default)]
pub struct Series {
    /// For the legend, which is there where there are several.
    pub name: String,
    /// Lines, each a list of places.
    pub lines: Vec<Vec<(f64, f64)>>,
    /// Places with the lowest and the highest value there.
    pub band: Vec<(f64, f64, f64)>,
    /// Places and values, each with the ends of its interval.
    pub points: Vec<[f64; 4]>,
}

impl Series {
    /// Everything that must lie in the box.
    fn places(&self) -> impl Iterator<Item = (f64, f64)> {
        let band = self.band.iter().flat_map(|(x, low, high)| [(*x, *low), (*x, *high)]);
        let points = self.points.iter().flat_map(|[x, y, low, high]| [(*x, *y), (*x, *low), (*x, *high)]);
        self.lines.iter().flatten().copied().chain(band).chain(points)
    }
}

/// A number over steps.
pub fn polyline(curve: &Curve) -> String {
    let series = Series { lines: vec![curve.points.clone()], ..Series::default() };
    chart(&Chart { name: curve.name.clone(), series: vec![series] })
}

/// A picture of its own, for a file: with its name below, and on white.
pub fn file(picture: &Chart) -> String {
    let (height, drawing) = (height(picture), drawing(picture));
    let name = escaped(&picture.name);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" width=\"{WIDTH}\" font-family=\"sans-serif\" \
         font-size=\"11\"><title>{name}</title><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>{drawing}<text \
         x=\"{LEFT}\" y=\"{}\" font-weight=\"bold\">{name}</text></svg>\n",
        height + LEGEND_LINE,
        height + LEGEND_LINE - 6.0
    )
}

/// Several numbers over the same places.
pub fn chart(picture: &Chart) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" width=\"{WIDTH}\" role=\"img\" aria-label=\"{}\">{}</svg>",
        height(picture),
        escaped(&picture.name),
        drawing(picture)
    )
}

/// The names in the legend, with the numbers of their colours.
fn legend(picture: &Chart) -> Vec<(usize, &str)> {
    let named = picture.series.iter().map(|series| series.name.as_str()).enumerate();
    if picture.series.len() > 1 { named.filter(|(_, name)| !name.is_empty()).collect() } else { vec![] }
}

fn height(picture: &Chart) -> f64 {
    HEIGHT + LEGEND_LINE * legend(picture).len() as f64
}

fn drawing(picture: &Chart) -> String {
    let places: Vec<(f64, f64)> = picture.series.iter().flat_map(Series::places).collect();
    let range = |of: fn(&(f64, f64)) -> f64| {
        let low = places.iter().map(of).fold(f64::INFINITY, f64::min);
        let high = places.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        if high > low { (low, high) } else { (low - 0.5, low + 0.5) }
    };
    let flat = places.first().filter(|first| places.iter().all(|place| place.1 == first.1));
    let ((x0, x1), (y0, y1)) = (range(|place| place.0), range(|place| place.1));
    let x = |value: f64| LEFT + (WIDTH - LEFT - 8.0) * (value - x0) / (x1 - x0);
    let y = |value: f64| 8.0 + (HEIGHT - BELOW - 8.0) * (1.0 - (value - y0) / (y1 - y0));
    let at = |(place, value): (f64, f64)| format!("{:.1},{:.1}", x(place), y(value));
    let bottom = HEIGHT - BELOW;
    // A line without a slope has one number, not a scale.
    let scale = match flat {
        Some((_, value)) => format!("<text x=\"2\" y=\"{:.0}\">{}</text>", y(*value) + 4.0, short(*value)),
        None => format!("<text x=\"2\" y=\"14\">{}</text><text x=\"2\" y=\"{bottom}\">{}</text>", short(y1), short(y0)),
    };
    let mut drawn = format!("<path d=\"M{LEFT} 8V{bottom}H{}\" fill=\"none\" stroke=\"#999\"/>", WIDTH - 8.0);
    for (number, series) in picture.series.iter().enumerate() {
        drawn += &series_drawn(series, COLORS[number % COLORS.len()], &at);
    }
    for (line, (number, name)) in legend(picture).into_iter().enumerate() {
        let (top, color) = (HEIGHT + LEGEND_LINE * line as f64, COLORS[number % COLORS.len()]);
        drawn += &format!(
            "<rect x=\"{LEFT}\" y=\"{}\" width=\"12\" height=\"4\" fill=\"{color}\"/><text x=\"{}\" y=\"{}\">{}</text>",
            top + 5.0,
            LEFT + 18.0,
            top + 11.0,
            escaped(&one_line(name, LEGEND_WIDTH))
        );
    }
    format!(
        "{drawn}{scale}<text x=\"{LEFT}\" y=\"{}\">{}</text><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
        HEIGHT - 6.0,
        short(x0),
        WIDTH - 8.0,
        HEIGHT - 6.0,
        short(x1)
    )
}

fn series_drawn(series: &Series, color: &str, at: &dyn Fn((f64, f64)) -> String) -> String {
    let joined = |places: &mut dyn Iterator<Item = (f64, f64)>| places.map(at).collect::<Vec<_>>().join(" ");
    let mut drawn = String::new();
    if !series.band.is_empty() {
        let (low, high) = (series.band.iter().map(|at| (at.0, at.1)), series.band.iter().rev().map(|at| (at.0, at.2)));
        let around = joined(&mut low.chain(high));
        drawn += &format!("<polygon points=\"{around}\" fill=\"{color}\" fill-opacity=\"0.2\"/>");
    }
    for line in &series.lines {
        let points = joined(&mut line.iter().copied());
        drawn += &format!("<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"/>");
    }
    for [place, value, low, high] in &series.points {
        let ends = joined(&mut [(*place, *low), (*place, *high)].into_iter());
        let middle = at((*place, *value));
        let (x, y) = middle.split_once(',').unwrap_or_default();
        drawn += &format!(
            "<polyline points=\"{ends}\" fill=\"none\" stroke=\"{color}\"/><circle cx=\"{x}\" cy=\"{y}\" r=\"4\" fill=\"{color}\"/>"
        );
    }
    drawn
}

/// A number in few characters.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if !(0.001..1000.0).contains(&size) => format!("{value:.1e}"),
        size if size >= 10.0 => format!("{value:.0}"),
        _ => format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').into(),
    }
}

/// Text that cannot be taken for markup.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_series_share_a_box_and_have_a_legend() {
        let line = |name: &str, high| Series {
            name: name.into(),
            lines: vec![vec![(0.0, 0.0), (1.0, high)]],
            ..Series::default()
        };
        let band =
            Series { name: "<seeds>".into(), band: vec![(0.0, -1.0, 1.0), (1.0, 0.0, 4.0)], ..Series::default() };
        let point = Series { points: vec![[0.5, 1.0, 0.5, 1.5]], ..Series::default() };
        let svg = file(&Chart { name: "loss".into(), series: vec![line("one", 2.0), band, point] });
        // The box is as high as what is highest, and every colour is its own.
        assert!(svg.contains("<text x=\"2\" y=\"14\">4</text>") && svg.contains(">-1</text>"), "{svg}");
        assert!(svg.contains("one</text>") && svg.contains("&lt;seeds&gt;</text>") && svg.contains(COLORS[2]), "{svg}");
        assert!(!chart(&Chart { name: "loss".into(), series: vec![line("one", 2.0)] }).contains("one</text>"));
    }

    #[test]
    fn a_curve_stays_in_its_box_whatever_its_numbers() {
        for points in [vec![(1.0, 5.0), (2.0, 5.0)], vec![(1.0, 1e9), (2.0, -3.0), (9.0, 0.0001)]] {
            let svg = polyline(&Curve { name: "loss".into(), points });
            let drawn = svg.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
            for point in drawn.split(' ') {
                let (x, y) = point.split_once(',').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                assert!((LEFT..=WIDTH).contains(&x) && (0.0..=HEIGHT - BELOW).contains(&y), "{svg}");
            }
        }
    }
}
