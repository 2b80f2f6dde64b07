//! Who is behind a click: program or person, browser, system, device, referring host, country.
//!
//! Programs are recognised by two public collections of user agents ([woothee](https://woothee.github.io),
//! [isbot](https://github.com/BryanMorgan/isbot)) and a short list of our own for what they lack; countries come from
//! a file in the [MaxMind DB format](https://maxmind.github.io/MaxMind-DB/) that the operator provides. Nothing here
//! goes out to a network.

mod agent;
mod bots;
mod country;
mod describer;
mod device;
mod referrer;
#[cfg(test)]
mod tests;

pub use describer::VisitorDescriber;
