//! A click as a row.

use sqlx::postgres::PgRow;
use uuid::Uuid;
use waypost_core::clicks::{Class, Click, ClickId, Country, Counts, Visitor};
use waypost_core::ids::{LinkId, WorkspaceId};

use crate::postgres::columns::{Columns as _, Moment, Query, number};
use crate::postgres::error::Fault;

/// What [`bind`] binds and [`read`] reads, in this order.
macro_rules! click_columns {
    () => {
        "workspace, id, link, at, class, is_bot, country, referrer, browser, os, device"
    };
}
pub(super) use click_columns;

/// Binds clicks by the column, for `UNNEST`.
pub(super) fn bind<'q>(query: Query<'q>, clicks: &'q [Click]) -> Query<'q> {
    fn column<'q, T>(clicks: &'q [Click], value: impl Fn(&'q Click) -> T) -> Vec<T> {
        clicks.iter().map(value).collect()
    }
    query
        .bind(column(clicks, |click| Uuid::from_bytes(click.workspace.to_bytes())))
        .bind(column(clicks, |click| Uuid::from_bytes(click.id.to_bytes())))
        .bind(column(clicks, |click| Uuid::from_bytes(click.link.to_bytes())))
        .bind(column(clicks, |click| Moment(click.at)))
        .bind(column(clicks, |click| class_number(click.class)))
        .bind(column(clicks, |click| click.visitor.is_bot))
        .bind(column(clicks, |click| click.visitor.country.as_ref().map(Country::as_str)))
        .bind(column(clicks, |click| click.visitor.referrer.as_deref()))
        .bind(column(clicks, |click| click.visitor.browser.as_deref()))
        .bind(column(clicks, |click| click.visitor.os.as_deref()))
        .bind(column(clicks, |click| click.visitor.device.as_deref()))
}

/// Reads a click.
pub(super) fn read(row: &PgRow) -> Result<Click, Fault> {
    let text = |place| Ok::<_, Fault>(row.at::<Option<&str>>(place)?.map(Box::from));
    Ok(Click {
        workspace: WorkspaceId::from_bytes(row.id(0)?),
        id: ClickId::from_bytes(row.id(1)?),
        link: LinkId::from_bytes(row.id(2)?),
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

/// Binds the three counts of roll-ups by the column, for `UNNEST`.
pub(super) fn bind_counts<'q, 'c>(query: Query<'q>, counts: impl Iterator<Item = &'c Counts> + Clone) -> Query<'q> {
    let column = |value: fn(&Counts) -> u64| counts.clone().map(|counts| number(value(counts))).collect::<Vec<_>>();
    query.bind(column(|counts| counts.human)).bind(column(|counts| counts.bot)).bind(column(|counts| counts.duplicate))
}

/// Reads the three counts of a roll-up, which begin at `from`.
pub(super) fn read_counts(row: &PgRow, from: usize) -> Result<Counts, Fault> {
    Ok(Counts { human: row.count(from)?, bot: row.count(from + 1)?, duplicate: row.count(from + 2)? })
}

fn class_number(class: Class) -> i16 {
    match class {
        Class::Human => 0,
        Class::Bot => 1,
        Class::Duplicate => 2,
    }
}

fn class(number: i16) -> Result<Class, Fault> {
    match number {
        0 => Ok(Class::Human),
        1 => Ok(Class::Bot),
        2 => Ok(Class::Duplicate),
        _ => Err(Fault::Column("class")),
    }
}
