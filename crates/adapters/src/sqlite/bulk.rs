//! Statements over many rows.
//!
//! Each statement is a trip to the connection's thread and back, which costs as much as ten rows. So rows travel in
//! statements of a few fixed sizes: each size is prepared once and used again.

use sqlx::SqlSafeStr as _;
use sqlx::sqlite::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, SqlStr};

use super::columns::Query;
use super::error::Fault;

/// Rows a statement, largest first. At up to 17 values a row, the largest stays far below the limit of 32,766.
const SIZES: [usize; 3] = [128, 16, 1];

/// A statement of the form `head VALUES (?,…),(?,…)… tail`.
#[derive(Debug)]
pub(super) struct Bulk {
    sizes: [SqlStr; SIZES.len()],
}

impl Bulk {
    /// Writes the statement down, for rows of so many values.
    pub(super) fn new(head: &str, values: usize, tail: &str) -> Self {
        let row = format!("({})", vec!["?"; values].join(","));
        let sql =
            |rows: usize| AssertSqlSafe(format!("{head} VALUES {} {tail}", vec![&*row; rows].join(","))).into_sql_str();
        // Cloned once here, so that each clone from now on shares one text.
        Self { sizes: SIZES.map(|rows| sql(rows).clone()) }
    }

    /// Runs it over `rows`; says how many rows it changed.
    pub(super) async fn execute<T>(
        &self,
        conn: &mut SqliteConnection,
        rows: &[T],
        bind: impl for<'q> Fn(Query<'q>, &T) -> Query<'q>,
    ) -> Result<u64, Fault> {
        let mut changed = 0;
        for (sql, rows) in self.parts(rows) {
            let query = rows.iter().fold(sqlx::query(sql), &bind);
            changed += query.execute(&mut *conn).await?.rows_affected();
        }
        Ok(changed)
    }

    /// Runs it over `rows`; gives what it returns.
    pub(super) async fn fetch<T>(
        &self,
        conn: &mut SqliteConnection,
        rows: &[T],
        bind: impl for<'q> Fn(Query<'q>, &T) -> Query<'q>,
    ) -> Result<Vec<SqliteRow>, Fault> {
        let mut returned = Vec::new();
        for (sql, rows) in self.parts(rows) {
            let query = rows.iter().fold(sqlx::query(sql), &bind);
            returned.append(&mut query.fetch_all(&mut *conn).await?);
        }
        Ok(returned)
    }

    fn parts<'a, T>(&'a self, mut rows: &'a [T]) -> impl Iterator<Item = (SqlStr, &'a [T])> {
        std::iter::from_fn(move || {
            let at = SIZES.iter().position(|size| *size <= rows.len())?;
            let (part, rest) = rows.split_at(SIZES[at]);
            rows = rest;
            Some((self.sizes[at].clone(), part))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_travel_in_statements_of_fixed_sizes() {
        let bulk = Bulk::new("INSERT INTO t", 2, "");
        let rows: Vec<_> = (0..300).collect();
        let sizes: Vec<_> = bulk.parts(&rows).map(|(_, part)| part.len()).collect();
        assert_eq!(sizes[..4], [128, 128, 16, 16]);
        assert_eq!(sizes.iter().sum::<usize>(), 300);
        assert_eq!(bulk.sizes[2].as_str(), "INSERT INTO t VALUES (?,?) ");
    }
}
