//! Counterexamples and witnesses as they go over the wire: raw integers that no client's arithmetic damages, beside values for people.

use qnn::report::image::picture_size;
use qnn::report::terminal_picture::PictureSize;
use qnn::verify::verdict::{CallValue, Counterexample, Label, Layout, Output, VariableValue};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

/// A raw integer: a number where every client's arithmetic holds it exactly, up to ±(2^53 − 1), and a string of digits beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer(pub i128);

impl Integer {
    /// The greatest integer that doubles hold with all its neighbours.
    const MOST: i128 = (1 << 53) - 1;
}

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0).ok().filter(|_| self.0.abs() <= Self::MOST) {
            Some(small) => serializer.serialize_i64(small),
            None => serializer.collect_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Integer, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        text.parse().map(Integer).map_err(|_| D::Error::custom(format!("{text} is no integer")))
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Integer {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Integer".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["number", "string"],
            "description": "A raw integer: a string of digits where a number would lose some.",
        })
    }
}

fn integers(raw: &[i128]) -> Vec<Integer> {
    raw.iter().copied().map(Integer).collect()
}

fn limits(layout: &Layout) -> Option<(Integer, Integer)> {
    layout.limits.map(|(least, greatest)| (Integer(least.into()), Integer(greatest.into())))
}

/// A counterexample or witness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CounterexampleStatus {
    /// One line for people.
    pub summary: String,
    /// The quantified variables.
    pub variables: Vec<VariableStatus>,
    /// The networks that the property applies.
    pub calls: Vec<CallStatus>,
}

/// A variable of a counterexample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VariableStatus {
    /// Its name.
    pub name: String,
    /// The sizes of its axes.
    pub shape: Vec<usize>,
    /// For each axis the names of its entries.
    pub labels: Vec<Option<Vec<String>>>,
    /// Its format.
    pub format: Option<String>,
    /// The least and greatest raw integer.
    pub limits: Option<(Integer, Integer)>,
    /// Raw integers, row-major.
    pub raw: Vec<Integer>,
    /// Values as decimals.
    pub values: Vec<String>,
    /// The centre of the ball that it is in.
    pub center: Option<CenterStatus>,
    /// The size of the picture that it is shown as; `None` if it is shown as a table.
    pub picture: Option<PictureSize>,
}

/// The centre of a ball.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CenterStatus {
    /// Raw integers.
    pub raw: Vec<Integer>,
    /// Values.
    pub values: Vec<String>,
    /// The variable's raw integers minus these.
    pub difference: Vec<Integer>,
}

/// A network's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CallStatus {
    /// As the spec writes it.
    pub text: String,
    /// The network with its integers.
    pub network: String,
    /// The sizes of the output's axes.
    pub shape: Vec<usize>,
    /// For each axis the names of its entries.
    pub labels: Vec<Option<Vec<String>>>,
    /// The output's format.
    pub format: Option<String>,
    /// The least and greatest raw integer.
    pub limits: Option<(Integer, Integer)>,
    /// For the counterexample.
    pub output: OutputStatus,
    /// For the centre.
    pub center: Option<OutputStatus>,
    /// Whether the property asks for its argmax.
    pub asks_argmax: bool,
    /// The class that the property compares its argmax with, where that is one constant.
    pub label: Option<Label>,
    /// Whether the centre's class already is not what the property wants of it.
    pub wrong_before: bool,
}

/// Numbers that a network computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OutputStatus {
    /// Raw integers.
    pub raw: Vec<Integer>,
    /// Values.
    pub values: Vec<String>,
    /// The index of the first greatest.
    pub argmax: Option<usize>,
    /// The indices of all that are greatest; empty unless there are two or more.
    pub ties: Vec<usize>,
}

impl From<&Output> for OutputStatus {
    fn from(output: &Output) -> OutputStatus {
        OutputStatus {
            raw: integers(&output.numbers.raw),
            values: output.numbers.values.clone(),
            argmax: output.argmax,
            ties: output.ties.clone(),
        }
    }
}

impl From<&VariableValue> for VariableStatus {
    fn from(variable: &VariableValue) -> VariableStatus {
        VariableStatus {
            name: variable.name.clone(),
            shape: variable.layout.shape.clone(),
            labels: variable.layout.labels.clone(),
            format: variable.layout.format.clone(),
            limits: limits(&variable.layout),
            raw: integers(&variable.numbers.raw),
            values: variable.numbers.values.clone(),
            center: variable.center.as_ref().map(|center| CenterStatus {
                raw: integers(&center.numbers.raw),
                values: center.numbers.values.clone(),
                difference: integers(&center.difference),
            }),
            picture: picture_size(&variable.layout),
        }
    }
}

impl From<&CallValue> for CallStatus {
    fn from(call: &CallValue) -> CallStatus {
        CallStatus {
            text: call.text.clone(),
            network: call.network.clone(),
            shape: call.layout.shape.clone(),
            labels: call.layout.labels.clone(),
            format: call.layout.format.clone(),
            limits: limits(&call.layout),
            output: (&call.output).into(),
            center: call.center.as_ref().map(Into::into),
            asks_argmax: call.asks_argmax,
            label: call.label.clone(),
            wrong_before: call.wrong_before,
        }
    }
}

impl From<&Counterexample> for CounterexampleStatus {
    fn from(counterexample: &Counterexample) -> CounterexampleStatus {
        CounterexampleStatus {
            summary: qnn::ide::counterexample_line(counterexample),
            variables: counterexample.variables.iter().map(Into::into).collect(),
            calls: counterexample.calls.iter().map(Into::into).collect(),
        }
    }
}

impl CounterexampleStatus {
    /// How many numbers it holds, about.
    pub fn size(counterexample: &Counterexample) -> usize {
        counterexample.variables.iter().map(|v| v.numbers.raw.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn::report::image::Picture;

    #[test]
    fn raw_integers_lose_no_digit_in_a_client_that_has_only_doubles() {
        let all = [7, -(1 << 53) + 1, 1 << 53, i64::MAX.into(), -(1 << 63), i128::from(u64::MAX)].map(Integer);
        let json = serde_json::to_value(all).unwrap();
        let expected = serde_json::json!([
            7,
            -9_007_199_254_740_991_i64,
            "9007199254740992",
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551615"
        ]);
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<[Integer; 6]>(json).unwrap(), all);
        assert!(serde_json::from_value::<Integer>(serde_json::json!("1.5")).is_err());
    }

    #[test]
    fn a_variable_is_said_to_be_a_picture_where_the_report_shows_one() {
        let shapes: [&[usize]; 9] =
            [&[28, 28], &[1, 8, 9], &[3, 8, 9], &[2, 8, 9], &[2, 2], &[784], &[], &[65, 65], &[1, 1, 8, 8]];
        for shape in shapes {
            for named in [false, true] {
                let names = |size: &usize| named.then(|| (0..*size).map(|i| format!("n{i}")).collect());
                let raw = vec![0; shape.iter().product()];
                let values = vec![qnn::ir::Rational::from_integer(0.into()); raw.len()];
                let variable = VariableValue {
                    name: "x".to_owned(),
                    layout: Layout {
                        shape: shape.to_vec(),
                        labels: shape.iter().map(names).collect(),
                        format: None,
                        limits: None,
                    },
                    numbers: qnn::verify::verdict::Numbers::new(raw, &values),
                    center: None,
                };
                let told = VariableStatus::from(&variable).picture;
                let shown =
                    Picture::of(&Counterexample { variables: vec![variable], calls: Vec::new(), smallest: None });
                assert_eq!(told, shown.first().map(|picture| picture.panels[0].size), "{shape:?}");
            }
        }
    }
}
