//! The JSON schemas of reports and of `qnn check --json` are what the Rust types say.
//!
//! `QNN_UPDATE=1 cargo test --workspace --test schemas` writes them anew. Descriptions are the documentation comments of the types.

use qnn::report::checked::Checked;
use qnn::report::model::Report;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use std::path::Path;

/// Objects have no other properties than the listed ones, so that a report with a field that the schema does not know is invalid. Descriptions call
/// what is missing by its name in JSON.
#[derive(Clone)]
struct AsJson;

impl Transform for AsJson {
    fn transform(&mut self, schema: &mut schemars::Schema) {
        transform_subschemas(self, schema);
        if schema.get("properties").is_some() {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
        if let Some(text) = schema.get("description").and_then(serde_json::Value::as_str) {
            let text = text.replace("`None`", "`null`");
            schema.insert("description".to_owned(), text.into());
        }
    }
}

/// The committed schema is that of a type, under a title.
fn holds<T: JsonSchema>(path: &str, title: &str) {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(AsJson);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    let wanted = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("QNN_UPDATE").is_some() {
        std::fs::write(&file, &wanted).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(found == wanted, "{path} is older than the types; QNN_UPDATE=1 writes it anew");
}

#[test]
fn reports_have_a_schema() {
    holds::<Report>("docs/report.schema.json", "The report of qnn");
}

#[test]
fn checks_have_a_schema() {
    holds::<Checked>("docs/check.schema.json", "What `qnn check --json` prints");
}
