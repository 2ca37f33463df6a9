//! The certificate of the service, which is read again when a file changes.

use std::cell::RefCell;
use std::path::PathBuf;

use presync_connect::SecretSettings;
use presync_service::http::TlsCertificate;

use super::{ServeSettings, plain_text, secret};

/// Where the certificate and its key are.
pub struct TlsFiles {
    certificate: PathBuf,
    key: SecretSettings,
    /// The paths of secrets are relative to it.
    folder: PathBuf,
}

/// A certificate and its key, in PEM.
type TlsTexts = (Vec<u8>, Vec<u8>);

impl TlsFiles {
    pub fn of(settings: &ServeSettings) -> Option<Self> {
        let (config, folder) = settings.live.as_ref()?;
        let tls = config.http.tls.as_ref()?;
        Some(Self {
            certificate: folder.join(&tls.cert),
            key: tls.key.clone(),
            folder: folder.clone(),
        })
    }

    pub fn paths(&self) -> Vec<PathBuf> {
        let mut paths = vec![self.certificate.clone()];
        if let SecretSettings::File(key) = &self.key {
            paths.push(self.folder.join(key));
        }
        paths
    }

    fn read(&self) -> Result<TlsTexts, String> {
        let certificate = plain_text(&self.certificate)?;
        let key = secret(&self.key, &self.folder).map_err(|error| error.to_string())?;
        Ok((certificate.into_bytes(), key.reveal().as_bytes().to_vec()))
    }

    fn wrong(&self, error: &std::io::Error) -> String {
        let certificate = self.certificate.display();
        format!("`[http.tls]`: `{certificate}` cannot be used with its key: {error}")
    }
}

/// The certificate in use, and the texts it was made of.
pub struct ServedCertificate {
    pub files: TlsFiles,
    pub certificate: TlsCertificate,
    used: RefCell<TlsTexts>,
}

impl ServedCertificate {
    /// # Errors
    /// The files cannot be read or used; the error is for people.
    pub async fn new(files: TlsFiles) -> Result<Self, String> {
        let used = files.read()?;
        let made = TlsCertificate::new(used.0.clone(), used.1.clone()).await;
        Ok(Self {
            certificate: made.map_err(|error| files.wrong(&error))?,
            files,
            used: RefCell::new(used),
        })
    }

    /// Uses the files if they are others than before. The old certificate stays if the new one is wrong.
    pub async fn replace(&self) {
        let replaced = async {
            let new = self.files.read()?;
            if *self.used.borrow() == new {
                return Ok(());
            }
            let replaced = self.certificate.replace(new.0.clone(), new.1.clone()).await;
            replaced.map_err(|error| self.files.wrong(&error))?;
            self.used.replace(new);
            tracing::info!("a new certificate is used");
            Ok::<_, String>(())
        };
        if let Err(why) = replaced.await {
            tracing::error!(why, "the new certificate is not used: the old one stays");
        }
    }
}
