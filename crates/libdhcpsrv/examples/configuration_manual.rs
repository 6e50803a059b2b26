//! Prints the reference of the configuration; its place is `doc/configuration.md`.

fn main() {
    print!("{}", libdhcpsrv::config4::keywords::manual());
}
