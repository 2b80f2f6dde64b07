//! OAuth (contract §9; RFC 6749, 7009, 7523, 7636, 7662, 8414, 8725, 9068, 9700): what clients get, and what nobody gets.

mod assertions;
mod attacks;
mod clients;
mod codes;
mod consent;
mod documents;
mod endpoint;
mod forge;
mod keys;
mod library;
mod parties;
mod refreshing;
mod revocation;
mod vouching;
