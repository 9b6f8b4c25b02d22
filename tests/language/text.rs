#[test]
fn what_an_editor_shows_as_a_line_is_no_part_of_a_comment() {
    for end in ["\r", "\u{2028}", "\u{2029}", "\u{85}", "\u{b}", "\u{c}", "\u{202e}", "\u{2066}", "\0", "\u{1b}[2K"] {
        let spec = format!("const A = 1; // first{end}property p = 1 <= 2;\nconst B = 2;\n");
        assert_eq!(codes(&spec), ["E0102"], "{end:?}");
        let spec = format!("const A = 1;\nproperty p = 1 <= 2; // \u{200f}שלום\u{200e}, {end}\r\n");
        assert_eq!(codes(&spec), ["E0102"], "{end:?}");
        let spec = format!("dataset d {{ x: int<4>[2] from \"a{end}b\"; }}");
        assert!(codes(&spec).contains(&"E0102"), "{end:?}");
    }
    assert_eq!(codes("// \u{200f}שלום\u{200e} …\r\nconst A = 1;\t// é\r\n"), Vec::<&str>::new());
}

#[test]
fn a_carriage_return_in_a_comment_has_a_fix() {
    let broken = "const A = 1; // a\rconst B = 2;";
    let (db, file) = checked(broken);
    let all = qnn::check::spec::diagnostics(&db, file);
    let fix = all.iter().find_map(|d| d.fixes.first()).expect("a fix");
    let range = qnn::ide::file_range(&db, fix.place);
    let mut text = broken.to_owned();
    text.replace_range(range.span.start as usize..range.span.end as usize, &fix.replacement);
    assert_eq!(text, "const A = 1; // a\nconst B = 2;");
    assert!(!codes(&text).iter().any(|code| code.starts_with('E')));
}
