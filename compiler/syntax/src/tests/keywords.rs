//! The grammar reserves the words that the registry lists, and has a rule for each that it uses.

use crate::grammar::{self, Rule};
use crate::lexer::KEYWORDS;
use crate::split_items::ITEM_KEYWORDS;
use std::collections::BTreeSet;

const GRAMMAR: &str = include_str!("../grammar.pest");

/// The words of the grammar's rule `keyword`, which is written as `"a" ~ ("nd" | "s")`.
fn reserved() -> BTreeSet<String> {
    let (_, rule) = GRAMMAR.split_once("keyword = @{").expect("the rule");
    let (rule, _) = rule.split_once("~ !word_char").expect("the rule's end");
    // What is outside and what is inside of quotes alternate.
    let parts: Vec<&str> = rule.split('"').collect();
    let (mut words, mut prefix) = (BTreeSet::new(), "");
    for pair in parts[1..].chunks(2) {
        let [word, after] = pair else { panic!("an odd number of quotes") };
        if after.trim_start().starts_with("~ (") {
            prefix = word;
            continue;
        }
        words.insert(format!("{prefix}{word}"));
        if after.contains(')') {
            prefix = "";
        }
    }
    words
}

#[test]
fn the_grammar_reserves_the_keywords() {
    assert_eq!(reserved(), KEYWORDS.iter().map(|word| (*word).to_owned()).collect());
    for word in KEYWORDS {
        assert!(grammar::parse(Rule::keyword, word).is_ok(), "{word}");
        assert!(grammar::parse(Rule::name, word).is_err(), "{word}");
    }
}

#[test]
fn each_keyword_of_the_grammar_is_reserved() {
    let rules: BTreeSet<&str> =
        GRAMMAR.lines().filter_map(|line| line.strip_prefix("kw_")?.split('"').nth(1)).collect();
    // `and` and `or` are operators; `import` means nothing yet.
    let others = BTreeSet::from(["and", "or", "import"]);
    assert_eq!(rules.union(&others).copied().collect::<BTreeSet<_>>(), KEYWORDS.into_iter().collect());
    assert!(ITEM_KEYWORDS.iter().all(|word| rules.contains(word)));
}
