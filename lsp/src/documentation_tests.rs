//! `docs/protocol.md` and the extension's types say what the server sends and reads.
//!
//! `QNN_UPDATE=1 cargo test --workspace --lib documentation_tests` writes the extension's types anew.

use crate::commands::NAMES;
use crate::protocol::{
    Cancelled, Cleared, CreateSpecArguments, CreatedSpec, EXPLAIN, ExplainArguments, Explained, MODEL, MeasureStatus,
    ModelArguments, ModelFile, Mood, NETWORK, NetworkArguments, NetworkView, ReportArguments, Reported, SAMPLES,
    SamplePictures, SamplesArguments, ShowArguments, Shown, Started, State, Status, StatusArguments, TENSORS, TRACE,
    TensorFile, TensorsArguments, Trace, TraceArguments, VERDICTS, VERSION, Verdicts, VerificationStatus,
    VerifyArguments,
};
use crate::settings::Settings;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use tower_lsp::lsp_types::notification::Notification;

/// The JSON of a documented example.
fn documented(kind: &str) -> Value {
    let text = include_str!("../../docs/protocol.md");
    let (_, rest) = text.split_once(&format!("```json {kind}\n")).expect("the example stands in docs/protocol.md");
    serde_json::from_str(rest.split_once("```").expect("it ends").0).expect("it is JSON")
}

#[test]
fn the_documented_notification_is_what_is_sent() {
    let documented = documented("status");
    let status: Status = serde_json::from_value(documented.clone()).expect("it is a status");
    assert_eq!(status.version, VERSION);
    assert_eq!(serde_json::to_value(&status).unwrap(), documented);
}

#[test]
fn the_documented_measure_is_what_is_sent() {
    let documented = documented("measure");
    let measure: MeasureStatus = serde_json::from_value(documented.clone()).expect("it is a measure");
    assert_eq!(serde_json::to_value(&measure).unwrap(), documented);
}

#[test]
fn the_documented_files_and_network_are_what_is_sent() {
    fn same<T: serde::Serialize + serde::de::DeserializeOwned>(kind: &str) {
        let documented = documented(kind);
        let read: T = serde_json::from_value(documented.clone()).expect(kind);
        assert_eq!(serde_json::to_value(&read).unwrap(), documented, "{kind}");
    }
    same::<ModelFile>("model");
    same::<TensorFile>("tensors");
    same::<SamplePictures>("samples");
    same::<NetworkView>("network");
    same::<Trace>("trace");
    let page = include_str!("../../docs/protocol.md");
    for request in [MODEL, TENSORS, SAMPLES, NETWORK, TRACE] {
        assert!(page.contains(&format!("`{request}`")), "{request} is documented");
    }
}

#[test]
fn the_documented_settings_are_the_defaults() {
    assert_eq!(serde_json::to_value(Settings::default()).unwrap(), documented("settings"));
}

#[test]
fn the_documented_commands_are_understood() {
    for command in documented("commands").as_array().expect("a list") {
        let name = command["command"].as_str().expect("a name");
        assert!(NAMES.contains(&name), "{name}");
        let argument = command["arguments"][0].clone();
        match name {
            "qnn.showCounterexample" => _ = serde_json::from_value::<ShowArguments>(argument).expect(name),
            "qnn.report" => _ = serde_json::from_value::<ReportArguments>(argument).expect(name),
            "qnn.showNetwork" => _ = serde_json::from_value::<NetworkArguments>(argument).expect(name),
            "qnn.createSpec" => _ = serde_json::from_value::<CreateSpecArguments>(argument).expect(name),
            "qnn.explain" => {
                let asked: ExplainArguments = serde_json::from_value(argument).expect(name);
                assert!(Explained::of(&asked.code).expect("a page").text.starts_with("# "));
            }
            _ => _ = serde_json::from_value::<VerifyArguments>(argument).expect(name),
        }
    }
    let page = include_str!("../../docs/protocol.md");
    for name in NAMES {
        assert!(page.contains(&format!("| `{name}` |")), "{name} is documented");
    }
}

#[test]
fn moods_are_named_and_ordered_as_documented() {
    let page = include_str!("../../docs/protocol.md");
    let (_, table) = page.split_once("| mood | meaning |").expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let documented: Vec<Mood> = rows
        .map(|row| serde_json::from_value(Value::from(row.split('`').nth(1).expect("a name"))).expect("a mood"))
        .collect();
    assert_eq!(documented.len(), 7);
    assert!(documented.is_sorted());
}

#[test]
fn states_are_named_and_ordered_as_documented() {
    let page = include_str!("../../docs/protocol.md");
    let (_, table) = page.split_once("| state | final | meaning |").expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let documented: Vec<State> = rows
        .map(|row| serde_json::from_value(Value::from(row.split('`').nth(1).expect("a name"))).expect("a state"))
        .collect();
    assert_eq!(documented.len(), 12);
    assert!(documented.is_sorted());
}

/// The fields that the page describes below a heading.
fn described(heading: &str) -> BTreeSet<String> {
    let page = include_str!("../../docs/protocol.md");
    let (_, section) = page.split_once(&format!("\n### {heading}\n")).expect("the section");
    let (_, table) = section.split_once("| field | meaning |\n| --- | --- |\n").expect("its table");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let names = rows.filter_map(|row| row.split('|').nth(1)).flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(ToOwned::to_owned).collect()
}

#[test]
fn every_field_of_the_notification_is_described() {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.subschema_for::<Status>();
    for (heading, name) in
        [("The document", "Status"), ("A property or measure", "PropertyStatus"), ("An instance", "InstanceStatus")]
    {
        let fields = generator.definitions()[name]["properties"].as_object().expect("fields");
        assert_eq!(described(heading), fields.keys().cloned().collect(), "{heading}");
    }
}

/// Types of JSON in TypeScript, from their schemas.
struct TypeScript(String);

impl TypeScript {
    /// Declares every type that a generator has met.
    fn declare(&mut self, generator: &mut SchemaGenerator) {
        for (name, schema) in generator.take_definitions(true) {
            let schema = schema.as_object().expect("a schema").clone();
            self.0.push('\n');
            self.comment(&schema, "");
            match schema.get("properties").and_then(Value::as_object) {
                Some(fields) => {
                    let _ = writeln!(self.0, "export interface {name} {{");
                    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
                    for (field, of) in fields {
                        self.comment(of.as_object().expect("a schema"), "    ");
                        let mark = if required.contains(&Value::from(field.as_str())) { "" } else { "?" };
                        let _ = writeln!(self.0, "    {field}{mark}: {};", Self::expression(of));
                    }
                    self.0.push_str("}\n");
                }
                None => match schema.get("oneOf").and_then(Value::as_array) {
                    Some(variants) => {
                        let _ = write!(self.0, "export type {name} =");
                        for variant in variants {
                            self.0.push('\n');
                            self.comment(variant.as_object().expect("a schema"), "    ");
                            let _ = write!(self.0, "    | {}", Self::expression(variant));
                        }
                        self.0.push_str(";\n");
                    }
                    None => {
                        let _ = writeln!(self.0, "export type {name} = {};", Self::expression(&schema.into()));
                    }
                },
            }
        }
    }

    fn comment(&mut self, schema: &Map<String, Value>, margin: &str) {
        if let Some(text) = schema.get("description").and_then(Value::as_str) {
            let _ = writeln!(self.0, "{margin}/** {} */", text.replace('\n', " ").replace("`None`", "`null`"));
        }
    }

    /// A type within another one.
    fn expression(schema: &Value) -> String {
        if let Some(reference) = schema["$ref"].as_str() {
            return reference.trim_start_matches("#/$defs/").to_owned();
        }
        if let Some(value) = schema.get("const") {
            return value.to_string();
        }
        let union =
            |all: &[Value], each: &dyn Fn(&Value) -> String| all.iter().map(each).collect::<Vec<_>>().join(" | ");
        for several in ["anyOf", "oneOf"] {
            if let Some(all) = schema[several].as_array() {
                return union(all, &Self::expression);
            }
        }
        if let Some(all) = schema["enum"].as_array() {
            return union(all, &Value::to_string);
        }
        let named = |name: &Value| match name.as_str().expect("a name") {
            "integer" | "number" => "number".to_owned(),
            "array" => match schema["prefixItems"].as_array() {
                Some(parts) => format!("[{}]", parts.iter().map(Self::expression).collect::<Vec<_>>().join(", ")),
                None => match Self::expression(&schema["items"]) {
                    several if several.contains(' ') => format!("({several})[]"),
                    one => format!("{one}[]"),
                },
            },
            simple @ ("string" | "boolean" | "null") => simple.to_owned(),
            other => panic!("the extension has no type for {other}: {schema}"),
        };
        match &schema["type"] {
            Value::Array(names) => union(names, &named),
            name => named(name),
        }
    }
}

#[test]
fn the_extension_has_the_types_of_the_protocol() {
    let mut text = TypeScript(format!(
        "/**\n * What the server says and is asked beside standard LSP; `docs/protocol.md` is the reference.\n *\n * Made from the types in `lsp/src/protocol`: \
         `QNN_UPDATE=1 cargo test --workspace --lib documentation_tests` writes it anew.\n */\n\n\
         /** The version of the notification that this extension understands. */\nexport const VERSION = {VERSION};\n\n\
         export const STATUS = \"{}\";\n\nexport const VERDICTS = \"{VERDICTS}\";\n\nexport const EXPLAIN = \"{EXPLAIN}\";\n\n\
         export const MODEL = \"{MODEL}\";\n\nexport const TENSORS = \"{TENSORS}\";\n\nexport const SAMPLES = \"{SAMPLES}\";\n\n\
         export const NETWORK = \"{NETWORK}\";\n\nexport const TRACE = \"{TRACE}\";\n",
        VerificationStatus::METHOD
    ));
    let mut sent = SchemaSettings::draft2020_12().for_serialize().into_generator();
    sent.subschema_for::<Status>();
    sent.subschema_for::<(Started, Cancelled, Cleared, Shown, Reported, Verdicts, Explained)>();
    sent.subschema_for::<(ModelFile, TensorFile, SamplePictures, NetworkView, CreatedSpec, Trace)>();
    text.declare(&mut sent);
    let mut read = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    read.subschema_for::<(VerifyArguments, ShowArguments, ReportArguments, ExplainArguments, StatusArguments)>();
    read.subschema_for::<(ModelArguments, TensorsArguments, SamplesArguments, NetworkArguments, CreateSpecArguments)>();
    read.subschema_for::<TraceArguments>();
    text.declare(&mut read);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../editors/vscode/src/protocol.generated.ts");
    if std::env::var_os("QNN_UPDATE").is_some() {
        std::fs::write(&path, &text.0).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&path).expect("the extension's types");
    assert!(found == text.0, "{} is older than the types; QNN_UPDATE=1 writes it anew", path.display());
}
