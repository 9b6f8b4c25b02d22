//! What the layout keeps, and where it breaks lines.

use super::super::tests::{RICH, check_format};
use super::*;
use insta::assert_snapshot;

#[test]
fn the_rich_spec_keeps_its_layout() {
    assert_eq!(check_format(RICH), RICH);
}

#[test]
fn white_space_does_not_matter() {
    let tokens = scan(RICH).tokens;
    for between in [" ", "\n", "\t", "\r\n  \r\n"] {
        let mut text = String::new();
        for (token, next) in tokens.iter().zip(tokens.iter().skip(1).map(|t| t.text(RICH)).chain([""])) {
            let written = token.text(RICH);
            text.push_str(written);
            // The scanner cuts patterns of tensor names, which are one word to the grammar.
            let pattern = written == "*" || next == "?" || written == "?" || next == "." || written == ".";
            text.push_str(if pattern { "" } else { between });
        }
        check_format(&text);
    }
}

#[test]
fn a_comment_anywhere_stays() {
    for item in &parse(RICH).items {
        let item = &RICH[item.start as usize..item.end as usize];
        for token in &scan(item).tokens {
            for comment in ["// here\n", "\n// here\n", "\n\n\n// here\n// there\n\n\n"] {
                let (before, after) = item.split_at(token.start as usize);
                let text = format!("{before} {comment}{after}");
                // Inside a pattern of tensor names there is no room for a comment.
                if parse(&text).errors.is_empty() {
                    let formatted = check_format(&text);
                    assert_eq!(formatted.matches("// here").count(), 1, "{formatted}");
                }
            }
        }
    }
}

#[test]
fn long_things_break_where_they_read_best() {
    assert_snapshot!(check_format(
        r#"type Scales = affine<int<8>, [0.00390625, 0.0078125, 0.015625, 0.03125, 0.0625, 0.125, 0.25], [1, 2, 3, 4, 5, 6, 7]>[28, 28];
enum Feature { gender, group_a, group_b, group_c, group_d, group_e, lunch, preparation, mathematics, reading, writing }
const SMALL = [1, 2, 3]; const NONE = [];
const LONG = [1.25, -2.5, 3.75, 4.125, 5.0625, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27];
const MATRIX = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], [1, -2]];
dataset d { a_field_with_a_long_name: AFormatWithALongName[28, 28] from "a/rather/long/path/to/a/file.npz" tensor "x_test" raw; } dataset none {}
network a_network_with_a_name<bits>(first: AFormatWithALongName[28, 28], second: AFormatWithALongName[28, 28]) -> Out[10] {
let h = relu(dense(concat(flatten(first), flatten(second)), parameters.first_layer) + parameters.second_bias) as Activation<bits>;
let s: acc<20> = dense(first, parameters.first_layer) + dense(second, parameters.second_layer) + parameters.third_bias;
h }
def a_function(a: Student, b: Student) -> bool = a.gender == 0 and b.gender == 1 or a.lunch != b.lunch and a.preparation == 2 * b.preparation + 1;
property short = true;
property p(i in 0..100) where i != 3 = forall x in ball(test[i].image, 2 lsb), y in ball(test[i].image, 2 lsb) where argmax(classifier(x)) == test[i].label: (argmax(classifier(y)) == test[i].label => maximum(classifier(x)) >= maximum(classifier(y))) and x in ball(y, 4 lsb);
property a_property_with_many_parameters(image in 0..100, radius in [1, 2, 3, 4], bits in 6..=10, feature in Feature) where image != 3 and radius < bits = true;
measure gap(bits in 6..=10) = maximize abs(student<bits>(a) - student<bits>(b)) over a: Student, b: Student where same_but_gender_and_lunch(a, b) and a[Feature.lunch] > 0;
measure radius(i in 0..20) = largest eps in 0..=32 such that forall x in ball(test[i].image, eps lsb): argmax(classifier(x)) == test[i].label;
find other(i in 0..20) where i!=3 = x in ball(test[i].image, 2 lsb), y: Student where same_but_gender_and_lunch(x, y) and y[Feature.lunch] > 0 such that argmax(classifier(x)) != test[i].label or argmax(classifier(y)) == 3;
find small=x:T such that x>1;
measure part(eps in 1..=4) = share  of image in 0..100, radius in [1, 2, 3, 4] where image != 3 and radius < eps such that forall x in ball(test[image].image, eps lsb): argmax(classifier(x)) == test[image].label;
measure mean = average abs(a_network_with_a_name(test[image].image)[0] - test[image].label) over image in 0..100 where test[image].label != 3;
measure close = maximize f(x) over x: T within 0.01;
"#
    ));
}

#[test]
fn comments_and_blank_lines() {
    assert_snapshot!(check_format(
        "

//! The file.
// plain
/// The next item.
#[slow]   // why

type A=B;   // the end of A

// between

enum E{a,//first
 b=\"x\" // second
 ,
 // last
}
const W=[1,// one
2];
dataset d{

// only a comment

}
network f(x:T)->T{ // opened

   let a=g(x); let b=a; // two

   // three
   b // the result
}
property p=// because
a and // left
b;
// the end"
    ));
}
