//! No feature panics, whatever the text and wherever the cursor.

mod support;

use qnn::db::{Database, Disk, SourceFile};
use qnn::ide::{
    code_actions, completion, document_links, folding, hover, inlay_hints, navigation, outline, rename, selection,
    semantic_tokens, signature_help, symbols,
};
use qnn::syntax::Span;
use qnn::verify::Options;
use std::path::Path;
use support::SMALL;

/// What `SMALL` has not.
const MORE: &str = r#"
use "other.qnn";
const w = [[1, -1]];
dataset d { a: Coord[Axis] from "a.csv"; s: class<Side> from "a.csv" column "s"; }
params m = "model.npz" { *.weight: fixed<8, 4, round = floor> raw; }
network wide<bits>(p: Point) -> fixed<bits, bits - 3>[Side] { params q = "q.npz" { *: int<8>; } dense(p, q.fc1) as fixed<bits, bits - 3> }
def inside(p: Point, k: real) -> bool = p.x <= k and (let s = side(p); s.above > 0) or exists q: Point: q.y == p.y;
#[expect(violated)] #[timeout(5s)]
property both(i in 0..2, b in [4, 6]) where i != 3 = forall q in ball(d[i].a, 1 lsb), r: Point where inside(r, 2): argmax(wide<b>(q)) == d[i].s;
measure gap(i in 0..2) = maximize side(p).above - side(p).below over p: Point where p.x == i;
measure reach = largest eps in 0..=3 such that forall q in ball(d[0].a, eps lsb): strict_argmax(side(q)) == Side.above;
"#;

/// Asks for everything at an offset.
fn everything(db: &Database, file: SourceFile, offset: u32) {
    let files = db.sources();
    completion::complete(db, file, offset);
    hover::hover(db, file, offset);
    signature_help::signature(db, file, offset);
    navigation::definition(db, file, offset);
    navigation::references(db, file, offset, &files);
    let _ = rename::rename(db, file, offset, "renamed", &files);
    for pair in selection::around(db, file, offset).windows(2) {
        assert!(pair[1].start <= pair[0].start && pair[0].end <= pair[1].end, "{pair:?} are nested");
    }
}

/// Asks for everything about a file.
fn whole(db: &Database, file: SourceFile, text: &str) {
    let all = Span::new(0, text.len() as u32);
    inlay_hints::hints(db, file, all);
    document_links::links(db, file);
    symbols::symbols(db, file);
    folding::folds(db, file);
    outline(db, file, &Options::default());
    code_actions::actions(db, file, all, &|_| Vec::new());
    let tokens = semantic_tokens::tokens(db, file);
    assert!(tokens.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start), "tokens don't overlap");
    assert!(
        tokens.iter().all(|t| text.get(t.span.start as usize..t.span.end as usize).is_some_and(|t| !t.contains('\n')))
    );
}

fn checked(db: &mut Database, text: &str, offsets: impl Iterator<Item = u32>) {
    let file = db.set_text(Path::new("/nowhere/spec.qnn"), text.into());
    whole(db, file, text);
    offsets.for_each(|offset| everything(db, file, offset));
}

#[test]
fn at_every_place_of_a_text() {
    let text = format!("{MORE}{SMALL}");
    let mut db = Database::new(Disk);
    checked(&mut db, &text, 0..text.len() as u32 + 3);
    let file = db.set_text(Path::new("/nowhere/spec.qnn"), "é😀\"é".into());
    (0..12).for_each(|offset| everything(&db, file, offset));
}

#[test]
fn at_the_end_of_a_text_cut_anywhere() {
    let text = format!("{MORE}{SMALL}");
    let mut db = Database::new(Disk);
    for end in (0..=text.len()).step_by(3) {
        checked(&mut db, &text[..end], [end as u32].into_iter());
    }
}

#[test]
fn where_any_byte_is_missing_or_another() {
    let text = format!("{MORE}{SMALL}");
    let mut db = Database::new(Disk);
    for at in (0..text.len()).step_by(7) {
        for instead in ["", "(", ">", "\"", ".", "}"] {
            let broken = format!("{}{instead}{}", &text[..at], &text[at + 1..]);
            checked(&mut db, &broken, [at as u32, at as u32 + 1].into_iter());
        }
    }
}
