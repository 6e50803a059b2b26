//! Prints the manual page of `perfdhcp`: `cargo run -p perfdhcp --example manual > share/man/man8/perfdhcp.8`.

fn main() {
    print!("{}", perfdhcp::options::manual());
}
