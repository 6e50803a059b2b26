//! The threads over a database in memory.
