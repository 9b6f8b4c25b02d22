/**
 * What the server says and is asked beside standard LSP; `docs/protocol.md` is the reference.
 *
 * Made from the types in `lsp/src/protocol`: `QNN_UPDATE=1 cargo test --workspace --lib documentation_tests` writes it anew.
 */

/** The version of the notification that this extension understands. */
export const VERSION = 2;

export const STATUS = "qnn/verificationStatus";

export const VERDICTS = "qnn/verdicts";

export const EXPLAIN = "qnn/explain";

export const MODEL = "qnn/model";

export const TENSORS = "qnn/tensors";

export const SAMPLES = "qnn/samples";

export const NETWORK = "qnn/network";

export const TRACE = "qnn/trace";

/** The parameters of `qnn/verificationStatus`: what is known of a document's properties, or what has changed of it. */
export interface Status {
    /** The version of the notification. */
    version: number;
    /** The spec. */
    uri: string;
    /** The version of the text that the ranges are of. */
    documentVersion: number | null;
    /** Grows with every notification. */
    sequence: number;
    /** Whether this is all there is to know of the document. */
    complete: boolean;
    /** Whether anything is queued or running. */
    active: boolean;
    /** How the document stands: the mood of its properties, and `error` if the spec has errors. */
    mood: Mood;
    /** All instances of the document by state. */
    counts: Counts;
    /** In the order of the text. */
    properties: PropertyStatus[];
}

/** How something stands. The order is that of urgency, the most urgent first: the mood of several is the most urgent one. */
export type Mood =
    /** Something is queued or running. */
    | "running"
    /** The spec is wrong, or qnn is. */
    | "error"
    /** A verdict is decided and not the expected one. */
    | "failed"
    /** The budget was spent, no engine could decide it, or the run was cancelled. */
    | "undecided"
    /** The verdict is of an earlier text. */
    | "stale"
    /** There is no verdict, or nothing to verify. */
    | "none"
    /** All verdicts are the expected ones. */
    | "passed";

/** Instances by state. */
export interface Counts {
    /** Holds; of measures, known exactly. */
    proved: number;
    /** Broken by a counterexample. */
    violated: number;
    /** Found what a `find` looks for. */
    found: number;
    /** Of a `find`: there is none. */
    none: number;
    /** Says nothing. */
    vacuous: number;
    /** Undecided when the time was up. */
    timeout: number;
    /** Undecided. */
    unknown: number;
    /** In error. */
    error: number;
    /** How many final verdicts are not the expected ones; what is undecided or in error is not among them. */
    unexpected: number;
    /** Those that were never run. */
    unverified: number;
    /** Those with a verdict of an earlier text. */
    stale: number;
    /** Those that wait for a turn. */
    queued: number;
    /** Those that an engine works on. */
    running: number;
    /** Those of `unknown` that were cancelled. */
    cancelled: number;
}

/** A property or measure. */
export interface PropertyStatus {
    /** Its name: verdicts belong to it, not to lines. */
    name: string;
    /** What it is. */
    kind: Kind;
    /** Where its name stands. */
    range: Range;
    /** Where all of it stands. */
    itemRange: Range;
    /** The most urgent state of its instances. */
    state: State;
    /** How it stands. */
    mood: Mood;
    /** Whether it has parameters. */
    family: boolean;
    /** What is expected of it. */
    expected: Expectation;
    /** Its instances by state. */
    counts: Counts;
    /** The engines' time for the verdicts shown, in seconds. */
    time: number;
    /** One line for people. */
    detail: string;
    /** All of them, or those that changed. */
    instances: InstanceStatus[];
}

/** What kind of thing an instance is of. */
export type Kind =
    /** A `property`. */
    | "property"
    /** A `find`. */
    | "find"
    /** A `measure` that maximises. */
    | "maximize"
    /** A `measure` that minimises. */
    | "minimize"
    /** A `measure` of the largest integer. */
    | "largest"
    /** A `measure` of the share of instances for which a statement holds. */
    | "share"
    /** A `measure` of the mean of known numbers. */
    | "average";

/** A range of a document. */
export interface Range {
    start: Position;
    end: Position;
}

/** A position in a document. */
export interface Position {
    line: number;
    character: number;
}

/** How an instance stands. The order is that of urgency, the most urgent first. */
export type State =
    /** An engine works on it. */
    | "running"
    /** It waits for its turn. */
    | "queued"
    /** The spec is wrong, or qnn is. */
    | "error"
    /** A counterexample breaks it. */
    | "violated"
    /** No input meets its assumptions. */
    | "vacuous"
    /** The budget was spent. */
    | "timeout"
    /** No engine could decide it, or it was cancelled. */
    | "unknown"
    /** The verdict is of an earlier text. */
    | "stale"
    /** It was never run. */
    | "unverified"
    /** What is looked for was found. */
    | "found"
    /** There is none of what is looked for. */
    | "none"
    /** It holds. */
    | "proved";

/** What `#[expect(…)]` says. */
export type Expectation =
    /** The default. */
    | "proved"
    /** A counterexample is known, or wanted. */
    | "violated"
    /** No input meets the assumptions. */
    | "vacuous"
    /** A search finds something. */
    | "found"
    /** A search finds nothing, for there is nothing. */
    | "none"
    /** Of a search, by default: it finds something or there is nothing. */
    | "decided";

/** An instance. */
export interface InstanceStatus {
    /** `robust(i = 3, bits = 4)`. */
    name: string;
    /** Its parameters. */
    parameters: Parameter[];
    /** How it stands. */
    state: State;
    /** The same in one of a few words, by what is expected. */
    mood: Mood;
    /** The last verdict known; of an earlier text unless the state is final. */
    verdict: Verdict | null;
    /** What is expected. */
    expected: Expectation;
    /** Whether the verdict is that; `null` while the state is not final. */
    asExpected: boolean | null;
    /** Whether its last run was cancelled. */
    cancelled: boolean;
    /** The run that the state is of. */
    run: number | null;
    /** One sentence for people. */
    detail: string;
    /** The engine that decided it. */
    engine: string | null;
    /** What a proof rests on. */
    trust: TrustStatus | null;
    /** Seconds that the engines took. */
    time: number;
    /** The same for people: `1.2 s`. */
    timeText: string;
    /** Seconds that they might have taken. */
    budget: number;
    /** Whether it was remembered from an earlier run. */
    cached: boolean;
    /** The hash of what was asked. */
    key: string | null;
    /** Of a running one. */
    progress: Progress | null;
    /** What was measured. */
    measure: MeasureStatus | null;
    /** Whether there is a counterexample or witness. */
    hasCounterexample: boolean;
    /** It, unless it is large. */
    counterexample: CounterexampleStatus | null;
}

/** A parameter of a family with its value, as the spec writes it. */
export interface Parameter {
    /** Its name. */
    name: string;
    /** Its value: `3`, `0.5`, `2 lsb`, `gender`. */
    text: string;
}

/** What is known of an instance. A measure is `proved` when its answer is known exactly, or, of a real-valued network, as far as its enclosure tells. */
export type Verdict =
    /** It holds for every input that meets the assumptions, and there is such an input. */
    | "proved"
    /** A counterexample breaks it, replayed through the reference interpreter. */
    | "violated"
    /** Of a `find`: what is looked for, replayed through the reference interpreter. */
    | "found"
    /** Of a `find`: it is proved that there is none, and there are inputs that it could be. */
    | "none"
    /** No input meets the assumptions, so it says nothing. */
    | "vacuous"
    /** The budget was spent before it was decided. */
    | "timeout"
    /** No engine could decide it, or it was cancelled. */
    | "unknown"
    /** The spec is wrong, or something is broken. */
    | "error";

/** What a proof rests on. */
export interface TrustStatus {
    /** `intervals`, `solver` or `certificate`. */
    kind: string;
    /** For people. */
    text: string;
}

/** How far a running instance is. */
export interface Progress {
    /** Seconds since it began. */
    elapsed: number;
    /** The same for people: `12 s`. */
    elapsedText: string;
    /** Seconds that are left, at most; `null` if there is no end. */
    remaining: number | null;
    /** The same for people. */
    remainingText: string | null;
    /** What is known so far, for people. */
    text: string | null;
    /** The share of the search that is done, from 0 to 1. */
    share: number | null;
    /** Of a measure: the best that was found. */
    found: ExactNumber | null;
    /** Of a measure: what is not exceeded. */
    bound: ExactNumber | null;
}

/** An exact number. */
export interface ExactNumber {
    /** Exactly: `-3`, `5/16`. */
    exact: string;
    /** As people read it: exact, or rounded after `≈`. */
    text: string;
    /** The nearest finite float. */
    value: number;
}

/** What was measured. */
export interface MeasureStatus {
    /** For people: `= 1.25`, or the least and the greatest that it can be, `0.55 … 0.58`. */
    text: string;
    /** Attained; for `largest`, proved. */
    found: ExactNumber | null;
    /** Not exceeded. */
    bound: ExactNumber | null;
    /** Whether the answer is known exactly. */
    complete: boolean;
}

/** A counterexample or witness. */
export interface CounterexampleStatus {
    /** One line for people. */
    summary: string;
    /** The quantified variables. */
    variables: VariableStatus[];
    /** The networks that the property applies. */
    calls: CallStatus[];
}

/** A variable of a counterexample. */
export interface VariableStatus {
    /** Its name. */
    name: string;
    /** The sizes of its axes. */
    shape: number[];
    /** For each axis the names of its entries. */
    labels: (string[] | null)[];
    /** Its format. */
    format: string | null;
    /** The least and greatest raw integer. */
    limits: [Integer, Integer] | null;
    /** Raw integers, row-major. */
    raw: Integer[];
    /** Values as decimals. */
    values: string[];
    /** The centre of the ball that it is in. */
    center: CenterStatus | null;
    /** The size of the picture that it is shown as; `null` if it is shown as a table. */
    picture: PictureSize | null;
}

/** A raw integer: a string of digits where a number would lose some. */
export type Integer = number | string;

/** The centre of a ball. */
export interface CenterStatus {
    /** Raw integers. */
    raw: Integer[];
    /** Values. */
    values: string[];
    /** The variable's raw integers minus these. */
    difference: Integer[];
}

/** The size of an image. */
export interface PictureSize {
    /** Rows. */
    height: number;
    /** Columns. */
    width: number;
    /** Numbers of a pixel: 1, or 3 for red, green and blue, one plane after another. */
    channels: number;
}

/** A network's output. */
export interface CallStatus {
    /** As the spec writes it. */
    text: string;
    /** The network with its integers. */
    network: string;
    /** The sizes of the output's axes. */
    shape: number[];
    /** For each axis the names of its entries. */
    labels: (string[] | null)[];
    /** The output's format. */
    format: string | null;
    /** The least and greatest raw integer. */
    limits: [Integer, Integer] | null;
    /** For the counterexample. */
    output: OutputStatus;
    /** For the centre. */
    center: OutputStatus | null;
    /** Whether the property asks for its argmax. */
    asksArgmax: boolean;
    /** The class that the property compares its argmax with, where that is one constant. */
    label: Label | null;
    /** Whether the centre's class already is not what the property wants of it. */
    wrongBefore: boolean;
}

/** Numbers that a network computes. */
export interface OutputStatus {
    /** Raw integers. */
    raw: Integer[];
    /** Values. */
    values: string[];
    /** The index of the first greatest. */
    argmax: number | null;
    /** The indices of all that are greatest; empty unless there are two or more. */
    ties: number[];
}

/** A class that a property compares an argmax with. */
export interface Label {
    /** Its index. */
    index: number;
    /** An enum's variant, or the index. */
    text: string;
    /** Whether the property wants any class but this one. */
    excluded: boolean;
}

/** The result of what starts verification. */
export interface Started {
    /** The runs, one for each document that has something to do. */
    runs: number[];
    /** How many instances they hold. */
    jobs: number;
}

/** The result of `qnn.cancel`. */
export interface Cancelled {
    /** How many instances were queued or running. */
    cancelled: number;
}

/** The result of `qnn.clearCache`. */
export interface Cleared {
    /** The entries removed. */
    removed: number;
}

/** The result of `qnn.showCounterexample`. */
export interface Shown {
    /** The instance. */
    instance: string;
    /** All of it. */
    counterexample: CounterexampleStatus;
    /** For people. */
    text: string;
}

/** The result of `qnn.report`. */
export interface Reported {
    /** The page: a file of HTML that needs nothing else. */
    uri: string;
    /** How many instances it reports. */
    instances: number;
}

/** The result of `qnn/verdicts`. */
export interface Verdicts {
    /** Whether all specs are listed, and all that is known of them was looked up in time. */
    complete: boolean;
    /** The specs by path, as notifications tell of them. */
    specs: Status[];
}

/** The page on a diagnostic's code. */
export interface Explained {
    /** The code. */
    code: string;
    /** What it means, in a few words. */
    title: string;
    /** The page, in Markdown. */
    text: string;
}

/** The result of `qnn/model`. */
export interface ModelFile {
    /** The file's name. */
    name: string;
    /** `TensorFlow Lite` or `ONNX`. */
    kind: string;
    /** Its size in bytes; 0 where it can't be read. */
    bytes: number;
    /** Why nothing more is told. */
    problem: FileProblem | null;
    /** Its inputs. */
    inputs: ModelTensor[];
    /** Its outputs. */
    outputs: ModelTensor[];
    /** Its operators in the order of their first use. */
    operators: OperatorCount[];
    /** The kernels that suit its contents, the likeliest first: `qnn/network` says by each whether it can be imported. */
    kernels: KernelChoice[];
    /** Whether its numbers are floats: a spec quantizes them by formats, and no kernel computes them. */
    floats: boolean;
    /** Files beside it that inputs may come from. */
    samples: SampleFile[];
}

/** Why something can't be had, for people. */
export interface FileProblem {
    /** What is wrong, in a sentence. */
    message: string;
    /** What to do. */
    help: string | null;
}

/** An input or output of a model file. */
export interface ModelTensor {
    /** As the file has it. */
    name: string;
    /** Its element type. */
    element: string;
    /** The sizes of its axes, the batch axis included; `null` where the file leaves one open. */
    shape: (number | null)[];
    /** How its integers are stored; `null` where the file does not say. */
    storage: StorageStatus | null;
}

/** How integers are stored: value = (integer − zero) · scale. */
export interface StorageStatus {
    /** Bits of an integer. */
    bits: number;
    /** Two's complement, or unsigned. */
    signed: boolean;
    /** The value of one step, as people read it. */
    scale: string;
    /** The integer that stands for 0. */
    zero: number;
    /** The values of the least and the greatest integer, as people read them. */
    values: [string, string];
}

/** How often a file uses an operator. */
export interface OperatorCount {
    /** In the file's vocabulary. */
    name: string;
    /** How many times. */
    count: number;
}

/** A kernel that may run a file. */
export interface KernelChoice {
    /** As a spec names it. */
    name: string;
    /** What it is, in a sentence. */
    summary: string;
}

/** A file of inputs. */
export interface SampleFile {
    /** The file's name. */
    name: string;
    /** The name of the file of its classes, if one is beside it. */
    labels: string | null;
}

/** The result of `qnn/tensors`. */
export interface TensorFile {
    /** The file's name. */
    name: string;
    /** Its size in bytes; 0 where it can't be read. */
    bytes: number;
    /** Why there are no tensors. */
    problem: FileProblem | null;
    /** Its tensors by name. */
    tensors: TensorStatus[];
}

/** A tensor of a data file. */
export interface TensorStatus {
    /** Its name; `null` for the only tensor of a file. */
    name: string | null;
    /** Its element type in the file's own words. */
    element: string;
    /** The sizes of its axes. */
    shape: number[];
    /** Why it can't be read. */
    problem: string | null;
    /** What its elements are; `null` where they are too many to be looked at unasked, or can't be read. */
    values: TensorValues | null;
    /** How many images it is along its first axis, if it is that. */
    pictures: number | null;
}

/** What the elements of a tensor are, as people read them. */
export interface TensorValues {
    /** The least and the greatest finite number. */
    range: [string, string] | null;
    /** How many are NaN or infinite. */
    notFinite: number;
    /** The first ones, row-major. */
    first: string[];
    /** How many there are. */
    count: number;
}

/** The result of `qnn/samples`. */
export interface SamplePictures {
    /** Where the labels come from, if they are known: a tensor's name, or a file's. */
    labelledBy: string | null;
    /** The pictures. */
    samples: SamplePicture[];
}

/** A sample as a picture. */
export interface SamplePicture {
    /** Its index along the tensor's first axis. */
    index: number;
    /** Its class, if it is known. */
    label: string | null;
    /** A PNG in base64; empty where its numbers are not finite. */
    png: string;
}

/** The result of `qnn/network`. */
export interface NetworkView {
    /** The spec, or the model file. */
    uri: string;
    /** As the spec calls it: `digits<6>`; of a model file, its name. */
    name: string;
    /** Why there is no network. */
    problem: FileProblem | null;
    /** The networks of the spec that can be asked for. */
    networks: string[];
    /** The instances of properties that name it, over whose inputs ranges can be asked for. */
    instances: string[];
    /** That whose inputs `within` is of. */
    instance: string | null;
    /** Its inputs and its output: `(image: ufixed<8, 3>[8, 8]) -> fixed<6, 3>[10]`. */
    signature: string;
    /** Whose arithmetic it is, if it is a model file's. */
    kernel: KernelChoice | null;
    /** What a user should know of it, a sentence each. */
    notes: string[];
    /** The files that it reads. */
    files: string[];
    /** Weights and biases. */
    parameters: number;
    /** Of these, how many saturated when they were quantized. */
    saturated: number;
    /** The bits that the parameters take. */
    parameterBits: number;
    /** The bits of the two neighbouring tensors that take most. */
    activationBits: number;
    /** Its inputs and layers in the order of computation: the nodes of a graph. */
    layers: LayerView[];
    /** Where it stands in the text. */
    place: PlaceInText | null;
}

/** A node of a network: an input or a layer. */
export interface LayerView {
    /** Its name; empty where neither the spec nor the file has one. */
    name: string;
    /** What it is. */
    role: LayerRole;
    /** What it computes; `input` for an input. */
    operation: string;
    /** The nodes that it reads, by their index here. */
    reads: number[];
    /** The sizes of its axes. */
    shape: number[];
    /** Its format; `null` for exact numbers. */
    format: string | null;
    /** The bits of its format, or of an accumulator that holds all of its values. */
    bits: number;
    /** The bits of the sums that the runtime keeps, where that is known. */
    accumulatorAvailable: number | null;
    /** Weights and biases. */
    parameters: number;
    /** Of these, how many saturated when they were quantized. */
    saturated: number;
    /** The bits that its parameters take. */
    parameterBits: number;
    /** What it holds over all inputs that the network's formats hold. */
    overFormats: ReachView;
    /** What it holds over the inputs that the instance speaks of. */
    within: ReachView | null;
    /** Where it stands in the text. */
    place: PlaceInText | null;
}

/** What a node of the view is. */
export type LayerRole =
    /** An input of the network. */
    | "input"
    /** A layer whose result stays within. */
    | "hidden"
    /** A layer whose result is an output. */
    | "output";

/** What a layer holds over some inputs. */
export interface ReachView {
    /** The least integer of all elements, as the format stores it. */
    least: Integer;
    /** The greatest one. */
    greatest: Integer;
    /** The sums before they are scaled and rounded, where the layer does that. */
    accumulator: SumsView | null;
    /** What its neurons can reach, where it rounds. */
    neurons: NeuronsView | null;
}

/** The sums of a layer. */
export interface SumsView {
    /** The least one. */
    least: Integer;
    /** The greatest one. */
    greatest: Integer;
    /** The bits that hold them all. */
    bits: number;
}

/** What the neurons of a layer that rounds can put out. */
export interface NeuronsView {
    /** How many there are. */
    all: number;
    /** Those that put out the same for all of the inputs. */
    fixed: number;
    /** Those that never reach an end of what the layer puts out, or never leave it. */
    stable: number;
    /** Those that can reach the least integer and leave it: a ReLU's zero, or saturation. */
    atLeast: number;
    /** Those that can reach the greatest integer and leave it: saturation. */
    atGreatest: number;
}

/** A place in a text. */
export interface PlaceInText {
    /** The spec. */
    uri: string;
    /** Where in it. */
    range: Range;
}

/** The result of `qnn.createSpec`. */
export interface CreatedSpec {
    /** The spec that was written. */
    uri: string;
}

/** The result of `qnn/trace`. */
export interface Trace {
    /** The instance. */
    instance: string;
    /** Why there are no layers, in a sentence. */
    problem: string | null;
    /** The networks that the property applies to its variables. */
    calls: CallTraceView[];
}

/** The layers of a network for a counterexample. */
export interface CallTraceView {
    /** As the spec writes it: `digits<6>(x)`. */
    text: string;
    /** The network: `qnn/network` tells of it, with its layers at the same indices. */
    network: string;
    /** Its inputs, then its layers in the order of computation. */
    layers: LayerTraceView[];
}

/** A layer for a counterexample: both sides. */
export interface LayerTraceView {
    /** Its name; empty where it has none. */
    name: string;
    /** What it computes; `input` for an input. */
    operation: string;
    /** The sizes of its axes. */
    shape: number[];
    /** Its format; `null` for exact numbers. */
    format: string | null;
    /** How many elements it has. */
    elements: number;
    /** How many of them differ between the two sides. */
    differ: number;
    /** The greatest difference of an element by its magnitude, attacked minus original, in integers. */
    greatest: Integer;
    /** The neurons that change side, where the layer rounds and there is an original. */
    crossings: CrossingsView | null;
    /** The integers for the counterexample, row-major, as the format stores them; `null` where they are many. */
    attacked: Integer[] | null;
    /** The same for the original. */
    original: Integer[] | null;
    /** Where it is an image: original, attacked and difference beside each other, for an image with several channels each of the first few. */
    pictures: LayerPicture[];
}

/** The neurons that reach an end of what their layer puts out on one side only. */
export interface CrossingsView {
    /** Those that fall to the least integer: a ReLU that goes out. */
    off: number;
    /** Those that leave the least integer: a ReLU that comes on. */
    on: number;
    /** Those that rise to the greatest integer: they saturate. */
    saturate: number;
    /** Those that leave the greatest integer. */
    leave: number;
}

/** A picture of a layer. */
export interface LayerPicture {
    /** What it shows. */
    caption: string;
    /** A PNG in base64. */
    png: string;
}

/** The argument of `qnn.verify`. */
export interface VerifyArguments {
    /** The spec; all open ones where it may be left out. */
    uri?: string | null;
    /** Of one property only. */
    property?: string | null;
    /** These instances only. */
    instances?: string[] | null;
    /** Seconds for each instance. */
    budget?: number | null;
    /** Also what has a current verdict. */
    force?: boolean;
}

/** The argument of `qnn.showCounterexample`. */
export interface ShowArguments {
    /** The spec. */
    uri: string;
    /** Of this instance. */
    instance?: string | null;
    /** The first one of this property. */
    property?: string | null;
}

/** The argument of `qnn.report`. */
export interface ReportArguments {
    /** The spec. */
    uri: string;
    /** Of this property alone. */
    property?: string | null;
}

/** The argument of `qnn.explain`, and the parameters of `qnn/explain`. */
export interface ExplainArguments {
    /** The code: `E0402`. */
    code: string;
}

/** The argument of `qnn.status`. */
export interface StatusArguments {
    /** The spec. */
    uri: string;
}

/** The parameters of `qnn/model`. */
export interface ModelArguments {
    /** The file. */
    uri: string;
}

/** The parameters of `qnn/tensors`. */
export interface TensorsArguments {
    /** The file. */
    uri: string;
    /** This tensor only, whose elements are looked at however many there are. */
    tensor?: string | null;
}

/** The parameters of `qnn/samples`. */
export interface SamplesArguments {
    /** The file. */
    uri: string;
    /** The tensor; the only one, if it is left out. */
    tensor?: string | null;
    /** The first sample. */
    from?: number;
    /** How many; at most 200. */
    count: number;
}

/** The parameters of `qnn/network`, and the argument of `qnn.showNetwork`. */
export interface NetworkArguments {
    /** An open spec, or a model file. */
    uri: string;
    /** Of a spec: the network, with or without its integers; the first one, if it is left out. */
    network?: string | null;
    /** Of a spec: the instance of a property over whose inputs ranges are told as well. */
    instance?: string | null;
    /** Of a model file: whose arithmetic; the likeliest, if it is left out. */
    kernel?: string | null;
}

/** The argument of `qnn.createSpec`. */
export interface CreateSpecArguments {
    /** The model. */
    uri: string;
    /** Whose arithmetic; the likeliest for the file, if it is left out. */
    kernel?: string | null;
    /** A file of inputs. */
    samples?: string | null;
    /** A file of their classes. */
    labels?: string | null;
}

/** The parameters of `qnn/trace`. */
export interface TraceArguments {
    /** An open spec. */
    uri: string;
    /** The instance whose counterexample it is. */
    instance: string;
}
