use super::database::Postgres;

/// Stub.
#[derive(Clone, Debug)]
pub struct PostgresIdempotencyStore {
    #[allow(dead_code)]
    db: Postgres,
}

impl PostgresIdempotencyStore {
    /// Stub.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }
}
