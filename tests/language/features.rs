#[test]
fn an_empty_spec_is_fine() {
    assert_eq!(codes(""), Vec::<&str>::new());
}
