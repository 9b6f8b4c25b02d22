//! VNN-LIB: a query about networks, as VNN-COMP's benchmarks and Vehicle write it, answered by a spec.
//!
//! In: the text of a query, and the model files that its networks are. Out: a [`Query`] ([`read()`]), the [`Translation`] of it: a spec whose one property
//! holds exactly if the query is unsatisfiable ([`translate()`]), and for a counterexample of the property the assignment of the query's tensors
//! ([`Assignment`]), which is evaluated again, in the networks and in the query, before anyone sees it. Queries about networks of floats that no format is
//! given for are asked of the real numbers.
//!
//! A file uses only files above it in this list:
//!
//! | file | what it is |
//! | --- | --- |
//! | `problem` | an error with its place |
//! | `expression` | brackets, words and numbers: `grammar.pest` |
//! | `query` | queries as data |
//! | `formulas` | assertions |
//! | `bounds` | what a formula demands of one element |
//! | `version1`, `version2` | the declarations of each language |
//! | `reader` | a text's query |
//! | `quantizer`, `model` | the files of its networks |
//! | `translate` | its spec |
//! | `assignment` | a counterexample's assignment |
//! | `answer` | what is printed |
//! | `real` | answers about networks of real numbers |

mod answer;
mod assignment;
mod bounds;
mod expression;
mod formulas;
mod model;
mod problem;
mod quantizer;
mod query;
mod reader;
mod real;
mod translate;
mod version1;
mod version2;

pub use answer::Answer;
pub use assignment::{Assignment, NoAssignment, assignment};
pub use expression::{MAX_BYTES, MAX_DEPTH};
pub use model::{Arithmetic, Mismatch, Model, check_relations, resolve, summary};
pub use problem::Problem;
pub use query::{Element, Formula, Network, Query, Relation, Role, Sum, Tensor, Version};
pub use reader::read;
pub use real::{RealAnswer, real_control, solve_reals};
pub use translate::{PROPERTY, Translation, translate};
