//! Sources of a crate, and which file imports which.
//!
//! In: the texts of files. Out: for each folder the imports between its parts. It knows as much of Rust as paths need: tokens, `use` declarations, and modules
//! that are tests.

use std::collections::BTreeMap;
use std::path::Path;

/// A module's place: the folders and the file; empty for the crate's own file.
type Place = Vec<String>;

/// An import between two parts of a folder.
pub struct Import {
    /// The file or folder that imports …
    pub from: String,
    /// … the file or folder imported.
    pub to: String,
    /// The path as it is written.
    pub path: String,
}

/// The modules of a crate.
pub struct Crate(BTreeMap<Place, Module>);

/// What a file says of others.
#[derive(Default)]
struct Module {
    /// What `use` declares: a path, and the name that it has here.
    uses: Vec<(Vec<String>, String)>,
    /// All paths, those of `use` included.
    paths: Vec<Vec<String>>,
    /// The modules below that are for tests.
    tests: Vec<String>,
}

impl Crate {
    /// A crate's sources below its folder.
    pub fn read(folder: &Path) -> Crate {
        let mut files = Vec::new();
        collect(folder, &mut Vec::new(), &mut files);
        Crate::of(files.iter().map(|(place, text)| (place.clone(), text.as_str())))
    }

    /// A crate of files with these names and texts.
    pub fn of<'a>(files: impl Iterator<Item = (Place, &'a str)>) -> Crate {
        let is_own = |place: &Place| place.len() == 1 && ["lib", "main"].contains(&place[0].as_str());
        let mut modules: BTreeMap<Place, Module> = BTreeMap::new();
        for (mut place, text) in files {
            if is_own(&place) || place.last().is_some_and(|name| name == "mod") {
                place.pop();
            }
            let module = Module::of(&tokens(text));
            // A crate may have both a library and a program.
            let known = modules.entry(place).or_default();
            known.uses.extend(module.uses);
            known.paths.extend(module.paths);
            known.tests.extend(module.tests);
        }
        let tests: Vec<Place> = modules
            .iter()
            .flat_map(|(place, module)| {
                module.tests.iter().map(|name| [&place[..], std::slice::from_ref(name)].concat())
            })
            .collect();
        modules.retain(|place, _| !tests.iter().any(|test| place.starts_with(test)));
        Crate(modules)
    }

    /// For each folder, the imports between its parts.
    pub fn imports(&self) -> BTreeMap<Place, Vec<Import>> {
        let mut imports: BTreeMap<Place, Vec<Import>> = BTreeMap::new();
        for (from, module) in &self.0 {
            for path in &module.paths {
                let Some(to) = self.resolve(from, path, 0) else { continue };
                let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                if let (Some(part), Some(other)) = (from.get(common), to.get(common)) {
                    let import = Import { from: part.clone(), to: other.clone(), path: path.join("::") };
                    imports.entry(from[..common].to_vec()).or_default().push(import);
                }
            }
        }
        imports
    }

    /// The module where what a path names is, as far as files tell; `None` if that is no module of this crate.
    fn resolve(&self, from: &Place, path: &[String], depth: usize) -> Option<Place> {
        let mut at = from.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                at.clear();
                rest = &path[1..];
            }
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|part| part == "super") {
                    at.pop()?;
                    rest = &rest[1..];
                }
            }
            first => _ = self.0.get(&[&from[..], &[first.to_owned()]].concat())?,
        }
        while let Some(name) = rest.first() {
            let below = [&at[..], std::slice::from_ref(name)].concat();
            if self.0.contains_key(&below) {
                at = below;
                rest = &rest[1..];
                continue;
            }
            // A name that `use` declares there stands for its path.
            let uses = &self.0.get(&at)?.uses;
            if let Some((path, _)) = uses.iter().find(|(path, known)| known == name && path[..] != rest[..1])
                && depth < 8
                && let Some(place) = self.resolve(&at, &[&path[..], &rest[1..]].concat(), depth + 1)
            {
                return Some(place);
            }
            break;
        }
        Some(at)
    }
}

/// The Rust files below a folder, with their texts.
fn collect(folder: &Path, place: &mut Place, files: &mut Vec<(Place, String)>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        place.push(stem);
        if path.is_dir() {
            collect(&path, place, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((place.clone(), std::fs::read_to_string(&path).expect("a text")));
        }
        place.pop();
    }
}

/// Words, `::`, and other characters one by one. Comments and literals are left out.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let has = |at: usize, what: &str| what.chars().enumerate().all(|(k, c)| chars.get(at + k) == Some(&c));
    let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(c) = chars.get(at) {
        let raw = (chars[at..].iter().skip(1).take_while(|c| **c == '#').count(), at + 1);
        if has(at, "//") {
            at += chars[at..].iter().take_while(|c| **c != '\n').count();
        } else if has(at, "/*") {
            let mut depth = 0;
            loop {
                match (has(at, "/*"), has(at, "*/")) {
                    (true, _) => (depth, at) = (depth + 1, at + 2),
                    (_, true) => (depth, at) = (depth - 1, at + 2),
                    _ => at += 1,
                }
                if depth == 0 || at >= chars.len() {
                    break;
                }
            }
        } else if *c == 'r' && chars.get(raw.0 + raw.1) == Some(&'"') {
            let end = format!("\"{}", "#".repeat(raw.0));
            at = raw.0 + raw.1 + 1;
            while at < chars.len() && !has(at, &end) {
                at += 1;
            }
            at += end.len();
        } else if *c == '"' || *c == '\'' && (has(at + 2, "'") || has(at + 1, "\\")) {
            at += 1;
            while chars.get(at).is_some_and(|other| other != c) {
                at += 1 + usize::from(chars[at] == '\\');
            }
            at += 1;
        } else if is_word(c) {
            let word: String = chars[at..].iter().take_while(|c| is_word(c)).collect();
            at += word.chars().count();
            found.push(word);
        } else if has(at, "::") {
            found.push("::".to_owned());
            at += 2;
        } else {
            if !c.is_whitespace() {
                found.push(c.to_string());
            }
            at += 1;
        }
    }
    found
}

impl Module {
    fn of(tokens: &[String]) -> Module {
        let mut module = Module::default();
        let is =
            |at: usize, what: &[&str]| what.iter().enumerate().all(|(k, w)| tokens.get(at + k).is_some_and(|t| t == w));
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if is(at, &["#", "[", "cfg", "(", "test", ")", "]"])
                && let Some(name) = declared(&tokens[at + 7..])
            {
                let end = at + 7 + name + 1;
                module.tests.push(tokens[at + 7 + name].clone());
                at = if is(end, &["{"]) { end + braces(&tokens[end..]) } else { end };
            } else if token == "use" {
                let length = tokens[at..].iter().take_while(|token| *token != ";").count();
                module.declare(&tokens[at + 1..at + length], &[]);
                at += length;
            } else if is_name(token) && is(at + 1, &["::"]) && (at == 0 || ![".", "::"].contains(&&*tokens[at - 1])) {
                let mut path = vec![token.clone()];
                while is(at + 1, &["::"]) && tokens.get(at + 2).is_some_and(|token| is_name(token)) {
                    path.push(tokens[at + 2].clone());
                    at += 2;
                }
                module.paths.push(path);
                at += 1;
            } else {
                at += 1;
            }
        }
        module
    }

    /// Takes in what a `use` declares: `a::{b, c as d}`, below a path.
    fn declare(&mut self, tree: &[String], below: &[String]) {
        let mut path = below.to_vec();
        for (at, token) in tree.iter().enumerate() {
            match token.as_str() {
                "::" => {}
                "{" => {
                    let inside = &tree[at + 1..at + braces(&tree[at..]) - 1];
                    let mut depth = 0;
                    for part in inside.split(|token| {
                        depth += i32::from(token == "{") - i32::from(token == "}");
                        depth == 0 && token == ","
                    }) {
                        self.declare(part, &path);
                    }
                    return;
                }
                "as" => {
                    self.add(path, tree.get(at + 1).cloned().unwrap_or_default());
                    return;
                }
                "self" if !path.is_empty() => {}
                _ => path.push(token.clone()),
            }
        }
        if let Some(name) = path.last().filter(|_| path.len() > below.len() || tree.len() == 1).cloned() {
            self.add(path, name);
        }
    }

    fn add(&mut self, path: Vec<String>, name: String) {
        self.paths.push(path.clone());
        self.uses.push((path, name));
    }
}

/// Where the name of the module is that the tokens begin to declare, behind its visibility.
fn declared(tokens: &[String]) -> Option<usize> {
    let at = tokens.iter().take(6).position(|token| token == "mod")?;
    tokens[..at].iter().all(|token| ["pub", "(", ")", "crate", "super", "in"].contains(&&**token)).then_some(at + 1)
}

/// How many tokens a block takes, braces included.
fn braces(tokens: &[String]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        depth += i32::from(token == "{") - i32::from(token == "}");
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}
