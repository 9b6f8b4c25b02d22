//! What the grammar would have accepted, in the reader's words.

use crate::grammar::Rule;

/// What the grammar would have accepted.
pub(super) struct Expected<'a> {
    pub(super) rules: &'a [Rule],
    pub(super) after: Option<&'static str>,
}

impl Expected<'_> {
    pub(super) fn has(&self, rule: Rule) -> bool {
        self.rules.contains(&rule)
    }

    /// Whether an expression could begin.
    pub(super) fn expression(&self) -> bool {
        self.rules.iter().any(|r| describe(*r) == Some("an expression"))
    }

    /// `` `,` or `)` ``; `operand` says that an operator may be missing.
    pub(super) fn list(&self, operand: bool) -> String {
        let mut words: Vec<&str> = Vec::new();
        if operand && self.has(Rule::infix) {
            words.push("an operator");
        }
        for rule in self.rules {
            let word = if *rule == Rule::EOI { self.after } else { describe(*rule) };
            if let Some(word) = word
                && !words.contains(&word)
            {
                words.push(word);
            }
        }
        // What may always follow a name would only be noise.
        let noise: &[&str] = if self.expression() {
            &["a name", "`(`", "`[`"]
        } else if self.has(Rule::infix) {
            &["`=`", "`(`", "`[`"]
        } else if self.has(Rule::shape) || self.has(Rule::lbracket) {
            &["`[`", "`<`"]
        } else {
            &["`<`"]
        };
        if words.iter().any(|w| !noise.contains(w)) {
            words.retain(|w| !noise.contains(w));
        }
        let last = ["`largest`", "`share of`", "`average`"];
        words.sort_by_key(|w| last.iter().position(|known| known == w).map_or(0, |at| at + 1));
        if words.is_empty() && self.has(Rule::infix) {
            words.push("an operator");
        }
        match words.as_slice() {
            [] => "something else".to_owned(),
            [one] => (*one).to_owned(),
            [first @ .., last] => format!("{} or {last}", first.join(", ")),
        }
    }
}

/// A rule in the reader's words; `None` for what may always follow and would only be noise.
fn describe(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::field_name => "a name, or a name of a file between quotes",
        Rule::name | Rule::generic_names | Rule::binder | Rule::binders | Rule::enum_head => "a name",
        Rule::parameter => "a parameter `name: Type`",
        Rule::family_param => "a parameter `name in set`",
        Rule::string => "a text in double quotes",
        Rule::glob => "a tensor's name or pattern",
        Rule::attribute_argument => "an argument",
        Rule::expr
        | Rule::number
        | Rule::kw_true
        | Rule::kw_false
        | Rule::named
        | Rule::list
        | Rule::paren
        | Rule::negate
        | Rule::kw_not
        | Rule::quantifier
        | Rule::let_head
        | Rule::simple
        | Rule::simple_list
        | Rule::simple_paren
        | Rule::simple_named
        | Rule::argument
        | Rule::type_argument
        | Rule::nested_argument
        | Rule::index_item
        | Rule::network_result => "an expression",
        Rule::r#type => "a type",
        Rule::semi => "`;`",
        Rule::comma => "`,`",
        Rule::colon | Rule::body_colon => "`:`",
        Rule::eq => "`=`",
        Rule::arrow => "`->` and the type of the result",
        Rule::hash => "`#`",
        Rule::lparen | Rule::parameters | Rule::family | Rule::arguments => "`(`",
        Rule::rparen => "`)`",
        Rule::lbracket => "`[`",
        Rule::rbracket => "`]`",
        Rule::lbrace => "`{`",
        Rule::rbrace => "`}`",
        Rule::langle => "`<`",
        Rule::rangle => "`>`",
        Rule::kw_in => "`in`",
        Rule::kw_over => "`over`",
        Rule::within => "`within`",
        Rule::word_of => "`of`",
        Rule::kw_such => "`such that`",
        Rule::kw_that => "`that`",
        Rule::kw_forall => "`forall`",
        Rule::kw_exists => "`exists`",
        Rule::optimize => "`maximize`, `minimize`",
        Rule::kw_maximize => "`maximize`",
        Rule::kw_minimize => "`minimize`",
        Rule::share | Rule::word_share => "`share of`",
        Rule::average | Rule::word_average => "`average`",
        Rule::largest | Rule::kw_largest => "`largest`",
        Rule::kw_import => "`import`",
        Rule::import_option => "an option `name = value`",
        Rule::import_options => "`{`",
        Rule::word_at => "`at`",
        Rule::word_real => "`real`",
        Rule::from_clause | Rule::kw_from => "`from`",
        Rule::tensor_clause => "`tensor`",
        Rule::column_clause => "`column`",
        Rule::variant => "a variant",
        Rule::dataset_field => "a field `name: Type from \"file\";`",
        Rule::params_rule => "a rule `pattern: Format;`",
        Rule::let_statement => "`let`",
        Rule::params_item => "`params`",
        _ => return None,
    })
}
