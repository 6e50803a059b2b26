//! `lease-dump`: leases as lines of text that a lease file can be made of.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use process::lease_file::suffixed;

use crate::command_line::{Backend, Options, Side};
use crate::failure::Failure;
use crate::kind::Kind;
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
    let there = match output.metadata() {
        Ok(there) => Some(there),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(io(error)),
    };
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        // A pipe or a device is written to, not replaced; it may be where answers go.
        let file = OpenOptions::new().write(true).open(output).map_err(&io)?;
        let bad = write::<K>(options, &file, output)?;
        eprintln!("{done}");
        return Ok(bad);
    }
    if there.is_some() {
        ask_before_overwriting(output, options)?;
    }
    let (temporary, file) = Temporary::create(output, there.as_ref())?;
    let bad = write::<K>(options, &file, &temporary.path)?;
    file.sync_all().map_err(&io)?;
    temporary.replace()?;
    println!("{done}");
    Ok(bad)
}

/// A file that is to replace another one; half a dump is of no use to anybody and is deleted.
struct Temporary {
    path: PathBuf,
    /// What it replaces: what a link leads to, not the link.
    target: PathBuf,
    is_done: bool,
}

impl Temporary {
    /// Makes it beside `output`, for the same people as the file that is there.
    fn create(output: &Path, there: Option<&Metadata>) -> Result<(Self, File), Failure> {
        let target = match there {
            Some(_) => output.canonicalize().map_err(Failure::file(output))?,
            None => output.to_owned(),
        };
        let path = suffixed(&target, &format!(".{}.tmp", std::process::id()));
        let io = Failure::file(&path);
        let mode = if there.is_some() { 0o600 } else { 0o666 };
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        let file = file.map_err(&io)?;
        let temporary = Self { path: path.clone(), target, is_done: false };
        if let Some(there) = there {
            // Only the superuser can give files away; the dump is worth more than its owner.
            let _ = fchown(&file, Some(there.uid()), Some(there.gid()));
            file.set_permissions(there.permissions()).map_err(&io)?;
        }
        Ok((temporary, file))
    }

    fn replace(mut self) -> Result<(), Failure> {
        fs::rename(&self.path, &self.target).map_err(Failure::file(&self.target))?;
        self.is_done = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = fs::remove_file(&self.path);
        }
    }
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
