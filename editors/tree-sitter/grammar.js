/**
 * The grammar of qnn for editors that highlight, fold and select by tree-sitter.
 *
 * It accepts every text that the compiler's grammar (compiler/syntax/src/grammar.pest) accepts, and gives operators the same operands: `cargo test -p tree-sitter-qnn` compares them. It is laxer
 * elsewhere, since an editor's grammar has nobody to tell an error to: comparisons may chain, and a keyword is a name where no keyword can stand.
 */

const IMPLIES = 1, OR = 2, AND = 3, NOT = 4, COMPARE = 5, RANGE = 6, ADD = 7, MULTIPLY = 8, NEGATE = 9, POSTFIX = 10;

const separated = (rule) => seq(rule, repeat(seq(",", rule)), optional(","));
const binders = ($) => seq($.binder, repeat(seq(",", $.binder)));
const list = (rule) => optional(separated(rule));

module.exports = grammar({
  name: "qnn",

  word: ($) => $.name,
  extras: ($) => [/[ \t\r\n]/, $.comment],
  // Each is decided by what follows, as far as it takes.
  conflicts: ($) => [
    [$.call, $._expression],
    [$.binder, $._expression],
  ],

  rules: {
    source_file: ($) => repeat($._item),

    comment: () => token(seq("//", /[^\n]*/)),
    name: () => /[A-Za-z_][A-Za-z_0-9]*/,
    number: () => /[0-9][0-9_]*(\.[0-9][0-9_]*)?([eE][+-]?[0-9]+)?/,
    string: () => /"(\\[^\n\r]|[^"\\\n\r])*"/,
    boolean: () => choice("true", "false"),
    glob: () => /[A-Za-z_0-9.*?-]+/,

    // ---- Items

    _item: ($) => choice($.use, $.type_definition, $.enum, $.const, $.dataset, $.params, $.network, $.import, $.definition, $.property, $.find, $.measure),

    attribute: ($) => seq("#", "[", field("name", $.name), optional(seq("(", list($.attribute_argument), ")")), "]"),
    attribute_argument: ($) => choice(/-?[A-Za-z_0-9.]+/, $.string),
    _attributes: ($) => repeat1($.attribute),

    use: ($) => seq(optional($._attributes), "use", $.string, ";"),
    type_definition: ($) => seq(optional($._attributes), "type", field("name", $.name), optional($.generic_names), "=", $.type, ";"),
    const: ($) => seq(optional($._attributes), "const", field("name", $.name), "=", $._expression, ";"),
    generic_names: ($) => seq("<", separated($.name), ">"),

    enum: ($) => seq(optional($._attributes), "enum", field("name", $.name), "{", list($.variant), "}"),
    variant: ($) => seq(field("name", $.name), optional(seq("=", $.string))),

    dataset: ($) => seq(optional($._attributes), "dataset", field("name", $.name), "{", repeat($.dataset_field), "}"),
    dataset_field: ($) =>
      seq(
        field("name", $.name), ":", $.type,
        repeat(choice(seq("from", $.string), seq("tensor", $.string), seq("column", $.string), "raw")),
        ";",
      ),

    params: ($) => seq(optional($._attributes), "params", field("name", $.name), "=", $.string, "{", repeat($.params_rule), "}"),
    params_rule: ($) => seq(choice($.string, $.glob), ":", $.type, optional(seq("raw", optional("packed"))), ";"),

    network: ($) =>
      seq(
        optional($._attributes), "network", field("name", $.name), optional($.generic_names), $.parameters, "->", $.type,
        field("body", $.block),
      ),
    import: ($) =>
      seq(
        optional($._attributes), "network", field("name", $.name), optional($.generic_names), "=", "import", field("file", $.string),
        optional($.import_options), ";",
      ),
    import_options: ($) => seq("{", separated($.import_option), "}"),
    import_option: ($) => seq(field("name", $.name), "=", choice($.string, $.type)),
    block: ($) => seq("{", repeat(choice($.params, $.let_statement)), field("result", $._expression), "}"),
    parameters: ($) => seq("(", list($.parameter), ")"),
    parameter: ($) => seq(field("name", $.name), ":", $.type),
    // Not the head of an expression, as long as another statement or the result can follow.
    let_statement: ($) => prec(1, seq("let", field("name", $.name), optional(seq(":", $.type)), "=", $._expression, ";")),

    definition: ($) =>
      seq(
        optional($._attributes), "def", field("name", $.name), optional($.generic_names), $.parameters, "->", $.type,
        "=", field("body", $._expression), ";",
      ),

    property: ($) =>
      seq(optional($._attributes), "property", field("name", $.name), optional($.family), optional($.filter), "=", field("body", $._expression), ";"),
    family: ($) => seq("(", list($.family_parameter), ")"),
    family_parameter: ($) => seq(field("name", $.name), "in", $._expression),
    filter: ($) => seq("where", $._expression),

    find: ($) =>
      seq(optional($._attributes), "find", field("name", $.name), optional($.family), optional($.filter), "=", field("body", $.search), ";"),
    search: ($) => seq(binders($), optional($.filter), "such", "that", $._expression),

    measure: ($) =>
      seq(
        optional($._attributes), "measure", field("name", $.name), optional($.family), optional($.filter),
        "=", field("body", choice($.optimize, $.largest, $.share, $.average)), ";",
      ),
    optimize: ($) => seq(choice("maximize", "minimize"), $._expression, "over", binders($), optional($.filter), optional($.within)),
    within: ($) => seq("within", $._expression),
    largest: ($) => seq("largest", field("name", $.name), "in", $._expression, "such", "that", $._expression),
    share: ($) => seq("share", "of", $.search),
    average: ($) => seq("average", $._expression, "over", binders($), optional($.filter)),

    // ---- Types

    type: ($) => prec.right(seq(field("name", $.name), optional($.type_arguments), optional($.type_member), optional($.shape))),
    // `kws.input`: the type of an input or output of a network.
    type_member: ($) => seq(".", field("name", choice($.name, $.string, alias(/[0-9]+/, $.number)))),
    type_arguments: ($) => seq("<", separated($._type_argument), ">"),
    _type_argument: ($) => choice($.named_argument, alias($.nested_type, $.type), $._simple),
    nested_type: ($) => seq(field("name", $.name), alias($.nested_arguments, $.type_arguments)),
    nested_arguments: ($) => seq("<", separated(choice($.named_argument, $._simple)), ">"),
    named_argument: ($) => seq(field("name", $.name), "=", $._simple),
    shape: ($) => seq("[", separated($._simple), "]"),

    // ---- Expressions

    _expression: ($) =>
      choice(
        $.number, $.boolean, $.name, $.call, $.list, $.parenthesized, $.unary, $.binary, $.range, $.cast, $.field, $.index, $.steps,
        $.quantifier, $.let,
      ),

    unary: ($) => choice(prec(NEGATE, seq("-", $._expression)), prec(NOT, seq("not", $._expression))),
    binary: ($) =>
      choice(
        prec.right(IMPLIES, seq($._expression, field("operator", "=>"), $._expression)),
        ...[
          [OR, "or"],
          [AND, "and"],
          [COMPARE, choice("==", "!=", "<=", ">=", "<", ">", "in")],
          [ADD, choice("+", "-")],
          [MULTIPLY, choice("*", "/")],
        ].map(([level, operator]) => prec.left(level, seq($._expression, field("operator", operator), $._expression))),
      ),
    range: ($) => prec.left(RANGE, seq($._expression, choice("..", "..="), $._expression)),
    cast: ($) => prec(POSTFIX, seq($._expression, "as", $.type)),
    steps: ($) => prec(POSTFIX, seq($._expression, "lsb")),
    field: ($) => prec(POSTFIX, seq($._expression, ".", field("name", choice($.name, $.string, alias(/[0-9]+/, $.number))))),
    index: ($) => prec(POSTFIX, seq($._expression, "[", separated($._index_item), "]")),
    _index_item: ($) => choice($._expression, $.open_range),
    open_range: ($) => choice(seq(choice("..", "..="), $._expression), "..", prec.left(RANGE, seq($._expression, ".."))),

    call: ($) =>
      choice(
        seq(field("function", $.name), optional($.reading), $.arguments),
        // `f<6>(x)` is a call, though it could be two comparisons.
        prec.dynamic(1, seq(field("function", $.name), $.generics, optional($.reading), $.arguments)),
      ),
    reading: ($) => seq(".", choice("real", seq("at", "(", $.string, ")"))),
    generics: ($) => seq("<", separated($._simple), ">"),
    arguments: ($) => seq("(", list(choice($.argument, $._expression)), ")"),
    argument: ($) => seq(field("name", $.name), "=", $._expression),
    list: ($) => seq("[", list($._expression), "]"),
    parenthesized: ($) => seq("(", $._expression, ")"),

    let: ($) => prec.right(seq("let", field("name", $.name), "=", $._expression, ";", $._expression)),
    quantifier: ($) =>
      prec.right(seq(choice("forall", "exists"), binders($), optional(choice($.filter, seq(",", field("condition", $._expression)))), ":", field("body", $._expression))),
    // Before a condition that begins with a name.
    binder: ($) => prec.dynamic(1, seq(field("name", $.name), choice(seq("in", $._expression), seq(":", $.type)))),

    // What may stand between `<` and `>` and in shapes: sums and products.
    _simple: ($) =>
      choice(
        $.number, $.boolean, $.name,
        alias($.simple_call, $.call), alias($.simple_list, $.list), alias($.simple_parenthesized, $.parenthesized),
        alias($.simple_unary, $.unary), alias($.simple_binary, $.binary), alias($.simple_field, $.field),
      ),
    simple_unary: ($) => prec(NEGATE, seq("-", $._simple)),
    simple_binary: ($) =>
      choice(
        prec.left(ADD, seq($._simple, field("operator", choice("+", "-")), $._simple)),
        prec.left(MULTIPLY, seq($._simple, field("operator", choice("*", "/")), $._simple)),
      ),
    simple_field: ($) => prec(POSTFIX, seq($._simple, ".", field("name", choice($.name, $.string, alias(/[0-9]+/, $.number))))),
    simple_call: ($) => seq(field("function", $.name), alias($.simple_arguments, $.arguments)),
    simple_arguments: ($) => seq("(", list($._simple), ")"),
    simple_list: ($) => seq("[", list($._simple), "]"),
    simple_parenthesized: ($) => seq("(", $._simple, ")"),
  },
});
