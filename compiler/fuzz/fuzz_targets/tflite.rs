#![no_main]

use qnn_import::{Kernel, Options};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for kernel in Kernel::for_extension("tflite") {
        let options = Options { kernel, inputs: Vec::new(), until: None };
        drop(qnn_import::import(bytes, &options));
    }
    drop(qnn_import::summary(bytes, "tflite"));
});
