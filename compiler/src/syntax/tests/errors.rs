//! What a reader sees.
use super::*;
