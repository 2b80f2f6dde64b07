use super::database::Postgres;

/// Stub.
#[derive(Clone, Debug)]
pub struct PostgresCredentialStore {
    #[allow(dead_code)]
    db: Postgres,
}

impl PostgresCredentialStore {
    /// Stub.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }
}
