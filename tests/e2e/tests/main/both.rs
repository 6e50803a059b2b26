//! Claims that hold for both servers, written once.
//!
//! A claim is a function of the family; the table [`claims`] makes a test of it where it stands.

pub(crate) mod configuration;
pub(crate) mod daemon;
pub(crate) mod interfaces;
pub(crate) mod lfc;

/// Makes a test of each named claim of a module for a family.
macro_rules! claims {
    ($family:ident, $module:ident: $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                crate::main::both::$module::$name(e2e::family::Family::$family);
            }
        )*
    };
}
pub(crate) use claims;
