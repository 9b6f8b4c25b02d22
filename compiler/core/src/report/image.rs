//! Pictures for hovers and pages: panels of grey levels and changes, as PNG or as characters.

use super::picture::{Ink, Panel, Scale, image_size, side_by_side};
use crate::verify::verdict::{Counterexample, VariableValue};

/// Some panels side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What is seen, for who does not see it.
    pub description: String,
    /// The panels.
    pub panels: Vec<Panel>,
}

/// The width of a panel in a PNG, in pixels, at least.
const WIDTH: usize = 112;
/// Between panels.
const GAP: usize = 8;

impl Picture {
    /// The pictures of a counterexample: one for each variable that is an image.
    pub fn of(counterexample: &Counterexample) -> Vec<Picture> {
        let images = counterexample.variables.iter().filter(|v| image_size(&v.layout.shape).is_some());
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
        let zoom = |panel: &Panel| WIDTH.div_ceil(panel.width.max(1)).max(1);
        let height = self.panels.iter().map(|p| p.height * zoom(p)).max().unwrap_or(0);
        let widths: Vec<usize> = self.panels.iter().map(|p| p.width * zoom(p)).collect();
        let width = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        if width == 0 || height == 0 {
            return Vec::new();
        }
        // Transparent where no panel is: it suits light and dark themes.
        let mut pixels = vec![0u8; width * height * 4];
        let mut left = 0;
        for panel in &self.panels {
            let zoom = zoom(panel);
            for y in 0..panel.height * zoom {
                for x in 0..panel.width * zoom {
                    let value = panel.pixels.get(y / zoom * panel.width + x / zoom).copied().unwrap_or(0.0);
                    let at = (y * width + left + x) * 4;
                    if let Some(pixel) = pixels.get_mut(at..at + 4) {
                        pixel.copy_from_slice(&color(value, panel.scale));
                    }
                }
            }
            left += panel.width * zoom + GAP;
        }
        encode(width, height, &pixels).unwrap_or_default()
    }
}

/// A panel as a PNG of one pixel for each number; empty if there is nothing to show.
pub(super) fn pixels(panel: &Panel) -> Vec<u8> {
    let pixels: Vec<u8> = panel.pixels.iter().flat_map(|value| color(*value, panel.scale)).collect();
    encode(panel.width, panel.height, &pixels).unwrap_or_default()
}

fn color(value: f64, scale: Scale) -> [u8; 4] {
    let byte = |x: f64| (x.clamp(0.0, 1.0) * 255.0).round() as u8;
    match scale {
        Scale::Grey(least, greatest) => {
            let part = if greatest > least { (value - least) / (greatest - least) } else { 0.0 };
            [byte(part), byte(part), byte(part), 255]
        }
        Scale::Change(most) => {
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
    let Some((height, width)) = image_size(&variable.layout.shape) else { return Vec::new() };
    let values = variable.numbers.floats();
    let center = variable.center.as_ref().map(|c| c.numbers.floats());
    let all = || values.iter().chain(center.iter().flatten()).copied();
    let scale = Scale::Grey(all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let panel =
        |caption: &str, pixels: Vec<f64>, scale| Panel { caption: caption.to_owned(), height, width, pixels, scale };
    match center {
        Some(center) => {
            let change: Vec<f64> = values.iter().zip(&center).map(|(value, center)| value - center).collect();
            let most = change.iter().fold(0.0, |most: f64, d| most.max(d.abs()));
            vec![
                panel("original", center, scale),
                panel(&variable.name, values, scale),
                panel("difference", change, Scale::Change(most)),
            ]
        }
        None => vec![panel(&variable.name, values, scale)],
    }
}

/// A tensor as one panel, if it is an image.
pub(crate) fn single(caption: &str, shape: &[usize], values: Vec<f64>) -> Option<Picture> {
    let (height, width) = image_size(shape)?;
    let scale = Scale::Grey(
        values.iter().copied().fold(f64::INFINITY, f64::min),
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    );
    let panel = Panel { caption: caption.to_owned(), height, width, pixels: values, scale };
    Some(Picture { description: caption.to_owned(), panels: vec![panel] })
}
