//! The certificate of this server, read from its files, and read again when they change.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};
use waypost_server_axum::tls::Tls;

use crate::settings::{SettingFault, Settings};

/// How often the files are looked at: renewals come days before the end, so half a minute is soon.
const LOOK: Duration = Duration::from_secs(30);

/// A certificate, and the files that it comes from.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) tls: Tls,
    certificate: PathBuf,
    key: PathBuf,
    /// As the files were when they were read.
    seen: Stamp,
}

/// When each file was changed last, and how long it was.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Certificate {
    /// Reads the files that the settings name, if they name any.
    ///
    /// # Errors
    /// [`SettingFault`] of the one that cannot be used.
    pub(super) fn read(settings: &Settings) -> Result<Option<Self>, SettingFault> {
        let (Some(certificate), Some(key)) = (&settings.tls_certificate, &settings.tls_key) else { return Ok(None) };
        let seen = stamp(certificate, key);
        let read = |setting, path: &Path| {
            std::fs::read(path).map_err(|fault| {
                settings.fault(setting, format!("{} cannot be read ({fault}); check its permissions", path.display()))
            })
        };
        let tls = Tls::new(&read("tls_certificate", certificate)?, &read("tls_key", key)?).map_err(|fault| {
            let (setting, path) = if fault.is_of_key() { ("tls_key", key) } else { ("tls_certificate", certificate) };
            settings.fault(setting, format!("{}: {fault}", path.display()))
        })?;
        if is_open(key) {
            tracing::warn!(
                file = %key.display(),
                "others can read the key of the certificate; take it from them with `chmod 600`"
            );
        }
        Ok(Some(Self { tls, certificate: certificate.clone(), key: key.clone(), seen }))
    }

    /// Reads the files again when they change, and on SIGHUP. Connections that are there go on.
    pub(super) async fn follow_changes(mut self) {
        let mut hangups = signal(SignalKind::hangup()).ok();
        loop {
            let is_asked = tokio::time::timeout(LOOK, next(&mut hangups)).await.is_ok();
            self.look(is_asked);
        }
    }

    /// Takes the files if they have changed, or if somebody asked for it.
    fn look(&mut self, is_asked: bool) {
        let now = stamp(&self.certificate, &self.key);
        if now == self.seen && !is_asked {
            return;
        }
        // Told once for each change: a file that stays broken is no news.
        self.seen = now;
        match self.replace() {
            Ok(()) => tracing::info!(file = %self.certificate.display(), "the certificate was read again"),
            Err(error) => tracing::error!(
                file = %self.certificate.display(),
                %error,
                "the new certificate cannot be used; the old one is served on"
            ),
        }
    }

    fn replace(&self) -> io::Result<()> {
        let (certificate, key) = (std::fs::read(&self.certificate)?, std::fs::read(&self.key)?);
        self.tls.replace(&certificate, &key).map_err(io::Error::other)
    }
}

/// The next SIGHUP; never, if there is no handler.
async fn next(hangups: &mut Option<tokio::signal::unix::Signal>) {
    match hangups {
        Some(hangups) => {
            hangups.recv().await;
        }
        None => std::future::pending().await,
    }
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    [certificate, key].map(|path| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.modified().ok()?, about.len()))
    })
}

/// Whether somebody beside owner and group can read it.
fn is_open(key: &Path) -> bool {
    std::fs::metadata(key).is_ok_and(|about| about.permissions().mode() & 0o004 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(dir: &Path) -> Settings {
        let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
        std::fs::write(&certificate, issued.cert.pem()).unwrap();
        std::fs::write(&key, issued.signing_key.serialize_pem()).unwrap();
        Settings { tls_certificate: Some(certificate), tls_key: Some(key), ..Settings::default() }
    }

    #[test]
    fn a_fault_names_the_setting_the_file_and_the_cure() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert!(Certificate::read(&Settings::default()).unwrap().is_none());
        let good = issue(dir.path());
        assert!(Certificate::read(&good).unwrap().is_some());
        let fault = |settings: &Settings| Certificate::read(settings).unwrap_err().to_string();
        let foreign = Settings { tls_key: issue(other.path()).tls_key, ..issue(dir.path()) };
        let told = fault(&foreign);
        assert!(told.starts_with("WAYPOST_TLS_KEY: ") && told.contains("key.pem: the key does not belong"), "{told}");
        let swapped = Settings { tls_certificate: good.tls_key.clone(), tls_key: good.tls_certificate, ..good };
        assert!(fault(&swapped).starts_with("WAYPOST_TLS_CERTIFICATE: "), "{}", fault(&swapped));
        let gone = Settings { tls_certificate: Some(dir.path().join("gone.pem")), ..issue(dir.path()) };
        assert!(fault(&gone).contains("cannot be read"), "{}", fault(&gone));
    }

    #[test]
    fn others_may_not_read_a_key() {
        let dir = tempfile::tempdir().unwrap();
        let key = issue(dir.path()).tls_key.unwrap();
        for (mode, open) in [(0o600, false), (0o640, false), (0o644, true)] {
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_open(&key), open, "{mode:o}");
        }
    }

    #[test]
    fn changed_files_are_taken_and_broken_ones_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut certificate = Certificate::read(&issue(dir.path())).unwrap().unwrap();
        let before = certificate.seen;
        certificate.look(false);
        assert_eq!(certificate.seen, before, "nothing has changed");
        std::fs::write(dir.path().join("cert.pem"), "half a fi").unwrap();
        certificate.look(false);
        assert!(certificate.replace().is_err() && certificate.seen != before, "noted, and not used");
        issue(dir.path());
        certificate.look(false);
        assert!(certificate.replace().is_ok());
    }
}
