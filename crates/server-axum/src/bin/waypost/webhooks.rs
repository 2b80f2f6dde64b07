//! `waypost webhooks`: the webhook endpoints of a workspace, on the store itself.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use waypost_core::Kind;
use waypost_core::webhooks::Endpoint;

use crate::failure::Failure;
use crate::settings::{Settings, StoreFlags};
use crate::store::Store;

/// List webhook endpoints, and seal their secrets anew.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  waypost webhooks list
  waypost webhooks reseal
  waypost webhooks reseal --workspace partners

To change the key that secrets are sealed with: start every node with the new key in seal_key_before; then every node with it
in seal_key, and the one before in seal_key_before; seal the secrets of every workspace anew; then take the key before away.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the endpoints, oldest first
    List(Place),
    /// Seal the secrets with the present key that were sealed with one before it
    Reseal(Place),
}

#[derive(Debug, Args)]
struct Place {
    /// The workspace
    #[arg(long, default_value = crate::store::WORKSPACE)]
    workspace: String,
    #[command(flatten)]
    flags: StoreFlags,
}

/// Does what was asked for.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let (Action::List(place) | Action::Reseal(place)) = &arguments.action;
    let settings = Settings::load(&place.flags.0)?;
    crate::logging::start(&settings, "warn");
    let store = Store::open_existing(&settings).await?;
    let done = act(&arguments.action, place, &store).await;
    store.close().await?;
    done
}

async fn act(action: &Action, place: &Place, store: &Store) -> Result<ExitCode, Failure> {
    let platform = &store.platform;
    // A mistyped name is no empty workspace.
    let workspace =
        platform.credentials.existing_workspace(&place.workspace).await.map_err(|error| match error.kind() {
            Kind::NotFound => {
                Failure::usage(format!("there is no workspace `{}`; give another by --workspace", place.workspace))
            }
            _ => error.into(),
        })?;
    let operator = store.operator(workspace.id);
    match action {
        Action::List(_) => {
            for endpoint in platform.webhooks.list(&operator).await? {
                println!("{}", line(&endpoint));
            }
        }
        Action::Reseal(_) => {
            let resealed = platform.webhooks.reseal(&operator).await?;
            println!("sealed anew: {}", resealed.sealed);
            if resealed.left > 0 {
                println!("left under a key that is not there: {}; give it by seal_key_before", resealed.left);
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// An endpoint in one line, its address without the query, which may hold what is no business of a terminal.
fn line(endpoint: &Endpoint) -> String {
    let events: Vec<_> = endpoint.events.iter().map(|pattern| pattern.as_str()).collect();
    let url = endpoint.target.as_str().split('?').next().unwrap_or_default();
    let verified = if endpoint.verified_at.is_some() { "verified" } else { "not verified" };
    let description = endpoint.description.as_ref().map_or(String::new(), |text| format!("  {text:?}"));
    let (id, state, secrets) = (endpoint.id, endpoint.state.as_str(), endpoint.secrets.len());
    format!("{id}  {state}  {verified}  {secrets} secrets  {url}  {}{description}", events.join(","))
}
