//! The links that the store is filled with.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::options::Options;

/// A CSV file and the slugs in it.
pub(super) struct Source {
    pub(super) file: PathBuf,
    pub(super) slugs: Vec<String>,
}

impl Source {
    /// The file that was named, or one that is made up in this folder.
    pub(super) fn of(options: &Options, folder: &Path) -> io::Result<Self> {
        let file = match &options.csv {
            Some(file) => fs::canonicalize(file)?,
            None => made_up(options.links, folder)?,
        };
        let text = fs::read_to_string(&file)?;
        // The first column without quotes is enough for slugs; a file that needs more is refused by what follows.
        let slugs: Vec<String> =
            text.lines().skip(1).filter_map(|line| Some(line.split_once(',')?.0.to_owned())).collect();
        if slugs.is_empty() {
            return Err(io::Error::other(format!("{} holds no links", file.display())));
        }
        Ok(Self { file, slugs })
    }
}

/// Links whose slugs come in no order, on as many hosts as there are for a handful each.
fn made_up(links: usize, folder: &Path) -> io::Result<PathBuf> {
    let mut text = String::from("slug,destination\n");
    for number in 0..links as u64 {
        // A bijection of 64-bit numbers, so that no slug comes twice.
        let slug = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17);
        let host = number % (links as u64 / 6 + 1);
        writeln!(text, "lib{slug:016x},https://project-{host}.example.org/home/{number}").map_err(io::Error::other)?;
    }
    let file = folder.join("links.csv");
    fs::write(&file, text)?;
    Ok(file)
}
