//! `waypost keys`: the API keys of a workspace, on the store itself.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use waypost_core::credentials::{ApiKey, IssuedKey, KeyDraft, Overlap, PlanName, Scopes};
use waypost_core::ids::KeyId;

use crate::failure::Failure;
use crate::settings::{self, Settings, StoreFlags};
use crate::store::Store;

/// Make, list and revoke API keys.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  waypost keys create --name newsletter --scopes links:read,links:write --expires 90d
  waypost keys create --name shop --scopes links:write --plan partner
  waypost keys list
  waypost keys rotate key_01JD3X8M2V7Q5T9B4C6E8G0HJK --overlap 2h
  waypost keys revoke key_01JD3X8M2V7Q5T9B4C6E8G0HJK

A running server knows of a new key at once, and of a revoked one within a second.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key and print it, once
    Create(Create),
    /// List the keys, oldest first
    List(List),
    /// Replace a key by a new one, and print that, once; the old one is good for a while
    Rotate(Rotate),
    /// Revoke a key, for good
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Create {
    /// What the key is called
    #[arg(long, default_value = "api key")]
    name: String,
    /// What it may do: scopes as links:read, parted by commas, or * for everything
    #[arg(long, default_value = "*")]
    scopes: String,
    /// The plan that it is limited by: free, partner, or one of your own [default: the common one]
    #[arg(long)]
    plan: Option<String>,
    /// When it ends: a length of time as 90d, or 2030-12-31T00:00:00Z [default: never]
    #[arg(long)]
    expires: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Rotate {
    /// The key's id, or the key itself
    key: String,
    /// For how long the old one is still good: up to 7d
    #[arg(long, default_value = "24h")]
    overlap: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Revoke {
    /// The key's id, or the key itself
    key: String,
    #[command(flatten)]
    place: Place,
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
    let (Action::Create(Create { place, .. })
    | Action::List(List { place })
    | Action::Rotate(Rotate { place, .. })
    | Action::Revoke(Revoke { place, .. })) = &arguments.action;
    let settings = Settings::load(&place.flags.0)?;
    crate::logging::start(&settings, "warn");
    let store = Store::open(&settings).await?;
    let done = act(&arguments.action, place, &store).await;
    store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn act(action: &Action, place: &Place, store: &Store) -> Result<(), Failure> {
    let credentials = &store.platform.credentials;
    let who = store.operator(credentials.workspace(&place.workspace).await?.id);
    match action {
        Action::Create(create) => {
            let scopes = Scopes::parse(&create.scopes).map_err(|fault| Failure::usage(format!("--scopes: {fault}")))?;
            if scopes == Scopes::default() {
                return Err(Failure::usage("--scopes: is empty, so the key could do nothing; name a scope, or *"));
            }
            let now = store.platform.clock.now();
            let expires = create.expires.as_deref().map(|text| settings::time(text, now)).transpose();
            let expires = expires.map_err(|fault| Failure::usage(format!("--expires: {fault}")))?;
            if expires.is_some_and(|at| at <= now) {
                return Err(Failure::usage("--expires: lies in the past; name a time ahead, as 90d"));
            }
            let plan = create.plan.as_deref().map(PlanName::parse).transpose();
            let plan = plan.map_err(|fault| Failure::usage(format!("--plan: {fault}")))?;
            let draft = KeyDraft { name: create.name.clone(), scopes, plan, expires_at: expires };
            show(&credentials.create_key(&who, draft).await?);
        }
        Action::List(_) => {
            let now = store.platform.clock.now();
            for key in credentials.list_keys(&who).await? {
                println!("{}", line(&key, now));
            }
        }
        Action::Rotate(rotate) => {
            let id = identify(&rotate.key, &credentials.list_keys(&who).await?)?;
            let overlap = settings::duration(&rotate.overlap).map(Overlap::new);
            let overlap = overlap.map_err(|fault| Failure::usage(format!("--overlap: {fault}")))?;
            let overlap =
                overlap.ok_or_else(|| Failure::usage("--overlap: is at most 7d; revoke the old key later"))?;
            show(&credentials.rotate_key(&who, id, overlap).await?);
        }
        Action::Revoke(revoke) => {
            let id = identify(&revoke.key, &credentials.list_keys(&who).await?)?;
            let key = credentials.revoke_key(&who, id).await?;
            println!("{} \"{}\" is revoked", key.id, key.name);
        }
    }
    Ok(())
}

/// Shows a new key: it alone on standard output, so that a script can take it; what it is, beside it.
fn show(issued: &IssuedKey) {
    eprintln!("{} \"{}\" may do {}; it is shown this once:", issued.key.id, issued.key.name, issued.key.scopes);
    println!("{}", issued.text.expose());
}

/// The key that a text means: its id, or its own text.
fn identify(text: &str, known: &[ApiKey]) -> Result<KeyId, Failure> {
    let hash = waypost_core::credentials::ApiKeyText::parse(text).map(|text| text.hash());
    let id = KeyId::parse(text).ok();
    let found = known.iter().find(|key| Some(key.id) == id || Some(key.hash) == hash).map(|key| key.id);
    found
        .ok_or_else(|| Failure::usage("KEY: there is no such key in this workspace; `waypost keys list` shows the ids"))
}

fn line(key: &ApiKey, now: Timestamp) -> String {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {at:.0}"),
        (None, Some(at)) if at <= now => format!("expired {at:.0}"),
        (None, Some(at)) => format!("until {at:.0}"),
        (None, None) => "live".to_owned(),
    };
    let used = key.last_used_at.map_or("never used".to_owned(), |at| format!("used {at:.0}"));
    let plan = key.plan.as_ref().map_or(String::new(), |plan| format!("  plan {plan}"));
    format!("{}  …{}  {state}  {used}  {}{plan}  {}", key.id, key.hint, key.scopes, key.name)
}
