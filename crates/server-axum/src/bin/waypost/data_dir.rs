//! The data directory, and the lock that keeps a second server out of it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use crate::settings::{SettingFault, Settings};

/// Held by whoever serves from the directory, or changes its tables.
const LOCK: &str = "serve.lock";

/// The directory for this process alone, until this is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Hold {
    _file: File,
}

/// Makes the data directory if it is not there, for its owner's eyes only.
///
/// # Errors
/// [`SettingFault`] of `data_dir`.
pub(crate) fn make(settings: &Settings) -> Result<(), SettingFault> {
    let path = &settings.data_dir;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|fault| {
        let path = path.display();
        settings.fault("data_dir", format!("{path} cannot be made ({fault}); name a directory that can be written"))
    })
}

/// Takes the directory for this process.
///
/// # Errors
/// [`SettingFault`] of `data_dir`, when another process holds it or it cannot be written.
pub(crate) fn hold(settings: &Settings) -> Result<Hold, SettingFault> {
    make(settings)?;
    let path = settings.data_dir.join(LOCK);
    let unusable = |fault: &dyn std::fmt::Display| {
        let path = path.display();
        settings
            .fault("data_dir", format!("{path} cannot be written ({fault}); make the directory writable for this user"))
    };
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(|fault| unusable(&fault))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let known = file.read_to_string(&mut owner).is_ok_and(|length| length > 0);
            let owner = if known { format!(" (process {})", owner.trim()) } else { String::new() };
            let dir = settings.data_dir.display();
            let fault = format!("another waypost{owner} serves from {dir}; stop it, or name another directory");
            return Err(settings.fault("data_dir", fault));
        }
        Err(TryLockError::Error(fault)) => return Err(unusable(&fault)),
    }
    // The number only helps people; the lock is what counts.
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(Hold { _file: file })
}

/// Whether a process serves from this directory now.
pub(crate) fn is_held(dir: &Path) -> bool {
    let Ok(file) = File::open(dir.join(LOCK)) else {
        return false;
    };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn settings(dir: &Path) -> Settings {
        Settings { data_dir: dir.to_owned(), ..Settings::default() }
    }

    #[test]
    fn a_directory_has_one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder.path().join("a/b"));
        let hold = super::hold(&settings).unwrap();
        let text = super::hold(&settings).unwrap_err().to_string();
        assert!(text.starts_with("WAYPOST_DATA_DIR: another waypost (process "), "{text}");
        assert!(is_held(&settings.data_dir));
        drop(hold);
        assert!(!is_held(&settings.data_dir));
        super::hold(&settings).unwrap();
    }

    #[test]
    fn the_directory_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder.path().join("data"));
        make(&settings).unwrap();
        assert_eq!(settings.data_dir.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}
