//! Pictures for hovers and pages: panels of colours and changes, as PNG or as characters.

use super::terminal_picture::{ColorScale, Ink, Panel, PictureSize, image_size, largest, side_by_side};
use crate::verify::verdict::{Counterexample, Layout, VariableValue};

/// Some panels side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What is seen, for screen readers.
    pub description: String,
    /// The panels.
    pub panels: Vec<Panel>,
}

/// The size of the picture that a counterexample's tensor is shown as, wherever it is shown; `None` for a table: of what is no image, and of what has named entries.
pub fn picture_size(layout: &Layout) -> Option<PictureSize> {
    image_size(&layout.shape).filter(|_| layout.labels.iter().all(Option::is_none))
}

/// The width of a panel in a PNG, in pixels, at least.
const WIDTH: usize = 112;
/// Between panels.
const GAP: usize = 8;

impl Picture {
    /// The pictures of a counterexample: one for each variable that is an image.
    pub fn of(counterexample: &Counterexample) -> Vec<Picture> {
        let images = counterexample.variables.iter().filter(|v| picture_size(&v.layout).is_some());
        images
            .map(|variable| Picture {
                description: match variable.center {
                    Some(_) => format!("the original, {}, and their difference", variable.name),
                    None => variable.name.clone(),
                },
                panels: panels(variable),
            })
            .collect()
    }

    /// The panels as lines of characters.
    pub fn text(&self) -> String {
        side_by_side(&self.panels, Ink::Plain)
    }

    /// The panels as a PNG; empty if there is nothing to show.
    pub fn png(&self) -> Vec<u8> {
        let zoom = |panel: &Panel| WIDTH.div_ceil(panel.size.width.max(1)).max(1);
        let height = self.panels.iter().map(|p| p.size.height * zoom(p)).max().unwrap_or(0);
        let widths: Vec<usize> = self.panels.iter().map(|p| p.size.width * zoom(p)).collect();
        let width = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        if width == 0 || height == 0 {
            return Vec::new();
        }
        // Transparent where no panel is: it suits light and dark themes.
        let mut pixels = vec![0u8; width * height * 4];
        let mut left = 0;
        for panel in &self.panels {
            let zoom = zoom(panel);
            for y in 0..panel.size.height * zoom {
                for x in 0..panel.size.width * zoom {
                    let value = panel.channels(y / zoom, x / zoom).unwrap_or_default();
                    let at = (y * width + left + x) * 4;
                    if let Some(pixel) = pixels.get_mut(at..at + 4) {
                        pixel.copy_from_slice(&color(value, panel.scale));
                    }
                }
            }
            left += panel.size.width * zoom + GAP;
        }
        encode(width, height, &pixels).unwrap_or_default()
    }
}

/// A panel as a PNG, each pixel once; empty if there is nothing to show.
pub(super) fn pixels(panel: &Panel) -> Vec<u8> {
    let PictureSize { height, width, .. } = panel.size;
    let places = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
    let color = |(row, column)| Some(color(panel.channels(row, column)?, panel.scale));
    let pixels: Vec<u8> = places.filter_map(color).flatten().collect();
    encode(width, height, &pixels).unwrap_or_default()
}

fn color(channels: [f64; 3], scale: ColorScale) -> [u8; 4] {
    let byte = |x: f64| (x.clamp(0.0, 1.0) * 255.0).round() as u8;
    match scale {
        ColorScale::Grey(least, greatest) => {
            let part = |value: f64| if greatest > least { (value - least) / (greatest - least) } else { 0.0 };
            let [red, green, blue] = channels.map(|value| byte(part(value)));
            [red, green, blue, 255]
        }
        ColorScale::Change(most) => {
            let value = largest(channels);
            // White is no change, red is more, blue is less; the least change is still seen.
            if value == 0.0 || most <= 0.0 {
                return [245, 245, 245, 255];
            }
            let rest = byte(0.7 * (1.0 - value.abs() / most));
            if value > 0.0 { [214, rest, rest, 255] } else { [rest, rest.max(60), 230, 255] }
        }
    }
}

fn encode(width: usize, height: usize, pixels: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(pixels).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

/// A variable, and the centre that it stays near with the difference. Empty unless it is an image.
pub(crate) fn panels(variable: &VariableValue) -> Vec<Panel> {
    let Some(size) = picture_size(&variable.layout) else { return Vec::new() };
    let values = variable.numbers.floats();
    let center = variable.center.as_ref().map(|c| c.numbers.floats());
    let all = || values.iter().chain(center.iter().flatten()).copied();
    let scale = ColorScale::Grey(all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let panel = |caption: &str, pixels: Vec<f64>, scale| Panel { caption: caption.to_owned(), size, pixels, scale };
    match center {
        Some(center) => {
            let change: Vec<f64> = values.iter().zip(&center).map(|(value, center)| value - center).collect();
            let most = change.iter().fold(0.0, |most: f64, d| most.max(d.abs()));
            vec![
                panel("original", center, scale),
                panel(&variable.name, values, scale),
                panel("difference", change, ColorScale::Change(most)),
            ]
        }
        None => vec![panel(&variable.name, values, scale)],
    }
}

/// An image, and the one that it comes from with the difference.
pub(crate) fn beside(caption: &str, size: PictureSize, original: Option<Vec<f64>>, attacked: Vec<f64>) -> Picture {
    let all = || attacked.iter().chain(original.iter().flatten()).copied();
    let scale = ColorScale::Grey(all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let panel = |caption: &str, pixels: Vec<f64>, scale| Panel { caption: caption.to_owned(), size, pixels, scale };
    let change: Option<Vec<f64>> =
        original.as_ref().map(|original| attacked.iter().zip(original).map(|(after, before)| after - before).collect());
    let most = change.iter().flatten().fold(0.0, |most: f64, d| most.max(d.abs()));
    let mut panels: Vec<Panel> = original.into_iter().map(|pixels| panel("original", pixels, scale)).collect();
    panels.push(panel("attacked", attacked, scale));
    panels.extend(change.map(|pixels| panel("difference", pixels, ColorScale::Change(most))));
    let description = format!("{caption}{}original, attacked, difference", if caption.is_empty() { "" } else { ": " });
    Picture { description, panels }
}

/// A tensor as one panel, if it is an image.
pub(crate) fn single(caption: &str, shape: &[usize], values: Vec<f64>) -> Option<Picture> {
    let size = image_size(shape)?;
    let scale = ColorScale::Grey(
        values.iter().copied().fold(f64::INFINITY, f64::min),
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    );
    let panel = Panel { caption: caption.to_owned(), size, pixels: values, scale };
    Some(Picture { description: caption.to_owned(), panels: vec![panel] })
}
