use super::database::Postgres;

/// Stub.
#[derive(Clone, Debug)]
pub struct PostgresInvalidations {
    #[allow(dead_code)]
    db: Postgres,
}

impl PostgresInvalidations {
    /// Stub.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }
}
