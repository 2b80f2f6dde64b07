use super::database::Postgres;

/// Stub.
#[derive(Clone, Debug)]
pub struct PostgresRateLimiter {
    #[allow(dead_code)]
    db: Postgres,
}

impl PostgresRateLimiter {
    /// Stub.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }
}
