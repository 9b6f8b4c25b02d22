//! Branch and bound on one case: the integer values of columns, with warm-started bounds, until each branch is closed.
//!
//! In: a root with its ranges. Out: the case's tree for the certificate, or a point that meets all atoms. From the best branch straight
//! down and about there for a while, then from the best again; the split is where the relaxation's primal point is furthest from the
//! staircase, at its price, so that both sides exclude it. Several workers may share a [`Frontier`]. Invariant: between searches the frontier's
//! tree, with each open branch closed by its bound, proves what [`Frontier::most`] says.

use super::propose::{Proposal, SCALES, propose};
use crate::attack::Attack;
use crate::bounds::hull::{Edge, edges};
use crate::bounds::net::{Expr, Kind, NONE, Net};
use crate::bounds::{Empty, Ranges};
use crate::simplex::{Outcome, Problem, Simplex, View};
use crate::{Control, Core, Cores, Plea, Reason, close};
use num_integer::Integer;
use qnn_ir::interrupt::{Interrupted, inherited};
use qnn_ir::obligation::Replay;
use qnn_proof::{Multipliers, Step, Tighten, Tree};
use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::{self, AtomicBool};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The bound must be this much below zero before integers are asked.
const MARGIN: f64 = 1e-6;
/// Steps of the solver for one node.
const LIMIT: u64 = 2000;
/// Every so many branches the primal point is where an attack starts.
const ATTACKED: u64 = 8;
/// Atoms with more terms than this are left to the relaxation.
const FEW_TERMS: usize = 64;
/// How often atoms are looked at anew because others narrowed the inputs.
const ROUNDS: usize = 8;
/// Inputs with at most so many bits together are few.
const FEW_BITS: f64 = 24.0;
/// So many branches are taken below the best one, the deepest first, before what is left there is compared with the others: one branch is a few steps
/// of the solver from the last, and a point that answers the question is often near one that nearly does.
const PLUNGE: u64 = 100;
/// The solver's sums for one of repairs, which start at primal points.
const REPAIRED: u64 = 2;
/// In deep networks repairs hit while the bound of some open branch exceeds what closes it by most of an output's step: by this share of it. After that …
const ROOM: f64 = 0.8;
/// … a proof is near, and the solver's sums count for repairs so many times less.
const WITHOUT_ROOM: u64 = 8;
/// The first repair is as late as if there had been one with so many sums before.
const FIRST_REPAIR: u64 = 1 << 20;
/// So often a repair goes by what the relaxation says that columns are worth, else by lines through the staircases; in deep networks …
const BY_PRICES: f64 = 0.5;
/// … less often.
const BY_PRICES_DEEP: f64 = 0.3;
/// In deep networks the points of a turn's first repairs, where there is most room, are where half of the later ones start again.
const FIRST_POINTS: usize = 32;
/// Branches that only inputs are left to split in are worth this much work, in sums, before it is compared with the solver's.
const REALIZED: u64 = 1 << 29;
/// A search that takes longer than this asks others for a core …
const LONG: Duration = Duration::from_millis(50);
/// … in its last moments, so that nobody waits for it longer than this.
const SOON: Duration = Duration::from_secs(30);
/// A search that has spent more than what is left to it, divided by this, is long enough to wait for another that asks for its core.
const PATIENT: u32 = 10;
/// The steps of the solver for an expression's bound in a branch: most of what there is to gain, at a third of the price.
const SHARPENING: u64 = 12;
/// A range that gets narrower by less than this share is not worth a step of the proof.
const NARROWER: f64 = 0.03;
/// A result that is nearer than this to its staircase has no gap for a narrower range to close.
const GAP: f64 = 1e-3;
/// About how many bytes a node of the proof takes, without its step's multipliers.
const NODE: usize = 160;
/// The default for the memory of open branches, in bytes.
pub const MEMORY: u64 = 1 << 30;

/// Where the relaxation's bound of an expression ended at the root.
pub struct Reach {
    /// The expression.
    pub expr: u32,
    /// 1 for its greatest value, -1 for its least.
    pub sign: f64,
    /// The solver's state for that goal.
    pub solver: Simplex,
}

/// Whether a point answers the obligation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It meets the atoms, but not what they enclose: no bound excludes it, and it is no answer.
    Nearly,
}

impl From<&Replay> for Accepted {
    fn from(replay: &Replay) -> Accepted {
        match replay {
            Replay::Holds(_) => Accepted::Yes,
            Replay::Close => Accepted::Nearly,
            Replay::Fails(_) => Accepted::No,
        }
    }
}

/// How a search ended.
pub enum Found {
    /// No point meets all atoms.
    Closed,
    /// The inputs' values, by ascending column.
    Point(Vec<i64>),
    /// The case took more branches than its limit.
    Limit,
    /// Neither, for a reason.
    Stopped(Reason),
}

/// A node of the proof, whose children are known later.
struct Entry {
    step: Step,
    children: Vec<usize>,
}

impl Entry {
    /// A node that is to be filled.
    fn open() -> Entry {
        Entry { step: Step::Empty, children: Vec::new() }
    }
}

/// About how many bytes a step takes beyond its node.
fn bytes_of(step: &Step) -> usize {
    match step {
        Step::Bound(multipliers) | Step::Slack(multipliers) | Step::Tighten(Tighten { multipliers, .. }) => {
            size_of_val(&multipliers.slots[..]) + size_of_val(&multipliers.atoms[..])
        }
        Step::Split { .. } | Step::Empty | Step::Enumerate => 0,
    }
}

/// What the objective's atom is known not to exceed in a branch, and why.
#[derive(Debug)]
pub struct Known {
    /// The weighted atoms are at most this …
    pub value: i128,
    /// … where the objective's atom has this weight.
    pub weight: i64,
    /// The atom's constant at that time.
    constant: i64,
    /// The bound that says so.
    pub multipliers: Multipliers,
}

impl Known {
    /// What a proposal says of the objective's atom, if it does.
    pub fn new(proposal: &Proposal, problem: &Problem<'_>, objective: u32) -> Option<Known> {
        (proposal.weight > 0).then(|| Known {
            value: proposal.exact.value,
            weight: proposal.weight,
            constant: problem.atoms[objective as usize].constant as i64,
            multipliers: proposal.certificate(problem, Some(objective)),
        })
    }

    /// The atom without its constant is at most this.
    pub fn most(&self) -> i128 {
        Integer::div_floor(&self.value, &i128::from(self.weight)) - i128::from(self.constant)
    }
}

/// An open branch.
struct Branch {
    ranges: Ranges,
    edges: Vec<Option<Arc<[Edge]>>>,
    simplex: Simplex,
    /// The place in the proof that it is to fill.
    entry: usize,
    /// The split that it comes from.
    origin: Option<(Origin, usize)>,
    /// What the solver maximizes.
    goal: Goal,
    /// The last bound of the objective's atom on the way here.
    known: Option<Arc<Known>>,
    /// Its share of the case, in halves upon halves.
    share: f64,
    /// Only inputs are left to split.
    thin: bool,
}

/// What the solver maximizes in a branch.
#[derive(Clone)]
enum Goal {
    /// The objective's atom.
    Atom,
    /// Where that holds for all values left, it says nothing any more. What counts is how far the units that it reads get past the
    /// thresholds that the splits ask of them: (expression, factor), in steps of the unit's result.
    Margins(Arc<[(u32, f64)]>),
}

/// What was expected of a split, so that later ones can be judged better.
#[derive(Clone, Copy)]
struct Origin {
    column: u32,
    /// The gap closed, at its price.
    expected: f64,
    /// The parent's bound, above what closes a branch.
    value: f64,
}

impl Branch {
    /// About how many bytes it takes, so that memory is bounded.
    fn bytes(&self) -> usize {
        self.simplex.bytes() + self.ranges.bytes() + self.edges.len() * 64
    }

    /// Remembers a bound of the objective's atom, if it is the best so far.
    fn learn(&mut self, proposal: &Proposal, problem: &Problem<'_>, objective: u32) {
        if let Some(new) = Known::new(proposal, problem, objective)
            && self.known.as_ref().is_none_or(|known| new.most() < known.most())
        {
            self.known = Some(Arc::new(new));
        }
    }

    /// What it promises: thin branches come last, untried ones first.
    fn value(&self) -> f64 {
        self.origin.map_or(f64::INFINITY, |(origin, _)| origin.value)
    }
}

/// Open branches by what they promise.
struct Queued(Branch);

impl Ord for Queued {
    fn cmp(&self, other: &Queued) -> Ordering {
        let key = |branch: &Branch| (!branch.thin, branch.value());
        let (a, b) = (key(&self.0), key(&other.0));
        // Among equals the later one, so that the search goes deep.
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(self.0.entry.cmp(&other.0.entry))
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Queued) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Queued) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Queued {}

/// What was done, for `--stats`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effort {
    /// Branches looked at.
    pub branches: u64,
    /// Steps of the solver.
    pub steps: u64,
}

/// A case's tree so far: what is proved, and which branches are open.
pub struct Frontier {
    proof: Vec<Entry>,
    /// The bytes that the proof's steps take.
    written: usize,
    open: BinaryHeap<Queued>,
    /// Branches whose points are no answers, nor excluded by any bound.
    close: Vec<Branch>,
    /// The bytes that open branches take, those at work included.
    held: usize,
    /// Branches at work.
    busy: usize,
    /// The share of the case that is closed.
    closed: f64,
    ended: Option<Found>,
    /// What it took.
    pub effort: Effort,
    /// The most branches.
    pub limit: u64,
    root: Ranges,
    /// The root's bounds, for branches that begin there.
    pub reaches: Arc<[Reach]>,
    learned: Learned,
    /// What splits gained in this search, so that all workers learn from each other's: (column, side, gain).
    gains: Vec<(u32, usize, f64)>,
}

/// For each column and side of a split, how much of what was expected came true.
pub type Learned = Vec<[Gains; 2]>;

/// How much of what was expected came true, how often.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gains {
    sum: f64,
    count: f64,
}

impl Gains {
    fn add(&mut self, gain: f64) {
        self.sum += gain;
        self.count += 1.0;
    }

    /// The mean, with two that gained what was expected.
    fn mean(&self) -> f64 {
        (self.sum + 2.0) / (self.count + 2.0)
    }
}

/// A case under search.
pub struct Case<'a> {
    /// The relaxation.
    pub problem: &'a Problem<'a>,
    /// The atom that is the objective.
    pub objective: u32,
    /// The ranges before any split.
    pub root: Ranges,
    /// The constraining atoms' edges.
    pub atom_edges: Vec<Arc<Edge>>,
    /// Budget.
    pub control: &'a Control,
    /// Tests a point given by the inputs' values: whether it answers the obligation.
    pub accept: &'a (dyn Fn(&[i64]) -> Accepted + Sync),
    /// A branch with at most this many elementary operations for all its inputs together is evaluated input by input.
    pub enumerate: usize,
    /// The attack's seed.
    pub seed: u64,
    /// When the search for an answer began, by the control's clock.
    pub begun: Instant,
    /// Who helps.
    pub helpers: Helpers,
    /// Hears of the share of the case that is closed.
    pub progress: &'a (dyn Fn(f64) + Sync),
    /// Branches with this share of the case bound expressions anew.
    pub sharpened: f64,
    /// The problem where the objective's atom constrains like the others, for bounds of other expressions.
    pub whole: Problem<'a>,
    /// The root's bounds of the expressions that read units, of the problem where all atoms constrain; none where they are too many.
    pub reaches: Arc<[Reach]>,
}

/// Who helps a run: spare cores, and another's once it has been lent, until the run is over.
#[derive(Clone)]
pub struct Helpers(Option<Arc<OnceLock<Plea>>>);

impl Default for Helpers {
    fn default() -> Helpers {
        Helpers(Some(Arc::default()))
    }
}

impl Helpers {
    /// Spare cores alone.
    pub fn nobody() -> Helpers {
        Helpers(None)
    }

    /// The wish for another's core, if there has been one.
    pub fn plea(&self) -> Option<&Plea> {
        self.0.as_ref()?.get()
    }

    /// How many cores others lend.
    pub fn lent(&self) -> usize {
        usize::from(self.plea().is_some_and(Plea::is_heard))
    }

    /// Wishes for another's core; `false` while somebody else does.
    pub fn ask(&self, cores: &Cores) -> bool {
        let Some(own) = &self.0 else { return true };
        own.get().is_some() || cores.ask().is_some_and(|plea| own.set(plea).is_ok())
    }

    /// Does some work here and on all cores that help.
    pub fn along(&self, control: &Control, work: impl Fn() + Sync) {
        let spare: Vec<Core> = std::iter::from_fn(|| control.spare.take()).collect();
        let lent = self.lent();
        let (work, inherited) = (&work, inherited());
        std::thread::scope(|scope| {
            for _ in 0..spare.len() + lent {
                let inherited = inherited.clone();
                // Who is interrupted leaves its part undone; this thread is interrupted, too, or stops by itself.
                scope.spawn(move || _ = inherited.run(work));
            }
            work();
        });
    }
}

/// Somebody who searches a case.
struct Worker<'a> {
    case: &'a Case<'a>,
    /// Evaluates points quickly.
    attack: Attack<'a>,
    learned: Learned,
    /// So many of the frontier's gains are in what was learned.
    seen: usize,
    /// The gain of the split that the branch at hand comes from.
    gain: Option<(u32, usize, f64)>,
    branches: u64,
    /// What the best open branch promises.
    best: f64,
    /// Where the first repairs started: the values of all columns, and what they are worth.
    first_points: Vec<(Vec<f64>, Option<Vec<f64>>)>,
    /// What the solver took, in sums, at so many for a step.
    spent: u64,
    long: u64,
    /// Inputs reach few units.
    sparse: bool,
    /// Hidden units read hidden units.
    deep: bool,
    /// The inputs have so few values that splitting those is the shortest way.
    few_inputs: bool,
}

/// Ends the others' work where one of them panics: they would wait for its branch for ever.
struct Alarm<'a>(&'a (Mutex<Frontier>, Condvar), &'a Control);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let internal = || Reason::Internal("a worker of the search panicked".to_owned());
            let broken = Found::Stopped(self.1.stop().unwrap_or_else(internal));
            self.0.0.lock().unwrap_or_else(PoisonError::into_inner).ended.get_or_insert(broken);
            self.0.1.notify_all();
        }
    }
}

/// The edges of the atoms that constrain: weight · atom >= 0.
pub fn atom_edges(problem: &Problem<'_>) -> Vec<Arc<Edge>> {
    let edge = |k: &u32| {
        let e = problem.atom(*k as usize);
        let scale = 1.0 / problem.expr(e).greatest.max(1.0);
        Arc::new(Edge::single(0.0, e as u32, -scale, 0.0))
    };
    problem.constraints.iter().map(edge).collect()
}

/// The edges of all live units.
pub fn all_edges(problem: &Problem<'_>, ranges: &Ranges) -> Vec<Option<Arc<[Edge]>>> {
    let mut all = vec![None; problem.net.units.len()];
    for unit in problem.live.iter() {
        all[*unit as usize] = Some(edges(problem.net, &problem.net.units[*unit as usize], ranges));
    }
    all
}

/// The ranges on one side of a split, and the units whose ranges changed.
type Side = (Box<Ranges>, Vec<u32>);

/// What became of a branch.
enum Next {
    Closed(Step),
    Split { node: u32, element: u32, value: i64, below: Option<Side>, above: Option<Side>, origin: Option<Origin> },
    Postpone,
    Nearly,
    Point(Vec<i64>),
    Stop(Reason),
}

impl Frontier {
    /// The tree after its proof's last open branch is closed.
    pub fn tree(mut self) -> Tree {
        let mut steps: Vec<Step> =
            self.proof.iter_mut().map(|entry| std::mem::replace(&mut entry.step, Step::Empty)).collect();
        flatten(&self.proof, |at| std::mem::replace(&mut steps[at], Step::Empty))
    }

    /// The objective's atom without its constant is at most this in the open branches; `None` if one has no bound yet.
    pub fn most(&self) -> Option<i128> {
        let open = self.open.iter().map(|queued| &queued.0).chain(&self.close);
        open.map(|branch| branch.known.as_deref()).try_fold(i128::MIN, |most, known| Some(most.max(known?.most())))
    }

    /// The tree with each open branch closed by its bound, a proof for a threshold above all of them.
    pub fn tree_by_bounds(&self) -> Option<Tree> {
        let open = self.open.iter().map(|queued| &queued.0).chain(&self.close);
        let bounds = open.map(|branch| Some((branch.entry, branch.known.as_deref()?)));
        let bounds = bounds.collect::<Option<HashMap<usize, &Known>>>()?;
        let step = |at: usize| match bounds.get(&at) {
            Some(known) => Step::Bound(known.multipliers.clone()),
            None => self.proof[at].step.clone(),
        };
        Some(flatten(&self.proof, step))
    }

    /// About how many bytes its tree takes.
    pub fn tree_bytes(&self) -> usize {
        self.written + self.proof.len() * NODE
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        let reaches: usize = self.reaches.iter().map(|reach| reach.solver.bytes()).sum();
        self.held + self.tree_bytes() + reaches
    }

    /// The share of the case that is closed.
    pub fn closed(&self) -> f64 {
        self.closed
    }

    /// What splits of this case gained.
    pub fn learned(self) -> Learned {
        self.learned
    }

    /// The ranges before any split.
    pub fn root(&self) -> &Ranges {
        &self.root
    }

    fn push(&mut self, branch: Branch) {
        self.held += branch.bytes();
        self.open.push(Queued(branch));
    }

    /// Takes back branches from who was at work on them.
    fn give_back(&mut self, branches: &mut Vec<Branch>) {
        self.busy -= branches.len();
        self.open.extend(branches.drain(..).map(Queued));
    }

    /// Says what a node of the proof is.
    fn fill(&mut self, entry: usize, step: Step) {
        self.written += bytes_of(&step);
        self.proof[entry].step = step;
    }

    fn chain(&mut self, entry: &mut usize, steps: Vec<Step>) {
        for step in steps {
            self.fill(*entry, step);
            self.proof.push(Entry::open());
            let place = self.proof.len() - 1;
            self.proof[*entry].children.push(place);
            *entry = place;
        }
    }
}

impl<'a> Case<'a> {
    /// The time since the search for an answer began, and what is left of it; without a deadline, for ever.
    fn time(&self) -> (Duration, Duration) {
        let now = self.control.clock.now();
        let left = self.control.deadline.map_or(Duration::MAX, |end| end.saturating_duration_since(now));
        (now.saturating_duration_since(self.begun), left)
    }

    fn atom(&self) -> &Expr {
        self.problem.expr(self.problem.atom(self.objective as usize))
    }

    /// A state of the solver for a goal.
    fn start(&self, ranges: &Ranges, goal: &Goal) -> Simplex {
        let mut objective = vec![0.0; self.problem.net.columns.len()];
        match goal {
            Goal::Atom => self.atom().add_to(&mut objective, 1.0),
            Goal::Margins(margins) => {
                margins
                    .iter()
                    .for_each(|(e, factor)| self.problem.net.exprs[*e as usize].add_to(&mut objective, *factor));
            }
        }
        Simplex::new(self.problem, ranges, objective)
    }

    /// A goal below this is out of reach.
    fn cut(&self, ranges: &Ranges, goal: &Goal) -> f64 {
        let margin = |(e, factor): &(u32, f64)| {
            let (lo, hi) = ranges.exprs[*e as usize];
            factor * (if *factor > 0.0 { lo } else { hi } - self.problem.net.exprs[*e as usize].constant)
        };
        match goal {
            Goal::Atom => -self.atom().constant,
            Goal::Margins(margins) => margins.iter().map(margin).sum(),
        }
    }

    /// The margins that are left to ask for where the objective's atom holds anyway.
    fn margins(&self, ranges: &Ranges) -> Option<Goal> {
        let (net, atom) = (self.problem.net, self.atom());
        if atom.range(&ranges.lower, &ranges.upper).0 < 0.0 {
            return None;
        }
        let mut margins = Vec::new();
        for (first, values) in atom.runs() {
            for (k, c) in values.iter().enumerate() {
                let unit = net.unit_of[first + k];
                if *c == 0.0 || unit == NONE {
                    continue;
                }
                let Kind::Step(stairs) = net.units[unit as usize].kind else { continue };
                let (e, slope) = (net.units[unit as usize].first, net.stairs[stairs as usize].line().0.max(1e-9));
                let (stairs, column) = (&net.stairs[stairs as usize], first + k);
                // Only a threshold that not all arguments pass has to be asked for.
                let (lo, hi) = ranges.natural(e as usize);
                let asked = match *c > 0.0 {
                    true => stairs.threshold(ranges.lower[column] as i64).is_some_and(|t| t as f64 > lo),
                    false => stairs.threshold(ranges.upper[column] as i64 + 1).is_some_and(|t| t as f64 <= hi),
                };
                if asked {
                    margins.push((e, if *c > 0.0 { slope } else { -slope }));
                }
            }
        }
        margins.sort_unstable_by_key(|(e, _)| *e);
        (!margins.is_empty()).then(|| Goal::Margins(margins.into()))
    }

    /// The whole case as one open branch.
    pub fn frontier(&self, known: Option<Known>, mut learned: Learned) -> Frontier {
        learned.resize(self.problem.net.columns.len(), Default::default());
        let root = Branch {
            edges: all_edges(self.problem, &self.root),
            simplex: self.start(&self.root, &Goal::Atom),
            ranges: self.root.clone(),
            entry: 0,
            origin: None,
            goal: Goal::Atom,
            known: known.map(Arc::new),
            share: 1.0,
            thin: false,
        };
        let mut frontier = Frontier {
            proof: vec![Entry::open()],
            written: 0,
            open: BinaryHeap::new(),
            close: Vec::new(),
            held: 0,
            busy: 0,
            closed: 0.0,
            ended: None,
            effort: Effort::default(),
            limit: u64::MAX,
            root: self.root.clone(),
            reaches: self.reaches.clone(),
            learned,
            gains: Vec::new(),
        };
        frontier.push(root);
        frontier
    }

    /// Searches until all branches are closed, or a point is found, or there is a reason to stop. The frontier is then complete: a search
    /// may go on from it, with another threshold in the objective's atom if a greater one.
    pub fn search(&self, frontier: Frontier) -> (Found, Frontier) {
        let mut frontier = frontier;
        // A higher threshold may exclude them now.
        let close = std::mem::take(&mut frontier.close);
        frontier.open.extend(close.into_iter().map(Queued));
        let learned = std::mem::take(&mut frontier.learned);
        let branches = frontier.effort.branches;
        let mut worker = Worker::new(self, learned.clone(), branches, 0);
        let shared = (Mutex::new(frontier), Condvar::new());
        let (inherited, interrupted) = (inherited(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let workers = Cell::new(1);
            let join = |core: Option<Core>| {
                let who = workers.replace(workers.get() + 1);
                let (shared, learned) = (&shared, learned.clone());
                let (inherited, interrupted) = (inherited.clone(), &interrupted);
                scope.spawn(move || {
                    let work = || Worker::new(self, learned, branches, who).work(shared, &|| {}, core.as_ref());
                    interrupted.fetch_or(inherited.run(work).is_err(), atomic::Ordering::Relaxed);
                });
            };
            let helped = Cell::new(false);
            // Cores that nobody else has a use for help out, once there is something to share; for a long search, another's too.
            let recruit = || {
                if let Some(core) = self.control.spare.take() {
                    join(Some(core));
                    return;
                }
                let (spent, left) = self.time();
                if helped.get() || spent < LONG || left > SOON {
                    return;
                }
                if let Some(plea) = self.helpers.plea() {
                    if plea.is_heard() {
                        helped.set(true);
                        join(None);
                    }
                } else if !self.helpers.ask(&self.control.spare) && spent > left / PATIENT {
                    // Two with a core each would both take long: one after the other has both.
                    self.control.clock.pause(|| self.control.spare.lend(&self.control.cancel));
                }
            };
            worker.work(&shared, &recruit, None);
        });
        if interrupted.into_inner() {
            // Its branch is lost, and the frontier not whole any more.
            Interrupted.unwind();
        }
        let mut frontier = shared.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        worker.learn_from(&frontier);
        frontier.gains.clear();
        frontier.learned = worker.learned;
        let found = frontier.ended.take().unwrap_or(Found::Closed);
        (found, frontier)
    }
}

impl<'a> Worker<'a> {
    /// One who begins after so many branches of the case, which the random numbers depend on, as on who of several it is.
    fn new(case: &'a Case<'a>, learned: Learned, branches: u64, who: u64) -> Worker<'a> {
        let net = case.problem.net;
        let bits = (0..net.columns.len())
            .filter(|j| net.unit_of[*j] == NONE)
            .map(|j| (case.root.upper[j] - case.root.lower[j] + 1.0).log2())
            .sum::<f64>();
        let attack = Attack::new(case.problem, &case.root, case.seed ^ branches << 20 ^ who << 56);
        Worker {
            few_inputs: bits <= FEW_BITS,
            sparse: attack.is_sparse(),
            deep: attack.is_deep(),
            attack,
            learned,
            seen: 0,
            gain: None,
            branches: 0,
            best: f64::INFINITY,
            first_points: Vec::new(),
            spent: 0,
            long: case
                .problem
                .live
                .iter()
                .flat_map(|unit| net.units[*unit as usize].exprs())
                .map(|e| net.exprs[e].entries() as u64)
                .sum(),
            case,
        }
    }

    /// Takes over what others learned.
    fn learn_from(&mut self, frontier: &Frontier) {
        for (column, side, gain) in &frontier.gains[self.seen..] {
            self.learned[*column as usize][*side].add(*gain);
        }
        self.seen = frontier.gains.len();
    }

    /// Takes branches until there are none, or somebody found the end.
    fn work(&mut self, shared: &(Mutex<Frontier>, Condvar), recruit: &dyn Fn(), core: Option<&Core>) {
        let control = self.case.control;
        let _alarm = Alarm(shared, control);
        let most = control.memory.unwrap_or(MEMORY) as usize;
        let lock = || shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is left below the branch that was the best, and how many branches were taken there.
        let (mut own, mut taken_below) = (Vec::new(), 0);
        let mut frontier = lock();
        loop {
            if let (None, Some(reason)) = (&frontier.ended, control.stop()) {
                frontier.ended = Some(Found::Stopped(reason));
            }
            if frontier.ended.is_none() && frontier.effort.branches >= frontier.limit {
                frontier.ended = Some(Found::Limit);
            }
            if frontier.ended.is_none() && frontier.bytes() > most {
                frontier.ended = Some(Found::Stopped(Reason::Memory));
            }
            if frontier.ended.is_some() || core.is_some_and(Core::is_wanted) {
                frontier.give_back(&mut own);
                shared.1.notify_all();
                return;
            }
            if taken_below >= PLUNGE && frontier.held <= most / 2 {
                frontier.give_back(&mut own);
            }
            taken_below += 1;
            let mut branch = match own.pop() {
                Some(branch) => branch,
                None => match frontier.open.pop() {
                    Some(Queued(branch)) => {
                        frontier.busy += 1;
                        taken_below = 1;
                        branch
                    }
                    None if frontier.busy == 0 => {
                        if !frontier.close.is_empty() {
                            frontier.ended = Some(Found::Stopped(close()));
                        }
                        shared.1.notify_all();
                        return;
                    }
                    None => {
                        let pause = Duration::from_millis(5);
                        frontier = shared.1.wait_timeout(frontier, pause).unwrap_or_else(PoisonError::into_inner).0;
                        continue;
                    }
                },
            };
            frontier.effort.branches += 1;
            self.learn_from(&frontier);
            self.best = frontier.open.peek().map_or(f64::INFINITY, |queued| queued.0.value());
            let shareable = !frontier.open.is_empty();
            drop(frontier);
            if shareable && self.branches.is_multiple_of(8) {
                recruit();
            }
            self.branches += 1;
            let (before, size) = (branch.simplex.steps, branch.bytes());
            let mut steps = Vec::new();
            let next = self.explore(&mut branch, &mut steps);
            let taken = branch.simplex.steps - before;
            frontier = lock();
            if let Some(gain) = self.gain.take() {
                self.learn_from(&frontier);
                frontier.gains.push(gain);
                self.seen += 1;
            }
            frontier.effort.steps += taken;
            frontier.held -= size;
            let mut entry = branch.entry;
            frontier.chain(&mut entry, steps);
            branch.entry = entry;
            // Others find something to do, unless memory is short.
            let keep = frontier.held > most / 2 || taken_below < PLUNGE && !frontier.open.is_empty();
            match next {
                Next::Closed(step) => {
                    frontier.fill(entry, step);
                    frontier.busy -= 1;
                    frontier.closed += branch.share;
                    (self.case.progress)(frontier.closed);
                }
                Next::Nearly => {
                    frontier.busy -= 1;
                    frontier.held += branch.bytes();
                    frontier.close.push(branch);
                }
                Next::Postpone => {
                    branch.thin = true;
                    frontier.busy -= 1;
                    frontier.push(branch);
                }
                Next::Point(point) => {
                    frontier.busy -= 1;
                    frontier.push(branch);
                    frontier.ended.get_or_insert(Found::Point(point));
                }
                Next::Stop(reason) => {
                    frontier.busy -= 1;
                    frontier.push(branch);
                    frontier.ended.get_or_insert(Found::Stopped(reason));
                }
                Next::Split { node, element, value, below, above, origin } => {
                    frontier.fill(entry, Step::Split { node, element, value });
                    // The way down goes on where the primal point is nearer.
                    let nearer_below =
                        origin.is_some_and(|origin| branch.simplex.x[origin.column as usize] - value as f64 <= 0.5);
                    let count = usize::from(below.is_some()) + usize::from(above.is_some());
                    frontier.closed += branch.share * (2 - count) as f64 / 2.0;
                    let mut children = Vec::with_capacity(2);
                    for (number, side) in [below, above].into_iter().enumerate() {
                        frontier.proof.push(Entry::open());
                        let place = frontier.proof.len() - 1;
                        frontier.proof[entry].children.push(place);
                        if let Some((ranges, changed)) = side {
                            children.push((number, place, ranges, changed));
                        }
                    }
                    drop(frontier);
                    let mut made = Vec::with_capacity(2);
                    for (number, place, ranges, changed) in children {
                        let inherit = made.len() + 1 == count;
                        let mut child = Branch {
                            ranges: *ranges,
                            edges: if inherit { std::mem::take(&mut branch.edges) } else { branch.edges.clone() },
                            simplex: if inherit { branch.simplex.take() } else { branch.simplex.clone() },
                            entry: place,
                            origin: origin.map(|origin| (origin, number)),
                            goal: branch.goal.clone(),
                            known: branch.known.clone(),
                            share: branch.share / 2.0,
                            thin: branch.thin,
                        };
                        refresh_edges(self.case.problem, &child.ranges, &mut child.edges, &changed);
                        child.simplex.set_ranges(self.case.problem, &child.ranges);
                        made.push(child);
                    }
                    if nearer_below {
                        made.reverse();
                    }
                    frontier = lock();
                    frontier.busy -= 1;
                    let nearer = made.pop();
                    for other in made {
                        if keep {
                            frontier.held += other.bytes();
                            frontier.busy += 1;
                            own.push(other);
                        } else {
                            frontier.push(other);
                            shared.1.notify_one();
                        }
                    }
                    if let Some(nearer) = nearer {
                        frontier.held += nearer.bytes();
                        frontier.busy += 1;
                        own.push(nearer);
                    }
                }
            }
        }
    }

    /// Bounds, tests and narrows a branch until it is closed or split; what narrows it goes to `steps`.
    fn explore(&mut self, branch: &mut Branch, steps: &mut Vec<Step>) -> Next {
        let case = self.case;
        let problem = case.problem;
        let net = problem.net;
        let objective = problem.atom(case.objective as usize);
        let stop = || case.control.stop().is_some();
        let (mut narrowed, mut changed) = (Vec::new(), Vec::new());
        let propagated = propagate(problem, &mut branch.ranges, &mut narrowed, &mut changed);
        steps.extend(narrowed.into_iter().map(Step::Tighten));
        if propagated == Err(Empty) {
            return Next::Closed(Step::Empty);
        }
        if !steps.is_empty() {
            refresh_edges(problem, &branch.ranges, &mut branch.edges, &changed);
            branch.simplex.set_ranges(problem, &branch.ranges);
        }
        if let Some(points) = self.few_points(&branch.ranges) {
            let mut nearly = false;
            for point in points {
                match (case.accept)(&point) {
                    Accepted::Yes => return Next::Point(point),
                    accepted => nearly |= accepted == Accepted::Nearly,
                }
            }
            return if nearly { Next::Nearly } else { Next::Closed(Step::Enumerate) };
        }
        let before = branch.simplex.steps;
        // What a unit of each column is worth at the bound: closing a gap gains about as much.
        let (mut prices, mut worth): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        for round in 0.. {
            if matches!(branch.goal, Goal::Atom)
                && let Some(goal) = case.margins(&branch.ranges)
            {
                let steps = branch.simplex.steps;
                branch.simplex = case.start(&branch.ranges, &goal);
                branch.simplex.steps = steps;
                branch.goal = goal;
                branch.origin = None;
            }
            let cut = case.cut(&branch.ranges, &branch.goal);
            let view =
                View { ranges: &branch.ranges, units: &problem.live, edges: &branch.edges, atoms: &case.atom_edges };
            let outcome = branch.simplex.run(problem, &view, cut - MARGIN, LIMIT, &stop);
            if round == 0
                && let Some((origin, side)) = branch.origin
            {
                let reached = if outcome == Outcome::Below { 0.0 } else { branch.simplex.value() - cut };
                let gain = ((origin.value - reached) / origin.expected).clamp(0.0, 10.0);
                self.learned[origin.column as usize][side].add(gain);
                self.gain = Some((origin.column, side, gain));
            }
            let mut multipliers = branch.simplex.multipliers();
            let form = match &branch.goal {
                Goal::Atom => Some((objective, 1.0)),
                Goal::Margins(margins) => {
                    add_multipliers(&mut multipliers, margins);
                    None
                }
            };
            // Only a bound that closes the branch is worth short numbers.
            let scales = if outcome == Outcome::Below { &SCALES[..] } else { &SCALES[1..] };
            let proposal = propose(problem, &branch.ranges, form, &multipliers, scales, |_, value| value < 0);
            if let Some(proposal) = &proposal {
                if proposal.exact.value < 0 {
                    return Next::Closed(Step::Bound(proposal.certificate(problem, Some(case.objective))));
                }
                branch.learn(proposal, problem, case.objective);
            }
            if stop() {
                return Next::Stop(case.control.stop().unwrap_or(Reason::Timeout));
            }
            if outcome == Outcome::Below {
                // The integers disagree: the numbers are bad. Start from scratch below.
                let steps = branch.simplex.steps;
                branch.simplex = case.start(&branch.ranges, &branch.goal);
                branch.simplex.steps = steps;
                break;
            }
            // The primal point, rounded, may be an answer.
            let point = self.attack.rounded(&branch.simplex, &branch.ranges);
            if let Some(point) = self.accepted(&point) {
                return Next::Point(point);
            }
            if round == 0
                && self.branches % ATTACKED == ATTACKED / 2
                && let Some(point) = self.attack.run(&point, 1, 6, &stop)
                && let Some(point) = self.accepted(&point)
            {
                return Next::Point(point);
            }
            let Some(proposal) = proposal else { break };
            let scale = 1.0 / proposal.scale;
            prices = proposal.exact.coefficients.iter().map(|c| c.abs() * scale).collect();
            worth = proposal.exact.coefficients.clone();
            if round >= 3 {
                break;
            }
            let news = proposal.exact.slack(problem, &branch.ranges);
            let sharpened = round == 0 && branch.share == case.sharpened && !case.reaches.is_empty();
            if sharpened && self.sharpen(branch, &prices, steps, &stop) == Err(Empty) {
                return Next::Closed(Step::Empty);
            }
            if !news.iter().any(|(column, ..)| net.unit_of[*column as usize] != NONE) {
                if sharpened {
                    continue;
                }
                break;
            }
            steps.push(Step::Slack(proposal.certificate(problem, Some(case.objective))));
            let mut changed = Vec::new();
            if branch.ranges.narrow_columns(net, &news, &mut changed) == Err(Empty) {
                return Next::Closed(Step::Empty);
            }
            refresh_edges(problem, &branch.ranges, &mut branch.edges, &changed);
            branch.simplex.set_ranges(problem, &branch.ranges);
        }
        let next = self.split(branch, &prices);
        // From here integers may be near that answer the question.
        let without_room = self.deep && matches!(branch.goal, Goal::Atom) && self.best < ROOM * case.atom().greatest;
        let sums = branch.simplex.steps.saturating_sub(before) * self.long;
        self.spent += if without_room { sums / WITHOUT_ROOM } else { sums };
        let due = (self.attack.work + FIRST_REPAIR) * REPAIRED < self.spent;
        let tight = matches!(next, Next::Postpone) && self.attack.work < self.spent + REALIZED;
        if (tight || due && branch.thin)
            && let Some(point) = self.attack.realize(&branch.simplex.x, &branch.ranges, &stop)
            && let Some(point) = self.accepted(&point)
        {
            return Next::Point(point);
        }
        if due
            && let Some(point) = self.repair(branch, &worth, &stop)
            && let Some(point) = self.accepted(&point)
        {
            return Next::Point(point);
        }
        next
    }

    /// Bounds the expressions of units anew whose staircases the primal point misses, at a price, with the branch's ranges: the solver goes on from
    /// where it ended at the root.
    ///
    /// # Errors
    /// [`Empty`] if nothing is left.
    fn sharpen(
        &self,
        branch: &mut Branch,
        prices: &[f64],
        steps: &mut Vec<Step>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Empty> {
        let (net, whole) = (self.case.problem.net, &self.case.whole);
        let atoms = atom_edges(whole);
        for reach in self.case.reaches.iter() {
            let e = reach.expr as usize;
            let unit = &net.units[net.user[e] as usize];
            let column = unit.column as usize;
            if branch.ranges.is_point(column) || prices[column] == 0.0 {
                continue;
            }
            if let Kind::Step(stairs) = unit.kind
                && let Some(value) =
                    net.stairs[stairs as usize].apply((branch.simplex.activities[e] + 1e-7).floor() as i64)
                && (branch.simplex.x[column] - value as f64).abs() < GAP
            {
                continue;
            }
            let mut solver = reach.solver.clone();
            solver.set_ranges(whole, &branch.ranges);
            let view = View { ranges: &branch.ranges, units: &whole.live, edges: &branch.edges, atoms: &atoms };
            solver.run(whole, &view, f64::NEG_INFINITY, SHARPENING, stop);
            let take = |step| steps.push(Step::Tighten(step));
            narrow_by(whole, &mut branch.ranges, &mut branch.edges, (e, reach.sign), &solver, NARROWER, take)?;
        }
        branch.simplex.set_ranges(self.case.problem, &branch.ranges);
        Ok(())
    }

    /// A point of integers from the relaxation's, or from one of the first of those; what columns are worth is the relaxation's word now and then, as
    /// far as it speaks of the atom. Where networks are sparse, half of the points are from anywhere, by annealing.
    fn repair(&mut self, branch: &Branch, worth: &[f64], stop: &dyn Fn() -> bool) -> Option<Vec<f64>> {
        if self.sparse && self.attack.chance() < 0.5 {
            return self.attack.anneal(1, stop);
        }
        let by_prices = self.attack.chance() < if self.deep { BY_PRICES_DEEP } else { BY_PRICES };
        let worth = Some(worth).filter(|worth| matches!(branch.goal, Goal::Atom) && !worth.is_empty());
        if self.deep && self.first_points.len() < FIRST_POINTS {
            self.first_points.push((branch.simplex.x.clone(), worth.map(<[f64]>::to_vec)));
        } else if self.deep && self.attack.chance() < 0.5 {
            let (from, worth) = &self.first_points[(self.attack.random() >> 32) as usize % FIRST_POINTS];
            return self.attack.repair(from, &self.case.root, worth.as_deref().filter(|_| by_prices), stop);
        }
        self.attack.repair(&branch.simplex.x, &branch.ranges, worth.filter(|_| by_prices), stop)
    }

    /// The point as integers, if it answers the obligation.
    pub fn accepted(&mut self, point: &[f64]) -> Option<Vec<i64>> {
        if !self.attack.holds(point) {
            return None;
        }
        let point: Vec<i64> = point.iter().map(|v| *v as i64).collect();
        ((self.case.accept)(&point) == Accepted::Yes).then_some(point)
    }

    /// All points of the inputs' box, if they are few.
    fn few_points(&self, ranges: &Ranges) -> Option<Vec<Vec<i64>>> {
        let net = self.case.problem.net;
        let inputs = || (0..net.columns.len()).filter(|j| net.unit_of[*j] == NONE);
        let work: usize = 64 + net.columns.len();
        let most = (self.case.enumerate / work).clamp(1, 1024) as f64;
        let mut count = 1.0;
        for j in inputs() {
            count *= ranges.upper[j] - ranges.lower[j] + 1.0;
            if count > most {
                return None;
            }
        }
        let mut points: Vec<Vec<i64>> = vec![Vec::new()];
        for j in inputs() {
            let values = ranges.lower[j] as i64..=ranges.upper[j] as i64;
            points = (points.iter())
                .flat_map(|point| values.clone().map(move |v| [point.as_slice(), &[v]].concat()))
                .collect();
        }
        Some(points)
    }

    /// Where to split: the step whose primal point is furthest from its staircase, or else a fractional input, or else anything.
    fn split(&self, branch: &Branch, prices: &[f64]) -> Next {
        let (problem, ranges, simplex) = (self.case.problem, &branch.ranges, &branch.simplex);
        let net = problem.net;
        // Few inputs are split themselves: once they are known, everything is.
        if self.few_inputs
            && let Some((column, value)) = self.input_to_split(ranges, simplex)
        {
            return self.halves(branch, column, value, None);
        }
        let mut best: Option<(f64, usize, f64, f64)> = None;
        let mut wrapped: Option<(usize, f64)> = None;
        for unit in problem.live.iter() {
            let unit = &net.units[*unit as usize];
            let column = unit.column as usize;
            let (lo, hi) = (ranges.lower[column], ranges.upper[column]);
            match unit.kind {
                Kind::Step(stairs) if lo < hi => {
                    let a = simplex.activities[unit.first as usize] + 1e-7;
                    let Some(f) = net.stairs[stairs as usize].apply(a.floor() as i64) else { continue };
                    let (y, f) = (simplex.x[column], f as f64);
                    let gap = (y - f).abs();
                    // Of very many values the hull knows the ends alone.
                    if gap <= if net.stairs[stairs as usize].is_wide() { 2.0 } else { 1e-5 } {
                        continue;
                    }
                    let gap = gap * (prices.get(column).copied().unwrap_or(0.0) + 1e-3);
                    let [down, up] = self.learned[column].map(|gains| gains.mean());
                    let score = gap * (5.0 * down.min(up) + down.max(up));
                    if best.is_none_or(|(most, ..)| score > most) {
                        let v = match net.stairs[stairs as usize].kink(ranges.exprs[unit.first as usize].0, lo) {
                            // A ReLU is a line on either side of its kink, however many values it has.
                            Some(kink) => kink,
                            None if y > f => f,
                            None => f - 1.0,
                        };
                        best = Some((score, column, v.clamp(lo, hi - 1.0), gap));
                    }
                }
                Kind::Wrap { width, signed } => {
                    // Within one period a wrap is linear: split the argument between periods.
                    let (a, b) = ranges.exprs[unit.first as usize];
                    let (_, greatest) = qnn_ir::range::wrap_limits(width, signed);
                    let first = qnn_ir::interpret::wrap(a as i128, width, signed);
                    let last_of_first = a + (greatest - first) as f64;
                    if b > last_of_first {
                        let period = (1i128 << width) as f64;
                        let middle =
                            last_of_first + (((b - last_of_first) / 2.0 - 1.0).max(0.0) / period).floor() * period;
                        wrapped = Some((unit.first as usize, middle));
                    }
                }
                _ => {}
            }
        }
        if let (None, Some((expr, value))) = (best, wrapped) {
            let place = net.places[expr];
            let side = |lo: f64, hi: f64| {
                let (mut ranges, mut changed) = (ranges.clone(), Vec::new());
                ranges.narrow_expr(net, expr, lo, hi, &mut changed).ok().map(|()| (Box::new(ranges), changed))
            };
            let (below, above) = (side(f64::NEG_INFINITY, value), side(value + 1.0, f64::INFINITY));
            return Next::Split {
                node: place.node.0,
                element: place.element,
                value: value as i64,
                below,
                above,
                origin: None,
            };
        }
        let (column, value) = match best {
            Some((_, column, value, _)) => (column, value),
            None if !branch.thin => return Next::Postpone,
            None => match self.input_to_split(ranges, simplex) {
                Some(found) => found,
                None => return Next::Stop(Reason::Incomplete("no range is left to split".to_owned())),
            },
        };
        let value_above_cut = simplex.value() - self.case.cut(ranges, &branch.goal);
        let origin = best.map(|best| Origin { column: best.1 as u32, expected: best.3, value: value_above_cut });
        self.halves(branch, column, value, origin)
    }

    /// A split of a column.
    fn halves(&self, branch: &Branch, column: usize, value: f64, origin: Option<Origin>) -> Next {
        let net = self.case.problem.net;
        let side = |lo: f64, hi: f64| {
            let (mut ranges, mut changed) = (branch.ranges.clone(), Vec::new());
            ranges.narrow_column(net, column, lo, hi, &mut changed).ok().map(|()| (Box::new(ranges), changed))
        };
        let (below, above) = (side(f64::NEG_INFINITY, value), side(value + 1.0, f64::INFINITY));
        let (node, element) = net.columns[column];
        Next::Split { node: node.0, element, value: value as i64, below, above, origin }
    }

    /// The most fractional input, or else the widest, split in its middle.
    fn input_to_split(&self, ranges: &Ranges, simplex: &Simplex) -> Option<(usize, f64)> {
        let net = self.case.problem.net;
        let fraction = |j: usize| (simplex.x[j] - simplex.x[j].round()).abs();
        let input = |j: &usize| net.unit_of[*j] == NONE && !ranges.is_point(*j);
        let fractional = (simplex.basic_columns().iter().map(|j| *j as usize))
            .filter(input)
            .max_by(|a, b| fraction(*a).total_cmp(&fraction(*b)))
            .filter(|j| fraction(*j) > 1e-6);
        if let Some(j) = fractional {
            return Some((j, simplex.x[j].floor().clamp(ranges.lower[j], ranges.upper[j] - 1.0)));
        }
        let width = |j: usize| ranges.upper[j] - ranges.lower[j];
        let widest = (0..net.columns.len()).filter(input).max_by(|a, b| width(*a).total_cmp(&width(*b)))?;
        Some((widest, ((ranges.lower[widest] + ranges.upper[widest]) / 2.0).floor()))
    }
}

/// Narrows the inputs by the atoms that speak of a few inputs alone.
///
/// # Errors
/// [`Empty`] if nothing is left.
pub fn propagate(
    problem: &Problem<'_>,
    ranges: &mut Ranges,
    steps: &mut Vec<Tighten>,
    changed: &mut Vec<u32>,
) -> Result<(), Empty> {
    let net = problem.net;
    // Two atoms can narrow each other by one at a time for ever: what is left is for the relaxation.
    for _ in 0..ROUNDS {
        let before = steps.len();
        for (k, atom) in problem.atoms.iter().enumerate() {
            let terms = || {
                let all = atom.runs().flat_map(|(first, values)| (first..).zip(values));
                all.filter(|(_, c)| **c != 0.0).map(|(column, c)| (column, *c))
            };
            if atom.entries() > FEW_TERMS || terms().any(|(column, _)| net.unit_of[column] != NONE) {
                continue;
            }
            // The atom is at most this; what a term lacks of its greatest value, the atom lacks too.
            let most = atom.range(&ranges.lower, &ranges.upper).1;
            for (column, c) in terms() {
                let (lo, hi) = (ranges.lower[column], ranges.upper[column]);
                let room = (most / c.abs()).floor();
                if most >= 0.0 && room >= hi - lo {
                    continue;
                }
                let (node, element) = net.columns[column];
                let multipliers = Multipliers { atoms: vec![(k as u32, 1)], slots: Vec::new() };
                steps.push(Tighten { node: node.0, element, weight: -c as i64, multipliers });
                if most < 0.0 {
                    return Err(Empty);
                }
                let (lo, hi) = if c > 0.0 { (hi - room, hi) } else { (lo, lo + room) };
                ranges.narrow_columns(net, &[(column as u32, lo, hi)], changed)?;
            }
        }
        if steps.len() == before {
            break;
        }
    }
    Ok(())
}

/// Narrows an expression's range, and its unit's edges, by what the solver's state says of it, if that is more than a share of the range; `take` gets
/// the step that proves it.
///
/// # Errors
/// [`Empty`] if nothing is left; `take` has the step that says so.
pub fn narrow_by(
    problem: &Problem<'_>,
    ranges: &mut Ranges,
    edges: &mut [Option<Arc<[Edge]>>],
    (e, sign): (usize, f64),
    solver: &Simplex,
    share: f64,
    take: impl FnOnce(Tighten),
) -> Result<(), Empty> {
    let multipliers = solver.multipliers();
    let proposal = propose(problem, ranges, Some((e, sign)), &multipliers, &SCALES, |_, _| true);
    let Some(proposal) = proposal.filter(|proposal| proposal.weight > 0) else { return Ok(()) };
    let bound = Integer::div_floor(&proposal.exact.value, &i128::from(proposal.weight)) as f64;
    let (lo, hi) = ranges.exprs[e];
    let gained = if sign > 0.0 { hi - bound } else { -bound - lo };
    if gained <= share * (hi - lo) {
        return Ok(());
    }
    let place = problem.net.places[e];
    let weight = if sign > 0.0 { proposal.weight } else { -proposal.weight };
    let multipliers = proposal.certificate(problem, None);
    take(Tighten { node: place.node.0, element: place.element, weight, multipliers });
    let mut changed = Vec::new();
    let (lo, hi) = if sign > 0.0 { (f64::NEG_INFINITY, bound) } else { (-bound, f64::INFINITY) };
    ranges.narrow_expr(problem.net, e, lo, hi, &mut changed)?;
    refresh_edges(problem, ranges, edges, &changed);
    Ok(())
}

/// Adds the margins' multipliers to the rows', by ascending expression.
fn add_multipliers(multipliers: &mut Vec<(u32, f64)>, margins: &[(u32, f64)]) {
    for (e, factor) in margins {
        match multipliers.binary_search_by_key(e, |(e, _)| *e) {
            Ok(at) => multipliers[at].1 += factor,
            Err(at) => multipliers.insert(at, (*e, *factor)),
        }
    }
}

/// Recomputes the edges of units whose ranges changed.
pub fn refresh_edges(problem: &Problem<'_>, ranges: &Ranges, all: &mut [Option<Arc<[Edge]>>], changed: &[u32]) {
    let net: &Net = problem.net;
    for unit in changed {
        if all[*unit as usize].is_some() {
            all[*unit as usize] = Some(edges(net, &net.units[*unit as usize], ranges));
        }
    }
}

/// The tree in preorder.
fn flatten(proof: &[Entry], mut step: impl FnMut(usize) -> Step) -> Tree {
    let mut tree = Vec::with_capacity(proof.len());
    let mut open = vec![0];
    while let Some(at) = open.pop() {
        tree.push(step(at));
        open.extend(proof[at].children.iter().rev());
    }
    tree
}
