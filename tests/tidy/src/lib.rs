//! Rules of the repository that no compiler checks, as functions that return what is wrong.
//!
//! `cargo test -p tidy` applies them to the working tree (`tests/main.rs`); every function also has a test that shows
//! it a violation. The rules are written where people read them: who may import whom in `doc/architecture.md`, who
//! may use which outside crate in `doc/dependencies.md`, which test shows which feature in `doc/features.md`; this
//! crate reads those tables and compares. Rust is read as text: comments and test modules are cut off where a rule is
//! about the product only.

pub mod dependencies;
pub mod features;
pub mod imports;
pub mod layout;
pub mod manifest;
pub mod markdown;
pub mod messages;
pub mod sources;
pub mod text;
pub mod tree;
pub mod words;
