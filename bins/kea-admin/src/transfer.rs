//! `lease-upload` and `lease-copy`: leases from one place to another.

use std::path::Path;

use crate::command_line::{Backend, Existing, Options, Side};
use crate::dump::memfile_name;
use crate::failure::Failure;
use crate::kind::Kind;
use crate::source::Source;
use crate::target::{Counts, Target};
use crate::terminal::Progress;

/// `lease-upload`: from a file with rows of a lease file.
pub(crate) fn upload<K: Kind>(options: &Options) -> Result<u64, Failure> {
    let input = options.input.clone().ok_or_else(|| {
        Failure::Usage(
            "you must specify an input file with -i or --input for lease-upload".to_owned(),
        )
    })?;
    let shown = input.display().to_string();
    let source = Source::<K>::file(input)?;
    if let Source::Files { store, bad } = &source {
        if store.is_empty() && *bad == 0 {
            return Err(Failure::Other("CSV file has no leases".to_owned()));
        }
        println!("INFO/kea-admin: Found {} leases in {shown}.", store.len());
    }
    let bad = match options.backend {
        Backend::Memfile => transfer(&source, To::File(&memfile_name(options)?), options)?,
        _ => transfer(&source, To::Database, options)?,
    };
    println!("INFO/kea-admin: Successfully updated table lease{}.", K::FAMILY);
    Ok(bad)
}

/// `lease-copy`: from one back-end to another one.
pub(crate) fn copy<K: Kind>(options: &Options) -> Result<u64, Failure> {
    let file = |path: &Option<std::path::PathBuf>, option: &str| {
        path.clone().ok_or_else(|| {
            Failure::Usage(format!("you must specify the lease file with {option} for lease-copy"))
        })
    };
    let source = match options.backend {
        Backend::Memfile => Source::<K>::memfile(&file(&options.input, "-i or --input")?)?,
        _ => Source::Database(options.access(Side::From)?),
    };
    let bad = match options.to {
        Some(Backend::Memfile) => {
            let path = file(&options.output, "-o or --output")?;
            if options.backend == Backend::Memfile && options.input.as_deref() == Some(&*path) {
                return Err(Failure::Usage("a file cannot be copied to itself".to_owned()));
            }
            transfer(&source, To::File(&path), options)?
        }
        _ => transfer(&source, To::Database, options)?,
    };
    println!("INFO/kea-admin: Successfully copied lease{}.", K::FAMILY);
    Ok(bad)
}

/// Where to.
enum To<'a> {
    File(&'a Path),
    Database,
}

fn transfer<K: Kind>(source: &Source<K>, to: To<'_>, options: &Options) -> Result<u64, Failure> {
    if options.dry_run {
        return show(source, &to, options);
    }
    let mut target = match to {
        To::File(path) => Target::file(path)?,
        To::Database => Target::database(&options.access(Side::Main)?)?,
    };
    if options.existing == Existing::Refuse {
        look_for_conflicts(source, &mut target)?;
    }
    let mut total = Counts::default();
    let mut progress = Progress::new("written");
    let bad = source.each(&mut |leases| {
        let count = leases.len() as u64;
        total.add(target.write(leases, options.existing)?);
        progress.add(count);
        Ok(())
    })?;
    target.finish()?;
    let read = progress.count();
    drop(progress);
    let Counts { inserted, replaced, unchanged, kept, bad: refused } = total;
    println!(
        "INFO/kea-admin: {read} leases read: {inserted} inserted, {replaced} replaced, {unchanged} unchanged, \
         {kept} kept as they were, {refused} not accepted; {bad} unreadable rows."
    );
    Ok(bad + refused)
}

/// Goes through all leases before the first one is written.
fn look_for_conflicts<K: Kind>(source: &Source<K>, target: &mut Target<K>) -> Result<(), Failure> {
    let (mut count, mut first) = (0, None);
    source.each(&mut |leases| {
        let conflicts = target.conflicts(&leases)?;
        count += conflicts.len() as u64;
        if first.is_none() {
            first = conflicts.first().map(ToString::to_string);
        }
        Ok(())
    })?;
    match first {
        Some(first) => Err(Failure::Existing { count, first }),
        None => Ok(()),
    }
}

/// What would be written.
fn show<K: Kind>(source: &Source<K>, to: &To<'_>, options: &Options) -> Result<u64, Failure> {
    let backend = options.to.unwrap_or(options.backend);
    source.each(&mut |leases| {
        for lease in &leases {
            match (to, backend.sql_kind()) {
                (To::Database, Some(kind)) => println!("{}", K::insertion(lease, kind)),
                _ => {
                    let mut row = Vec::new();
                    K::push_file_row(&mut row, lease);
                    print!("{}", String::from_utf8_lossy(&row));
                }
            }
        }
        Ok(())
    })
}
