//! The store of a worker over answers that the test makes up.
