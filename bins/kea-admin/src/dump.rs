//! `lease-dump`: leases as lines of text that a lease file can be made of.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::command_line::{Backend, Options, Side};
use crate::failure::Failure;
use crate::kind::Kind;
use crate::output::{self, Output, Temporary};
use crate::source::{self, Source};
use crate::terminal::{self, Progress};

/// Dumps leases; returns how many rows could not be used.
pub(crate) fn run<K: Kind>(options: &Options) -> Result<u64, Failure> {
    let output = options.output.as_deref().ok_or_else(|| {
        Failure::Usage("you must specify an output file for lease-dump".to_owned())
    })?;
    let family = K::FAMILY;
    if options.dry_run {
        match options.backend {
            Backend::Memfile => {}
            Backend::Mysql => {
                println!("CALL lease{family}DumpHeader();\nCALL lease{family}DumpData();")
            }
            Backend::Pgsql => println!(
                "SELECT * FROM lease{family}DumpHeader();\nSELECT * FROM lease{family}DumpData();"
            ),
        }
        return Ok(0);
    }
    let shown = output.display();
    let done = match options.backend {
        Backend::Pgsql => format!("lease{family} successfully dumped to {shown}"),
        _ => format!("INFO/kea-admin: Successfully dumped lease{family} to {shown}."),
    };
    let io = Failure::file(output);
    let voice = options.voice();
    let file = match Output::find(output).map_err(&io)? {
        Output::File { target, there } => {
            if there.is_some() {
                ask_before_overwriting(output, options)?;
            }
            let (temporary, file) = Temporary::create(target, there.as_ref())?;
            let bad = write::<K>(options, &file, &temporary.path)?;
            file.sync_all().map_err(&io)?;
            temporary.replace()?;
            voice.say(&done);
            return Ok(bad);
        }
        // A pipe or a device is written to, not replaced, and so is what somebody has opened for us.
        Output::Device => OpenOptions::new().write(true).open(output),
        Output::Open(number) => output::open_again(number),
    };
    let bad = write::<K>(options, &file.map_err(&io)?, output)?;
    voice.say(&done);
    Ok(bad)
}

fn write<K: Kind>(options: &Options, file: &File, path: &Path) -> Result<u64, Failure> {
    let io = Failure::file(path);
    let mut file = BufWriter::new(file);
    let mut progress = Progress::new("dumped");
    let bad = if options.backend == Backend::Memfile {
        let Source::Files { store, bad } = Source::<K>::memfile(&memfile_name(options)?)? else {
            return Ok(0);
        };
        file.write_all(K::HEADER.as_bytes()).map_err(&io)?;
        store.export(|rows| file.write_all(rows)).map_err(&io)?;
        bad
    } else {
        let access = options.access(Side::Main)?;
        let (mut session, shape) = source::open::<K>(&access)?;
        let header = K::HEADER.trim_end();
        let header = if shape.has_pool_id { header } else { header.trim_end_matches(",pool_id") };
        file.write_all(format!("{header}\n").as_bytes()).map_err(&io)?;
        let mut rows = Vec::new();
        source::read::<K>(&mut session, &access, shape, &mut |leases| {
            rows.clear();
            leases.iter().for_each(|lease| K::push_dump(&mut rows, lease, shape.has_pool_id));
            progress.add(leases.len() as u64);
            file.write_all(&rows).map_err(&io)
        })?
    };
    file.flush().map_err(&io)?;
    Ok(bad)
}

/// The lease file of a memfile database.
pub(crate) fn memfile_name(options: &Options) -> Result<PathBuf, Failure> {
    options.name().map(PathBuf::from).ok_or_else(|| {
        Failure::Usage(format!(
            "you must specify the lease file with -n or --name for {}",
            options.command_name
        ))
    })
}

/// Kea's questions before a file is overwritten.
fn ask_before_overwriting(path: &Path, options: &Options) -> Result<(), Failure> {
    let shown = path.display();
    if options.yes {
        println!("INFO/kea-admin: Removing file {shown}...");
        return Ok(());
    }
    let question = format!(
        "Output file, {shown}, exists and will be overwritten.\nDo you wish to continue? (y/N)"
    );
    if terminal::ask(&question) {
        Ok(())
    } else {
        Err(Failure::Aborted(options.command_name.clone()))
    }
}
