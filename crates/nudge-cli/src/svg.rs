//! Pictures for reports, as SVG: a curve in a box, bars, an interval. A plotting library would bring more than it saves.

/// A picture's size, and the room left of and under its curve for numbers.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 160.0;
const LEFT: f64 = 56.0;
const BELOW: f64 = 22.0;

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

/// A number over steps.
pub fn polyline(curve: &Curve) -> String {
    let range = |of: fn(&(f64, f64)) -> f64| {
        let low = curve.points.iter().map(of).fold(f64::INFINITY, f64::min);
        let high = curve.points.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        if high > low { (low, high) } else { (low - 0.5, low + 0.5) }
    };
    let flat = curve.points.windows(2).all(|pair| pair[0].1 == pair[1].1);
    let ((x0, x1), (y0, y1)) = (range(|point| point.0), range(|point| point.1));
    let x = |value: f64| LEFT + (WIDTH - LEFT - 8.0) * (value - x0) / (x1 - x0);
    let y = |value: f64| 8.0 + (HEIGHT - BELOW - 8.0) * (1.0 - (value - y0) / (y1 - y0));
    let points: Vec<String> =
        curve.points.iter().map(|(step, value)| format!("{:.1},{:.1}", x(*step), y(*value))).collect();
    let bottom = HEIGHT - BELOW;
    // A line without a slope has one number, not a scale.
    let scale = match curve.points.first().filter(|_| flat) {
        Some((_, value)) => format!("<text x=\"2\" y=\"{:.0}\">{}</text>", y(*value) + 4.0, short(*value)),
        None => format!("<text x=\"2\" y=\"14\">{}</text><text x=\"2\" y=\"{bottom}\">{}</text>", short(y1), short(y0)),
    };
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" role=\"img\" aria-label=\"{}\"><path d=\"M{LEFT} 8V{bottom}H{}\" \
         fill=\"none\" stroke=\"#999\"/><polyline points=\"{}\" fill=\"none\" stroke=\"#36c\" stroke-width=\"1.5\"/>{scale}<text x=\"{LEFT}\" y=\"{}\">{}</text><text \
         x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text></svg>",
        escaped(&curve.name),
        WIDTH - 8.0,
        points.join(" "),
        HEIGHT - 6.0,
        short(x0),
        WIDTH - 8.0,
        HEIGHT - 6.0,
        short(x1)
    )
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
