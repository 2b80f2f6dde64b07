use super::database::Postgres;

/// Stub.
#[derive(Clone, Debug)]
pub struct PostgresOutbox {
    #[allow(dead_code)]
    db: Postgres,
}

impl PostgresOutbox {
    /// Stub.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }
}
