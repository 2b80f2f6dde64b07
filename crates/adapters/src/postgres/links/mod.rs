use super::database::Postgres;

/// Stub.
#[derive(Clone, Debug)]
pub struct PostgresLinkStore {
    #[allow(dead_code)]
    db: Postgres,
}

impl PostgresLinkStore {
    /// Stub.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }
}
