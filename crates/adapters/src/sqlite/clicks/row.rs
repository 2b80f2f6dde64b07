//! A click as a row.

use sqlx::sqlite::SqliteRow;
use waypost_core::clicks::{Class, Click, ClickId, Country, Counts, Visitor};
use waypost_core::ids::{LinkId, WorkspaceId};

use crate::sqlite::columns::{Columns as _, Query, micros, number};
use crate::sqlite::error::Fault;

/// What [`bind`] binds and [`read`] reads, in this order.
macro_rules! click_columns {
    () => {
        "workspace, id, link, at, class, is_bot, country, referrer, browser, os, device"
    };
}
pub(super) use click_columns;

/// How many they are.
pub(super) const VALUES: usize = 11;

/// Binds a click.
pub(super) fn bind<'q>(query: Query<'q>, click: &Click) -> Query<'q> {
    let visitor = &click.visitor;
    query
        .bind(&click.workspace.to_bytes()[..])
        .bind(&click.id.to_bytes()[..])
        .bind(&click.link.to_bytes()[..])
        .bind(micros(click.at))
        .bind(class_number(click.class))
        .bind(visitor.is_bot)
        .bind(visitor.country.as_ref().map(Country::as_str))
        .bind(visitor.referrer.as_deref())
        .bind(visitor.browser.as_deref())
        .bind(visitor.os.as_deref())
        .bind(visitor.device.as_deref())
}

/// Reads a click.
pub(super) fn read(row: &SqliteRow) -> Result<Click, Fault> {
    let text = |place| Ok::<_, Fault>(row.at::<Option<&str>>(place)?.map(Box::from));
    Ok(Click {
        workspace: WorkspaceId::from_bytes(row.bytes(0)?),
        id: ClickId::from_bytes(row.bytes(1)?),
        link: LinkId::from_bytes(row.bytes(2)?),
        at: row.time(3)?,
        class: class(row.at(4)?)?,
        visitor: Visitor {
            is_bot: row.at(5)?,
            country: row.at::<Option<&str>>(6)?.and_then(Country::new),
            referrer: text(7)?,
            browser: text(8)?,
            os: text(9)?,
            device: text(10)?,
        },
    })
}

/// Binds the three counts of a roll-up.
pub(super) fn bind_counts<'q>(query: Query<'q>, counts: Counts) -> Query<'q> {
    query.bind(number(counts.human)).bind(number(counts.bot)).bind(number(counts.duplicate))
}

/// Reads the three counts of a roll-up, which begin at `from`.
pub(super) fn read_counts(row: &SqliteRow, from: usize) -> Result<Counts, Fault> {
    Ok(Counts { human: row.count(from)?, bot: row.count(from + 1)?, duplicate: row.count(from + 2)? })
}

fn class_number(class: Class) -> i32 {
    match class {
        Class::Human => 0,
        Class::Bot => 1,
        Class::Duplicate => 2,
    }
}

fn class(number: i32) -> Result<Class, Fault> {
    match number {
        0 => Ok(Class::Human),
        1 => Ok(Class::Bot),
        2 => Ok(Class::Duplicate),
        _ => Err(Fault::Column("class")),
    }
}
