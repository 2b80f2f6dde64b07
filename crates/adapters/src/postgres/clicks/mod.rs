use super::database::Postgres;

/// Stub.
#[derive(Clone, Debug)]
pub struct PostgresClickStore {
    #[allow(dead_code)]
    db: Postgres,
}

impl PostgresClickStore {
    /// Stub.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }
}
