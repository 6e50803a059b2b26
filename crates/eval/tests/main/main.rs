//! Robustness of the expression language: arbitrary texts and arbitrary packets.

mod fuzz;
