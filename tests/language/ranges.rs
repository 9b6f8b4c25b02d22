/// A format's values, as fractions: every raw integer's.
struct Values {
    format: &'static str,
    least: i64,
    greatest: i64,
    /// Value = (raw − zero) · step / per.
    zero: i64,
    step: i64,
    per: i64,
}

const FORMATS: [Values; 4] = [
    Values { format: "ufixed<4, 2>", least: 0, greatest: 15, zero: 0, step: 1, per: 4 },
    Values { format: "fixed<4, 1>", least: -8, greatest: 7, zero: 0, step: 1, per: 2 },
    Values { format: "int<3>", least: -4, greatest: 3, zero: 0, step: 1, per: 1 },
    Values { format: "affine<uint<4>, 3 / 10, 5>", least: 0, greatest: 15, zero: 5, step: 3, per: 10 },
];

/// An exact fraction, as a spec writes it.
#[derive(Clone, Copy)]
struct Fraction(i64, i64);

impl Fraction {
    fn below(self, other: Fraction) -> bool {
        self.0 * other.1 < other.0 * self.1
    }

    fn text(self) -> String {
        format!("{} / {}", self.0, self.1)
    }
}

/// What `in` asks for, evaluated plainly.
enum Set {
    Range(Fraction, Fraction, bool),
    List(Vec<Fraction>),
}

impl Set {
    fn text(&self) -> String {
        match self {
            Set::Range(a, b, true) => format!("{}..={}", a.text(), b.text()),
            Set::Range(a, b, false) => format!("{}..{}", a.text(), b.text()),
            Set::List(list) => format!("[{}]", list.iter().map(|f| f.text()).collect::<Vec<_>>().join(", ")),
        }
    }

    fn holds(&self, x: Fraction) -> bool {
        match self {
            Set::Range(a, b, inclusive) => !x.below(*a) && (x.below(*b) || *inclusive && !b.below(x)),
            Set::List(list) => list.iter().any(|f| !f.below(x) && !x.below(*f)),
        }
    }
}

/// The variables' values that break a property, by enumeration, as integers relative to the zero point.
fn breaking(db: &Database, file: SourceFile, index: usize) -> Vec<Vec<i64>> {
    let item = verifiable(db, file)[index];
    let asked = question(db, item, 0);
    let Some(Question::Property(statement)) = &asked.value else { panic!("a property: {:?}", asked.diagnostics) };
    let obligation = &statement.obligation;
    let all = qnn::ir::testing::assignments(obligation);
    let broken = all.filter(|a| matches!(obligation.replay(a), qnn::ir::obligation::Replay::Holds(_)));
    // A variable may be computed from what is free of it.
    let variables = |assignment: Vec<Vec<i64>>| -> Vec<i64> {
        let inputs: Vec<Vec<i128>> = assignment.iter().map(|v| v.iter().map(|n| i128::from(*n)).collect()).collect();
        let nodes = qnn::ir::interpret(&obligation.graph, &inputs).expect("128 bits suffice");
        let values = statement.variables.iter().flat_map(|variable| &nodes[variable.port.node.index()]);
        values.map(|n| i64::try_from(*n).expect("a stored integer")).collect()
    };
    broken.map(variables).collect()
}

#[test]
fn in_means_the_same_of_variables_and_constants() {
    let mut random = qnn::ir::testing::Random::new(18);
    for round in 0..200 {
        let values = &FORMATS[round % FORMATS.len()];
        let value = |raw: i64| Fraction((raw - values.zero) * values.step, values.per);
        // Ends that are values, that lie between values, and that lie beyond all.
        let mut end = || match random.below(3) {
            0 => value(random.between(values.least, values.greatest)),
            1 => Fraction(random.between(-12, 12), random.between(1, 7)),
            _ => Fraction(random.between(-9, 9), 1),
        };
        let set = match round % 3 {
            0 => Set::Range(end(), end(), true),
            1 => Set::Range(end(), end(), false),
            _ => Set::List(vec![end(), end(), end()]),
        };
        let (format, text) = (values.format, set.text());
        let mut spec = format!(
            "property outside = forall x: {format}: not x in {text};\n\
             property assumed = forall x: {format} where x in {text}: x < -1000;\n\
             property inside = forall x: {format}: x in {text};\n"
        );
        let raws: Vec<i64> = (values.least..=values.greatest).collect();
        for raw in &raws {
            spec += &format!("property c{} = {} in {text};\n", raw - values.least, value(*raw).text());
        }
        let (db, file) = checked(&spec);
        let centred = |holds: bool| -> Vec<Vec<i64>> {
            let kept = raws.iter().filter(|raw| set.holds(value(**raw)) == holds);
            kept.map(|raw| vec![raw - values.zero]).collect()
        };
        assert_eq!(breaking(&db, file, 0), centred(true), "{spec}");
        assert_eq!(breaking(&db, file, 1), centred(true), "{spec}");
        assert_eq!(breaking(&db, file, 2), centred(false), "{spec}");
        for (index, raw) in raws.iter().enumerate() {
            let broken = !breaking(&db, file, 3 + index).is_empty();
            assert_eq!(broken, !set.holds(value(*raw)), "{raw} in {text}");
        }
    }
}

#[test]
fn a_class_is_one_of_some() {
    let spec = |set: &str| {
        format!(
            "network n(x: int<2>[3]) -> int<2>[3] {{ x }}\n\
             property p = forall x: int<2>[3]: argmax(n(x)) in {set};\n\
             property q = forall x: int<2>[3]: not argmax(n(x)) in {set};\n\
             property s = forall x: int<2>[3]: not strict_argmax(n(x)) in {set};\n"
        )
    };
    let first = |x: &[i64]| (0..x.len()).rev().max_by_key(|i| x[*i]).unwrap_or(0);
    let only = |x: &[i64]| Some(first(x)).filter(|i| (0..x.len()).all(|j| j == *i || x[j] < x[*i]));
    let sets: [(&str, &[usize]); 6] = [
        ("[0, 2]", &[0, 2]),
        ("[1]", &[1]),
        ("0..2", &[0, 1]),
        ("1..=2", &[1, 2]),
        ("0.5..=7", &[1, 2]),
        ("[2, 1, 0]", &[0, 1, 2]),
    ];
    for (text, classes) in sets {
        let (db, file) = checked(&spec(text));
        let (p, q, s) = (breaking(&db, file, 0), breaking(&db, file, 1), breaking(&db, file, 2));
        assert_eq!(p.len() + q.len(), 64);
        assert!(p.iter().all(|x| !classes.contains(&first(x))), "{text}: {p:?}");
        assert!(q.iter().all(|x| classes.contains(&first(x))), "{text}: {q:?}");
        assert!(s.iter().all(|x| only(x).is_some_and(|i| classes.contains(&i))), "{text}: {s:?}");
        let points: Vec<Vec<i64>> = (0..64).map(|n| vec![n / 16 - 2, n / 4 % 4 - 2, n % 4 - 2]).collect();
        let expected = points.iter().filter(|x| only(x).is_some_and(|i| classes.contains(&i))).count();
        assert_eq!(s.len(), expected, "{text}");
    }
}
