//! `qnn solve`: whether there are inputs that meet a VNN-LIB query.

use crate::ctrl_c::interruptible;
use crate::out_file::OutFile;
use crate::output::{Exit, Failure, Output, shown};
use crate::proof_file::{ProofFile, relative};
use crate::run::Run;
use crate::spec::Specs;
use crate::verify_args::VerifyArgs;
use crate::verify_printer::DisplayOptions;
use qnn::check::model::extension;
use qnn::db::{Db, normalise};
use qnn::disk;
use qnn::engine::CancelToken;
use qnn::import::Kernel;
use qnn::ir::interrupt;
use qnn::verify::{DEFAULT_TIMEOUT, Options, Verdict};
use qnn::vnnlib::{self, Answer, Arithmetic, Mismatch, Model, NoAssignment, Problem, Query, RealAnswer, Translation};
use std::path::{Path, PathBuf};
use std::time::Instant;

const EXIT_CODES: &str = "\
Exit codes:
  0  an answer was printed: sat, unsat, unknown or timeout
  3  the command, the query or a model is wrong
  4  an internal error: please report it";

/// Answers a VNN-LIB query about ONNX networks: sat with an assignment, unsat, unknown or timeout
///
/// Takes a model and a query of version 1 (`X_0`, `Y_0`) or 2 (`declare-network`). A quantized model is decided bit for bit as its kernels compute it; a
/// model of floats under the formats that `--weights`, `--activations` and `--input` give, or else as the function of real numbers that it stands for.
/// Standard output has the answer, as VNN-COMP and VNN-LIB 2 write it; standard error says why something is unknown.
#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// The model (.onnx) and the query; the query alone, where `--network` says the models
    #[arg(required = true, num_args = 1..=2, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The model of a network that the query declares; may be given several times
    #[arg(short, long, value_name = "NAME=FILE")]
    network: Vec<String>,
    /// Whose arithmetic a quantized model has: ort, ort_vnni or qonnx
    #[arg(short, long, value_name = "KERNEL")]
    kernel: Option<String>,
    /// The format of the weights of a model of floats, such as 'fixed<8, 6>'
    #[arg(long, value_name = "FORMAT", conflicts_with = "kernel")]
    weights: Option<String>,
    /// The format of the activations of a model of floats, such as 'ufixed<8, 4>'
    #[arg(long, value_name = "FORMAT", conflicts_with = "kernel")]
    activations: Option<String>,
    /// The format of the inputs of a model of floats, such as 'fixed<16, 12>'
    #[arg(long, value_name = "FORMAT", conflicts_with = "kernel")]
    input: Option<String>,
    /// Another option of the import of a model of floats; may be given several times
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "kernel")]
    option: Vec<String>,
    /// Writes the spec that the query becomes
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
    /// Writes what the answer rests on into a file for `qnn check-proof`; the spec is a part of it
    #[arg(long, value_name = "FILE", requires = "spec")]
    proof: Option<PathBuf>,
    #[command(flatten)]
    work: VerifyArgs,
}

/// A query with its text.
struct Asked {
    name: String,
    text: String,
    query: Query,
}

impl Asked {
    fn wrong(&self, problem: &Problem, output: &Output) -> Failure {
        wrong(&self.name, &self.text, problem, output)
    }

    fn mismatch(&self, mismatch: Mismatch, output: &Output) -> Failure {
        match mismatch {
            Mismatch::Query(problem) => self.wrong(&problem, output),
            Mismatch::File(message, help) => {
                Failure::wrong(message + &help.map(|help| format!("\n  help: {help}")).unwrap_or_default())
            }
        }
    }
}

/// Shows what is wrong with a query, and says so in short.
fn wrong(name: &str, text: &str, problem: &Problem, output: &Output) -> Failure {
    output.note(problem.render(name, text, output.error_color).trim_end_matches('\n'));
    Failure::wrong(format!("`{name}` is not answered"))
}

/// Answers it.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let cancel = CancelToken::new();
    interruptible(&cancel, "what is decided");
    let mut options = arguments.work.options(None, output);
    options.certificates = arguments.proof.is_some();
    let timeout = options.total_timeout.or(options.timeout).unwrap_or(DEFAULT_TIMEOUT);
    let stop = {
        let cancel = cancel.clone();
        move || cancel.is_cancelled() || begun.elapsed() >= timeout
    };
    let (asked, paths) = match interrupt::until(stop.clone(), || ask(arguments, output)) {
        Ok(asked) => asked?,
        Err(_) => return say(&Answer::Timeout, None, output),
    };
    let (mut specs, mut models) = (Specs::none(), Vec::new());
    specs.generated = true;
    let resolved = interrupt::until(stop.clone(), || {
        vnnlib::check_relations(&specs.db, &asked.query, &paths)?;
        for (network, path) in asked.query.networks.iter().zip(&paths) {
            let summary = vnnlib::summary(&specs.db, path)?;
            let Some(arithmetic) = arithmetic(arguments, path, &summary).map_err(|why| Mismatch::File(why, None))?
            else {
                continue;
            };
            models.push(vnnlib::resolve(&specs.db, network, asked.query.version, path, arithmetic)?);
        }
        Ok(())
    });
    match resolved {
        Ok(done) => done.map_err(|mismatch| asked.mismatch(mismatch, output))?,
        Err(_) => return say(&Answer::Timeout, Some(&asked.query), output),
    }
    if models.is_empty() {
        return reals(arguments, &asked, &paths, &specs, (begun, timeout, &options, &cancel), output);
    }
    if models.len() != asked.query.networks.len() {
        let help = "give them all formats, or ask about each kind alone";
        return Err(Failure::wrong(format!("some models are quantized, and some are of floats\n  help: {help}")));
    }
    integers(arguments, asked, (specs, models), options, &cancel, output)
}

/// The query, and a model file for each of its networks.
fn ask(arguments: &Arguments, output: &Output) -> Result<(Asked, Vec<PathBuf>), Failure> {
    let is_model = |path: &&PathBuf| extension(path).eq_ignore_ascii_case("onnx");
    let (own, queries): (Vec<&PathBuf>, Vec<&PathBuf>) = arguments.files.iter().partition(is_model);
    let [file] = queries.as_slice() else {
        let what =
            if queries.is_empty() { "the query is missing" } else { "one file is the model, whose name ends in .onnx" };
        return Err(Failure::wrong(format!("{what}\n  help: qnn solve model.onnx query.vnnlib")));
    };
    let text = disk::read_text(file, vnnlib::MAX_BYTES).map_err(|error| Failure::unreadable(file, &error))?;
    let name = shown(file);
    let query = vnnlib::read(&text).map_err(|problem| wrong(&name, &text, &problem, output))?;
    let asked = Asked { name, text, query };
    let mut given: Vec<(&str, PathBuf)> = Vec::new();
    for network in &arguments.network {
        match network.split_once('=') {
            Some((name, path)) if asked.query.networks.iter().any(|network| network.name == name) => {
                given.push((name, PathBuf::from(path)));
            }
            Some((name, _)) => {
                let known: Vec<String> =
                    asked.query.networks.iter().map(|network| format!("`{}`", network.name)).collect();
                let help = format!("it declares {}", known.join(", "));
                return Err(Failure::wrong(format!("the query declares no network `{name}`\n  help: {help}")));
            }
            None => return Err(Failure::wrong(format!("`{network}` is not NAME=FILE"))),
        }
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for network in &asked.query.networks {
        let mut named = given.iter().filter(|(name, _)| *name == network.name).map(|(_, path)| path);
        let path = named.next().or_else(|| network.equal_to.and_then(|index| paths.get(index)));
        if named.next().is_some() {
            return Err(Failure::wrong(format!("the network `{}` has two models", network.name)));
        }
        let only = || own.first().copied().filter(|_| arguments.network.is_empty());
        let path = path.or_else(only).ok_or_else(|| {
            let help = format!("--network {}=model.onnx", network.name);
            Failure::wrong(format!("the network `{}` has no model\n  help: {help}", network.name))
        })?;
        paths.push(normalise(path));
    }
    let separate = asked.query.networks.iter().filter(|network| network.equal_to.is_none()).count();
    if separate > 1 && arguments.network.is_empty() {
        let help = "say which model is which: --network NAME=FILE";
        return Err(Failure::wrong(format!("the query declares {separate} networks\n  help: {help}")));
    }
    if !own.is_empty() && !arguments.network.is_empty() {
        return Err(Failure::wrong("a model stands beside those that --network gives"));
    }
    Ok((asked, paths))
}

/// By whose arithmetic a model computes; `None` for that of the real numbers.
fn arithmetic(
    arguments: &Arguments,
    path: &Path,
    summary: &qnn::import::ModelSummary,
) -> Result<Option<Arithmetic>, String> {
    let formats =
        [("weights", &arguments.weights), ("activations", &arguments.activations), ("input", &arguments.input)];
    let mut options: Vec<String> =
        formats.iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("{name} = {value}"))).collect();
    for option in &arguments.option {
        let (name, value) = option.split_once('=').ok_or_else(|| format!("`{option}` is not NAME=VALUE"))?;
        options.push(format!("{} = {}", name.trim(), value.trim()));
    }
    let path = shown(path);
    if summary.is_float() {
        if arguments.kernel.is_some() {
            return Err(format!(
                "`{path}` is a network of floats, which has no kernel\n  help: give formats (--weights, --activations, --input), or nothing for the real numbers"
            ));
        }
        return Ok((!options.is_empty()).then(|| Arithmetic::Formats(options.join(", "))));
    }
    if !options.is_empty() {
        return Err(format!(
            "`{path}` is quantized, so that it has the formats of its file\n  help: --kernel says whose arithmetic it has"
        ));
    }
    let known: Vec<Kernel> = Kernel::for_extension("onnx").collect();
    let names = || {
        known.iter().map(|kernel| format!("  --kernel {:<9} {}", kernel.name(), kernel.summary())).collect::<Vec<_>>()
    };
    match (&arguments.kernel, summary.kernels.as_slice()) {
        (Some(name), _) => match known.iter().find(|kernel| kernel.name() == name) {
            Some(kernel) => Ok(Some(Arithmetic::Kernel(*kernel))),
            None => Err(format!("there is no kernel `{name}`; there are\n{}", names().join("\n"))),
        },
        (None, [only]) => Ok(Some(Arithmetic::Kernel(*only))),
        (None, _) => Err(format!(
            "`{path}` computes other integers on other runtimes; say which one runs it\n{}",
            names().join("\n")
        )),
    }
}

/// Answers a query about networks of integers by a spec.
fn integers(
    arguments: &Arguments,
    asked: Asked,
    (mut specs, models): (Specs, Vec<Model>),
    options: Options,
    cancel: &CancelToken,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let place = normalise(arguments.spec.as_deref().unwrap_or(Path::new("query.qnn")));
    let folder = place.parent().unwrap_or(Path::new("/")).to_owned();
    let file = |path: &Path| match arguments.spec {
        Some(_) => relative(&folder, path).to_string_lossy().replace('\\', "/"),
        None => path.to_string_lossy().replace('\\', "/"),
    };
    let title = format!("The query {}: it is unsatisfiable exactly if the property holds.", asked.name);
    let translation =
        vnnlib::translate(&asked.query, &models, &title, &file).map_err(|problem| asked.wrong(&problem, output))?;
    let source = match &arguments.spec {
        Some(path) => {
            if extension(path) != "qnn" {
                return Err(Failure::wrong(format!("`{}` is no name of a spec: these end in .qnn", shown(path))));
            }
            OutFile::create(path)?.write(translation.text.as_bytes())?;
            specs.db.source(&place)
        }
        None => specs.db.set_text(&place, translation.text.as_str().into()),
    };
    specs.files.push(source);
    let proof = arguments.proof.as_deref().map(ProofFile::create).transpose()?;
    let display = DisplayOptions { silent: true, ..DisplayOptions::default() };
    let run = Run::of_specs(specs, &[], &options, display, cancel, output)?;
    let Some(result) = run.results().next().cloned() else {
        return Err(Failure::Message(run.exit, format!("`{}` is not answered", asked.name)));
    };
    if let Some(proof) = proof {
        proof.write(&run.specs, &run.statements(), output)?;
    }
    let answer = match result.verdict {
        Verdict::Proved | Verdict::Vacuous if translation.complete => Answer::Unsat,
        Verdict::Proved | Verdict::Vacuous => {
            output.remark("no input whose floats are integers' own values meets the query; others might");
            Answer::Unknown
        }
        Verdict::Violated => sat(&asked.query, &models, &translation, &run, &result, output)?,
        Verdict::Timeout => Answer::Timeout,
        Verdict::Unknown => {
            output.remark(&result.detail);
            Answer::Unknown
        }
        _ => {
            let exit = if run.exit == Exit::Fine { Exit::Internal } else { run.exit };
            return Err(Failure::Message(exit, result.detail.clone()));
        }
    };
    say(&answer, Some(&asked.query), output)
}

/// The answer that a counterexample makes.
fn sat(
    query: &Query,
    models: &[Model],
    translation: &Translation,
    run: &Run,
    result: &qnn::verify::InstanceResult,
    output: &Output,
) -> Result<Answer, Failure> {
    let internal = |why: String| Failure::Message(Exit::Internal, format!("internal error, please report it: {why}"));
    let (Some(found), Some(file)) = (&result.counterexample, run.specs.files.first()) else {
        return Err(internal("a violation without a counterexample".to_owned()));
    };
    match vnnlib::assignment(&run.specs.db, *file, query, models, translation, found) {
        Ok(assignment) => Ok(Answer::Sat(assignment)),
        Err(NoAssignment::NoFloat) => {
            output.remark(
                "the integers of an input meet the query, but no float was found that becomes them and meets it",
            );
            Ok(Answer::Unknown)
        }
        Err(NoAssignment::Broken(why)) => Err(internal(why)),
    }
}

/// Answers a query about networks of real numbers.
fn reals(
    arguments: &Arguments,
    asked: &Asked,
    paths: &[PathBuf],
    specs: &Specs,
    (begun, timeout, options, cancel): (Instant, std::time::Duration, &Options, &CancelToken),
    output: &mut Output,
) -> Result<Exit, Failure> {
    if arguments.spec.is_some() {
        let help = "formats (--weights, --activations, --input) make a spec of it";
        return Err(Failure::wrong(format!("a query about real numbers has no spec\n  help: {help}")));
    }
    let control = vnnlib::real_control(begun + timeout, options.memory, cancel);
    let solved = vnnlib::solve_reals(&specs.db, &asked.query, paths, &control);
    let RealAnswer { answer, notes } = solved.map_err(|mismatch| asked.mismatch(mismatch, output))?;
    notes.iter().for_each(|note| output.remark(note));
    say(&answer, Some(&asked.query), output)
}

fn say(answer: &Answer, query: Option<&Query>, output: &mut Output) -> Result<Exit, Failure> {
    match query {
        Some(query) => output.text(answer.text(query))?,
        None => output.line("timeout")?,
    }
    Ok(Exit::Fine)
}
