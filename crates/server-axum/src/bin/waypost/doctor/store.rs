//! The store.

use std::path::Path;

use waypost_adapters::sqlite::{self, Sqlite, SqliteProbe};
use waypost_core::Error;
use waypost_core::health::Probe as _;

use super::Finding;
use crate::failure::in_full;
use crate::settings::Settings;

/// Looks at the store; makes none, and changes none.
pub(super) async fn look(settings: &Settings) -> Vec<Finding> {
    let Some(path) = settings.database_file() else {
        return vec![Finding::ok("store", "in memory")];
    };
    let shown = path.display().to_string();
    if !path.exists() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        return vec![match folder {
            Some(folder) if !folder.exists() && settings.is_given("database_url") => {
                Finding::fail("store", format!("{shown} lies in a directory that is not there; make it"))
            }
            _ => Finding::warn("store", format!("{shown} is not there yet; `waypost serve` makes it")),
        }];
    }
    match tables(&path).await {
        Err(error) => {
            vec![Finding::fail("store", format!("{shown}: {}; check the file and its permissions", in_full(&error)))]
        }
        Ok(0) => vec![reach(&path).await],
        Ok(missing) => {
            vec![Finding::warn(
                "store",
                format!("{shown} lacks {missing} migrations; `waypost serve` or `waypost migrate` runs them"),
            )]
        }
    }
}

/// How many migrations are missing.
async fn tables(path: &Path) -> Result<usize, Error> {
    let migrations = sqlite::migrations(path).await?;
    Ok(migrations.iter().filter(|migration| !migration.applied).count())
}

async fn reach(path: &Path) -> Finding {
    let looked = async {
        let db = Sqlite::open(path).await?;
        let checked = SqliteProbe::new(&db).check().await;
        db.close().await?;
        checked
    };
    match looked.await {
        Ok(()) => Finding::ok("store", format!("{} answers, and its tables are up to date", path.display())),
        Err(error) => Finding::fail("store", format!("{}: {}", path.display(), in_full(&error))),
    }
}
