use super::database::Postgres;

/// Stub.
#[derive(Clone, Debug)]
pub struct PostgresEventBus {
    #[allow(dead_code)]
    db: Postgres,
}

impl PostgresEventBus {
    /// Stub.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }
}
