//! What Kea refuses we refuse, and what it accepts we accept: files with one mistake each go to
//! both programs, and their verdicts are compared.
//!
//! The rule has exceptions, which are listed with their reasons: we follow today's Kea where
//! Debian's is older, accept what Kea 1.1 accepted, and are stricter where that protects.

mod cases;
mod differences;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::mutants::{self, Mutant};
use e2e::prelude::*;

use differences::Difference;

#[test]
fn kea_dhcp4_and_we_refuse_the_same_files() {
    compare(Family::V4, include_str!("verdicts/base4.json"), cases::of4());
}

#[test]
fn kea_dhcp6_and_we_refuse_the_same_files() {
    compare(Family::V6, include_str!("verdicts/base6.json"), cases::of6());
}

/// Compares the verdicts on all mutants of `base` and on further files.
#[track_caller]
fn compare(family: Family, base: &str, mut files: Vec<Mutant>) {
    let kea = Path::new("/usr/sbin").join(family.program_name());
    assert!(kea.exists(), "scripts/test installs Kea");
    files.extend(mutants::of(base));
    files.push(Mutant { name: "base".into(), text: base.into() });
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let folder = tempfile::tempdir().expect("temporary folder");
                let path = folder.path().join("kea.conf");
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    fs::write(&path, &file.text).expect("written");
                    let verdicts = (complaint(&kea, &path), complaint(&family.program(), &path));
                    let (by, said) = match verdicts {
                        (Some(said), None) => ("Kea", said),
                        (None, Some(said)) => ("we", said),
                        (None, None) | (Some(_), Some(_)) => continue,
                    };
                    found.lock().expect("no test thread panics").push((&*file.name, by, said));
                }
            });
        }
    });
    let mut found = found.into_inner().expect("no test thread panics");
    found.sort_unstable();
    println!("{} files, of which {} are refused by one", files.len(), found.len());
    let (mut news, mut used) = (String::new(), vec![false; differences::ALL.len()]);
    for (name, by, said) in found {
        let is_it = |row: &Difference| {
            row.families.contains(&family) && row.refused_by == by && row.is_about(name)
        };
        match differences::ALL.iter().position(is_it) {
            Some(row) => used[row] = true,
            None => news.push_str(&format!("only {by} refuse {name}: {said}\n")),
        }
    }
    assert!(news.is_empty(), "{news}");
    for (row, used) in differences::ALL.iter().zip(used) {
        assert!(used || !row.families.contains(&family), "this is no longer different: {row:?}");
    }
}

/// What a program says against a file; nothing when it accepts it.
fn complaint(program: &Path, file: &Path) -> Option<String> {
    let mut command = Command::new(program);
    let output = command.arg("-t").arg(file).stdin(Stdio::null()).output().expect("it starts");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let is_it = |line: &&str| {
        let words = ["error: ", "Error encountered", "check failed"];
        words.iter().any(|word| line.contains(word))
    };
    let said = text.lines().find(is_it).or(text.lines().last()).unwrap_or_default();
    (!output.status.success()).then(|| said.into())
}
