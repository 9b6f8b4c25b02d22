//! Images as small pictures for a terminal, side by side, and the rule for what an image is.
//!
//! In: panels of numbers with a caption each. Out: lines of text: half-blocks in 24-bit or 256 colours, two rows of pixels a line, or
//! a ramp of plain characters. It knows no network and no format; what the numbers mean is the caller's to say.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// The smallest height and width of what counts as an image.
const LEAST_SIDE: usize = 4;
/// The greatest width that is shown: three panels of an MNIST image fit a terminal of 100 columns.
const MOST_SIDE: usize = 64;

/// The size of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PictureSize {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Numbers of a pixel: 1, or 3 for red, green and blue, one plane after another.
    pub channels: usize,
}

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Half-blocks in 24-bit colours.
    TrueColor,
    /// Half-blocks in the 256 colours that nearly every terminal has.
    Palette,
    /// Plain characters.
    Plain,
}

/// What a panel's numbers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ColorScale {
    /// Grey levels between the two.
    Grey(f64, f64),
    /// Changes of at most this magnitude: red up, blue down; `+` and `-` in plain characters.
    Change(f64),
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// The line above it.
    pub caption: String,
    /// Its size.
    pub size: PictureSize,
    /// As many numbers as channels times rows times columns.
    pub pixels: Vec<f64>,
    /// What they are.
    pub scale: ColorScale,
}

/// The size of a tensor that is an image: two axes, or three of which the first has 1 or 3 entries.
pub fn image_size(shape: &[usize]) -> Option<PictureSize> {
    let (channels, height, width) = match *shape {
        [height, width] => (1, height, width),
        [channels @ (1 | 3), height, width] => (channels, height, width),
        _ => return None,
    };
    let fits = |side: usize| (LEAST_SIDE..=MOST_SIDE).contains(&side);
    (fits(height) && fits(width)).then_some(PictureSize { height, width, channels })
}

impl Panel {
    /// The red, green and blue of a pixel, the same number three times where there is one channel; `None` where a report that was written by hand has no such pixel.
    pub(super) fn channels(&self, row: usize, column: usize) -> Option<[f64; 3]> {
        let PictureSize { height, width, channels } = self.size;
        let at = |channel: usize| self.pixels.get((channel * height + row) * width + column).copied();
        Some(if channels == 3 { [at(0)?, at(1)?, at(2)?] } else { [at(0)?; 3] })
    }

    /// A pixel as one number: the mean grey, the largest change.
    fn pixel(&self, row: usize, column: usize) -> Option<f64> {
        let [red, green, blue] = self.channels(row, column)?;
        Some(match self.scale {
            _ if self.size.channels == 1 => red,
            ColorScale::Grey(..) => (red + green + blue) / 3.0,
            ColorScale::Change(_) => largest([red, green, blue]),
        })
    }
}

/// Of changes the largest.
pub(super) fn largest(changes: [f64; 3]) -> f64 {
    changes.into_iter().fold(0.0, |most: f64, change| if change.abs() > most.abs() { change } else { most })
}

/// The panels side by side, each line ended by a line feed.
pub fn side_by_side(panels: &[Panel], ink: Ink) -> String {
    let columns: Vec<Vec<(String, usize)>> = panels.iter().map(|panel| lines(panel, ink)).collect();
    let widths: Vec<usize> = columns.iter().map(|c| c.iter().map(|(_, width)| *width).max().unwrap_or(0)).collect();
    let rows = columns.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for row in 0..rows {
        let mut line = String::new();
        for (column, width) in columns.iter().zip(&widths) {
            let (cell, used) = column.get(row).map_or(("", 0), |(cell, used)| (cell.as_str(), *used));
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - used + 3));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The lines of one panel, each with the columns it takes.
fn lines(panel: &Panel, ink: Ink) -> Vec<(String, usize)> {
    let mut lines = vec![(panel.caption.clone(), panel.caption.chars().count())];
    let PictureSize { height, width, .. } = panel.size;
    let pixel = |row: usize, column: usize| panel.pixel(row, column);
    // Two pixels above one another, as a character is about twice as high as it is wide.
    for row in (0..height).step_by(2) {
        let mut line = String::new();
        let mut used = width;
        match ink {
            // Two characters to a pixel and a line to a row, while that is narrow enough to stand side by side.
            Ink::Plain if width <= 16 => {
                for row in row..(row + 2).min(height) {
                    let line: String = (0..width)
                        .flat_map(|column| {
                            let c = character(pixel(row, column), panel.scale);
                            [c, c]
                        })
                        .collect();
                    lines.push((line, 2 * width));
                }
                continue;
            }
            Ink::Plain => {
                for column in 0..width {
                    let pair = (pixel(row, column), pixel(row + 1, column).filter(|_| row + 1 < height));
                    line.push(character(stronger(pair, panel.scale), panel.scale));
                }
            }
            Ink::TrueColor | Ink::Palette => {
                for column in 0..width {
                    let top = color(panel.channels(row, column), panel.scale);
                    let bottom = (row + 1 < height).then(|| color(panel.channels(row + 1, column), panel.scale));
                    // An upper half-block: the foreground is the upper pixel, the background the lower one.
                    let _ = write!(line, "\x1b[{}", escape(38, top, ink));
                    match bottom {
                        Some(bottom) => _ = write!(line, ";{}m▀", escape(48, bottom, ink)),
                        None => line.push_str("m▀"),
                    }
                    line.push_str("\x1b[0m");
                }
                used = width;
            }
        }
        lines.push((line, used));
    }
    lines
}

/// Of two pixels that share a character, what the character shows: the mean grey, the larger change.
fn stronger(pair: (Option<f64>, Option<f64>), scale: ColorScale) -> Option<f64> {
    match (pair, scale) {
        ((Some(a), Some(b)), ColorScale::Grey(..)) => Some((a + b) / 2.0),
        ((Some(a), Some(b)), ColorScale::Change(_)) => Some(if a.abs() >= b.abs() { a } else { b }),
        ((a, b), _) => a.or(b),
    }
}

/// Where a number lies between the ends, from 0 to 1.
fn part(value: f64, least: f64, greatest: f64) -> f64 {
    if greatest > least { ((value - least) / (greatest - least)).clamp(0.0, 1.0) } else { 0.0 }
}

fn character(pixel: Option<f64>, scale: ColorScale) -> char {
    const RAMP: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];
    let Some(value) = pixel else { return ' ' };
    match scale {
        ColorScale::Grey(least, greatest) => RAMP[(part(value, least, greatest) * 9.0).round() as usize],
        ColorScale::Change(_) if value > 0.0 => '+',
        ColorScale::Change(_) if value < 0.0 => '-',
        ColorScale::Change(_) => '.',
    }
}

fn color(pixel: Option<[f64; 3]>, scale: ColorScale) -> [u8; 3] {
    let byte = |x: f64| (x * 255.0).round() as u8;
    let channels = pixel.unwrap_or_default();
    match scale {
        ColorScale::Grey(least, greatest) => channels.map(|value| byte(part(value, least, greatest))),
        ColorScale::Change(most) => {
            let value = largest(channels);
            // The least change is still seen.
            let strength = if value == 0.0 { 0.0 } else { 0.35 + 0.65 * part(value.abs(), 0.0, most) };
            let rest = byte(0.12 * (1.0 - strength));
            let strong = byte(0.12 + 0.88 * strength);
            if value == 0.0 {
                [byte(0.12); 3]
            } else if value > 0.0 {
                [strong, rest.saturating_add(40), rest]
            } else {
                [rest, rest.saturating_add(90), strong]
            }
        }
    }
}

/// The part of an escape sequence that sets a colour.
fn escape(kind: u8, [r, g, b]: [u8; 3], ink: Ink) -> String {
    if ink == Ink::TrueColor {
        return format!("{kind};2;{r};{g};{b}");
    }
    // The palette: 24 greys from 232, a cube of 6 levels for each colour from 16.
    let index = if r == g && g == b {
        match r {
            0..=3 => 16,
            247..=255 => 231,
            _ => 232 + u16::from(r - 4) * 23 / 242,
        }
    } else {
        let level = |x: u8| u16::from(x) * 5 / 255;
        16 + 36 * level(r) + 6 * level(g) + level(b)
    };
    format!("{kind};5;{index}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panels(size: usize) -> Vec<Panel> {
        let original: Vec<f64> = (0..size * size).map(|i| ((i / size + i % size) % size) as f64).collect();
        let change: Vec<f64> = (0..size * size)
            .map(|i| f64::from(i as u32 % 7) - 3.0)
            .map(|d| d.signum() * (d.abs() - 2.0).max(0.0))
            .collect();
        let top = (size - 1) as f64;
        let attacked = original.iter().zip(&change).map(|(a, b)| a + b).collect();
        let panel = |caption: &str, pixels: Vec<f64>, scale| Panel {
            caption: caption.into(),
            size: PictureSize { height: size, width: size, channels: 1 },
            pixels,
            scale,
        };
        vec![
            panel("original", original, ColorScale::Grey(0.0, top)),
            panel("attacked", attacked, ColorScale::Grey(0.0, top)),
            panel("difference", change, ColorScale::Change(1.0)),
        ]
    }

    #[test]
    fn small_images_as_characters() {
        insta::assert_snapshot!(side_by_side(&panels(5), Ink::Plain));
    }

    #[test]
    fn wide_images_as_characters() {
        insta::assert_snapshot!(side_by_side(&panels(18), Ink::Plain));
    }

    #[test]
    fn half_blocks_take_one_column_a_pixel_and_a_line_for_two_rows() {
        let text = side_by_side(&panels(5), Ink::TrueColor);
        assert_eq!(text.lines().count(), 1 + 3);
        assert_eq!(text.matches('▀').count(), 3 * 3 * 5);
        insta::assert_snapshot!(text.lines().nth(1).unwrap().replace('\x1b', "␛"));
        insta::assert_snapshot!(side_by_side(&panels(5), Ink::Palette).lines().nth(3).unwrap().replace('\x1b', "␛"));
    }

    #[test]
    fn images_have_two_axes_of_a_picture_s_size() {
        let size = |height, width, channels| Some(PictureSize { height, width, channels });
        assert_eq!(image_size(&[28, 28]), size(28, 28, 1));
        assert_eq!(image_size(&[1, 4, 5]), size(4, 5, 1));
        assert_eq!(image_size(&[3, 8, 9]), size(8, 9, 3));
        for other in [&[3, 28][..], &[784], &[2, 8, 8], &[1, 1, 8, 8], &[65, 65], &[]] {
            assert_eq!(image_size(other), None, "{other:?}");
        }
    }

    #[test]
    fn colours_are_shown_where_the_terminal_has_them_and_their_mean_elsewhere() {
        let size = PictureSize { height: 1, width: 2, channels: 3 };
        let pixels = vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let panel = Panel { caption: String::new(), size, pixels: pixels.clone(), scale: ColorScale::Grey(0.0, 1.0) };
        assert!(side_by_side(std::slice::from_ref(&panel), Ink::TrueColor).contains("38;2;255;0;0m"));
        assert_eq!(side_by_side(std::slice::from_ref(&panel), Ink::Plain).trim(), "--");
        let change = Panel { scale: ColorScale::Change(1.0), ..panel };
        assert_eq!(side_by_side(&[change], Ink::Plain).trim(), "++..");
    }
}
