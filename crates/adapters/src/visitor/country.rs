//! Countries by address, from a MaxMind DB.

use std::fmt::{self, Debug};
use std::net::IpAddr;
use std::path::Path;

use maxminddb::{MaxMindDbError, PathElement, Reader, WithinOptions};
use waypost_core::clicks::Country;
use waypost_core::{Error, Kind, Result};

/// Where databases of countries and of cities keep the country of an address. The country in which its owner is
/// registered, which they hold too, is another matter.
const ISO_CODE: [PathElement<'static>; 2] = [PathElement::Key("country"), PathElement::Key("iso_code")];
/// How many networks are looked at to see that a file holds countries at all.
const SAMPLE: usize = 10_000;

/// A file that tells the country of an address.
pub(super) struct Countries(Reader<Vec<u8>>);

impl Countries {
    /// Reads the file as a whole.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let reader = Reader::open_readfile(path).map_err(|error| {
            let fault = match &error {
                MaxMindDbError::Io(_) => "cannot be read",
                _ => "is no MaxMind DB",
            };
            unusable(path, fault).with_source(error)
        })?;
        let countries = Self(reader);
        match countries.has_any() {
            Ok(true) => Ok(countries),
            Ok(false) => Err(unusable(path, "holds no countries")),
            Err(error) => Err(unusable(path, "is damaged").with_source(error)),
        }
    }

    /// The country of an address. An IPv4 address in IPv6 form is looked up as what it is.
    pub(super) fn of(&self, address: IpAddr) -> Option<Country> {
        let found = self.0.lookup(address.to_canonical()).ok()?;
        Country::new(found.decode_path::<&str>(&ISO_CODE).ok()??)
    }

    fn has_any(&self) -> std::result::Result<bool, MaxMindDbError> {
        for network in self.0.networks(WithinOptions::default())?.take(SAMPLE) {
            if matches!(network?.decode_path::<&str>(&ISO_CODE), Ok(Some(_))) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Debug for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Countries").field(&self.0.metadata().database_type).finish()
    }
}

fn unusable(path: &Path, fault: &str) -> Error {
    let path = path.display();
    let message = format!(
        "The GeoIP file {path} {fault}; give a database of countries or cities in the MaxMind DB format, such as \
         GeoLite2-Country.mmdb, or none"
    );
    Error::new(Kind::Invalid, message)
}
