//! One message to thousands of streams.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bare;
use crate::crowd::{Crowd, manner};
use crate::nchan::Nchan;
use crate::node::Node;
use crate::options::Options;
use crate::support::http::Api;
use crate::support::live::{Addresses, Transport};
use crate::target::Target;
use crate::{Findings, Outcome};

/// What Nchan was seen to take at most on a machine like this, in milliseconds: the target where it is not there.
const SEEN: f64 = 180.0;

/// Rounds to warm up.
const WARM_UP: usize = 2;

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn measure(options: &Options) -> Outcome<Findings> {
    let node = Node::start()?;
    let ours = rounds(options, "waypost", &node.addresses(), || node.publish())?;
    drop(node);

    let broadcaster = bare::spawn()?;
    let api = Api::new(broadcaster.address(), None);
    let bare = rounds(options, "bare", &Addresses::new([broadcaster.address()]), || post(&api, 200))?;
    drop(broadcaster);

    let mut targets = vec![Target::at_most(
        format!("one message to {} streams, median of a bare broadcaster's, as a ratio", options.connections),
        ours.median() / bare.median(),
        1.0,
    )];
    let theirs = match Nchan::start(&options.nchan, options.nchan_workers) {
        Ok(nchan) => {
            let api = Api::new(nchan.address(), None);
            Some(rounds(options, "nchan", &Addresses::new([nchan.address()]), || post(&api, 202))?)
        }
        Err(error) => {
            println!("       nchan: {error}");
            None
        }
    };
    let name = format!("one message to {} streams, until the last has it, ms", options.connections);
    match &theirs {
        Some(theirs) => {
            targets.push(Target::at_most(name, ours.median(), theirs.median()));
            let name = "the slowest round, beside the slowest of Nchan's, as a ratio";
            targets.push(Target::at_most(name, ours.most() / theirs.most(), 1.0));
        }
        None => targets.push(Target::at_most(name, ours.median(), SEEN)),
    }
    let figures = json!({ "waypost": ours.json(), "bare": bare.json(), "nchan": theirs.map(|theirs| theirs.json()) });
    Ok(Findings { figures, targets })
}

/// How long rounds took, in milliseconds and in order.
struct Rounds(Vec<f64>);

impl Rounds {
    fn least(&self) -> f64 {
        self.0[0]
    }

    fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    fn most(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    fn json(&self) -> Value {
        json!({ "min_ms": self.least(), "median_ms": self.median(), "max_ms": self.most() })
    }
}

fn rounds(
    options: &Options,
    name: &str,
    addresses: &Addresses,
    publish: impl Fn() -> Outcome<Instant>,
) -> Outcome<Rounds> {
    let crowd = Crowd::gather(options.connections, &manner(Transport::Sse), addresses)?;
    let mut times = Vec::new();
    for round in 0..WARM_UP + options.rounds {
        crowd.tally.expect(options.connections as u64);
        let begun = publish()?;
        let took = crowd.tally.wait(PATIENCE)?.saturating_duration_since(begun);
        if round >= WARM_UP {
            times.push(took.as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    let rounds = Rounds(times);
    let (least, median, most) = (rounds.least(), rounds.median(), rounds.most());
    println!("       {name}: least {least:.0} ms, median {median:.0} ms, most {most:.0} ms");
    Ok(rounds)
}

/// Sends a message as large as the event of a link.
fn post(api: &Api, status: u16) -> Outcome<Instant> {
    let body = json!({ "id": "evt_01KAK0000000000000000000000", "filling": "x".repeat(bare::SIZE) });
    let begun = Instant::now();
    // Nchan passes the type on.
    let answer = api.send("POST", "/v1/links", &[("X-EventSource-Event", "link.created")], Some(&body))?;
    if answer.status != status && answer.status != 201 {
        return Err(format!("published, and got {}", answer.status).into());
    }
    Ok(begun)
}
