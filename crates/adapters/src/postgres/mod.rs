//! Every port in a PostgreSQL database, for any number of nodes.
