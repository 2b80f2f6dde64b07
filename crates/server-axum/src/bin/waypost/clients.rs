//! `waypost clients`: the OAuth clients of a workspace, on the store itself.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use waypost_core::clients::{Client, ClientAuth, ClientDraft, ClientKeys, Clients, IssuedClient, RedirectUri};
use waypost_core::credentials::{PlanName, Principal, Scopes, parse_name};
use waypost_core::ids::ClientId;

use crate::failure::Failure;
use crate::settings::{self, Settings, StoreFlags};
use crate::store::Store;

/// Register, list, rotate and revoke OAuth clients.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  waypost clients create --name partner --scopes links:read,webhooks:write --plan partner
  waypost clients create --name signer --scopes links:read --jwks keys.json
  waypost clients create --name app --auth none --redirect-uri https://app.example/back
  waypost clients rotate cli_01JD3X8M2V7Q5T9B4C6E8G0HJK --overlap 2h
  waypost clients revoke cli_01JD3X8M2V7Q5T9B4C6E8G0HJK

A running server knows of a new client at once, and of a revoked one within a second.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Register a client; print its id, and its secret once
    Create(Box<Create>),
    /// List the clients that are not revoked, oldest first
    List(List),
    /// Make another secret for a client, and print it once
    Rotate(Rotate),
    /// Revoke a client for good, with its tokens and what people granted it
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Create {
    /// What the client is called, 1 to 128 characters
    #[arg(long, default_value = "oauth client")]
    name: String,
    /// The most that its tokens may do, as links:read,links:write, or * for everything
    #[arg(long, default_value = "*")]
    scopes: String,
    /// The plan that it is limited by [default: the common one]
    #[arg(long)]
    plan: Option<String>,
    /// How it proves who it is: secret, key or none [default: key with --jwks, else secret]
    #[arg(long)]
    auth: Option<String>,
    /// A file with its public keys, as a JWK set
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// Where people may be sent back to; may be given up to 10 times
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
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
    /// The client's id
    client: String,
    /// For how long the secrets before it are still good: up to 7d
    #[arg(long, default_value = "24h")]
    overlap: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Revoke {
    /// The client's id
    client: String,
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
    let place = match &arguments.action {
        Action::Create(create) => &create.place,
        Action::List(List { place }) | Action::Rotate(Rotate { place, .. }) | Action::Revoke(Revoke { place, .. }) => {
            place
        }
    };
    let settings = Settings::load(&place.flags.0)?;
    crate::logging::start(&settings, "warn");
    let draft = match &arguments.action {
        Action::Create(create) => Some(draft(create)?),
        _ => None,
    };
    let store = Store::open(&settings).await?;
    let done = act(&arguments.action, place, draft, &store).await;
    store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn act(action: &Action, place: &Place, draft: Option<ClientDraft>, store: &Store) -> Result<(), Failure> {
    let (platform, clients) = (&store.platform, &store.platform.clients);
    let operator = store.operator(platform.credentials.workspace(&place.workspace).await?.id);
    match action {
        Action::Create(_) => {
            if let Some(draft) = draft {
                show(&clients.register(&operator, draft).await?);
            }
        }
        Action::List(_) => {
            let now = platform.clock.now();
            for client in clients.list(&operator).await? {
                println!("{}", line(&client, now));
            }
        }
        Action::Rotate(rotate) => {
            let id = find(clients, &operator, &rotate.client).await?;
            let overlap =
                settings::duration(&rotate.overlap).map_err(|said| Failure::usage(format!("--overlap: {said}")))?;
            show(&clients.rotate(&operator, id, overlap).await?);
        }
        Action::Revoke(revoke) => {
            let id = find(clients, &operator, &revoke.client).await?;
            let client = clients.revoke(&operator, id).await?;
            println!("{} \"{}\" is revoked", client.id, client.name);
        }
    }
    Ok(())
}

fn draft(create: &Create) -> Result<ClientDraft, Failure> {
    let fault = |flag: &str, fault: &dyn std::fmt::Display| Failure::usage(format!("--{flag}: {fault}"));
    let scopes = Scopes::parse(&create.scopes).map_err(|unknown| fault("scopes", &unknown))?;
    if scopes.is_empty() {
        return Err(fault("scopes", &"is empty, so the client could do nothing; name a scope, or *"));
    }
    let keys = create.jwks.as_deref().map(|path| match std::fs::read_to_string(path) {
        Ok(text) => ClientKeys::parse(&text).map_err(|said| fault("jwks", &said)),
        Err(said) => Err(fault("jwks", &format!("{} cannot be read ({said}); name a JSON file", path.display()))),
    });
    let keys = keys.transpose()?;
    let auth = create.auth.as_deref().map(ClientAuth::parse).transpose().map_err(|said| fault("auth", &said))?;
    let uris: Result<Vec<_>, _> = create.redirect_uri.iter().map(|uri| RedirectUri::parse(uri)).collect();
    let redirect_uris = uris.map_err(|said| fault("redirect-uri", &said))?;
    if redirect_uris.len() > 10 {
        return Err(fault("redirect-uri", &"is given more than 10 times"));
    }
    let plan = create.plan.as_deref().map(PlanName::parse).transpose().map_err(|said| fault("plan", &said))?;
    let draft = ClientDraft {
        name: parse_name(&create.name).map_err(|said| fault("name", &said))?,
        scopes,
        plan,
        auth: auth.unwrap_or(if keys.is_some() { ClientAuth::Key } else { ClientAuth::Secret }),
        keys,
        redirect_uris,
    };
    draft.check().map_err(|issue| match issue.field.as_str() {
        "redirect_uris" => fault("redirect-uri", &issue.issue),
        field => fault(field, &issue.issue),
    })?;
    Ok(draft)
}

async fn find(clients: &Clients, operator: &Principal, text: &str) -> Result<ClientId, Failure> {
    let missing =
        || Failure::usage("CLIENT: there is no such client in this workspace; `waypost clients list` shows the ids");
    let id = ClientId::parse(text).map_err(|_| missing())?;
    let known = clients.list(operator).await?;
    known.iter().find(|client| client.id == id).map(|client| client.id).ok_or_else(missing)
}

/// The id and the secret on standard output, a line each, so that a script can take them; what they are, beside them.
fn show(issued: &IssuedClient) {
    let client = &issued.client;
    let told = if issued.secret.is_some() { "; its secret is shown this once" } else { "" };
    eprintln!("{} \"{}\" may do {}{told}:", client.id, client.name, client.scopes);
    println!("{}", client.id);
    if let Some(secret) = &issued.secret {
        println!("{}", secret.expose());
    }
}

fn line(client: &Client, now: Timestamp) -> String {
    let live = client.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|at| at > now));
    let secrets: Vec<_> = live
        .map(|secret| match secret.expires_at {
            Some(at) => format!("…{} until {at:.0}", secret.hint),
            None => format!("…{}", secret.hint),
        })
        .collect();
    let proof = if secrets.is_empty() { ClientAuth::of(client).as_str().to_owned() } else { secrets.join(", ") };
    let plan = client.plan.as_ref().map_or(String::new(), |plan| format!("  plan {plan}"));
    format!("{}  {proof}{plan}  {}  {}", client.id, client.scopes, client.name)
}
