//! `perfdhcp`: the program; sockets, clock and signals around the library.

fn main() {}
