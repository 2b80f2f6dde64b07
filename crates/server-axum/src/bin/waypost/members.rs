//! `waypost members`: the people of a workspace, on the store itself.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use waypost_core::ids::UserId;
use waypost_core::members::{Member, NewMember, Role};

use crate::failure::Failure;
use crate::settings::{Settings, StoreFlags};
use crate::store::Store;

/// Add, list and remove the people of a workspace.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  waypost members add --issuer https://id.example.com --subject 248289761001 --role owner
  waypost members list
  waypost members remove usr_01JD3X8M2V7Q5T9B4C6E8G0HJK

People are told apart by what their provider calls them (`iss` and `sub`); who signs in and is no member yet is shown
both, to be passed on to whoever adds them. A running server knows of a change within a second.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make somebody a member, or give a member another role
    Add(Add),
    /// List the members, the longest first
    List(List),
    /// Take somebody out, and end their sessions
    Remove(Remove),
}

#[derive(Debug, Args)]
struct Add {
    /// The provider that vouches for them, by its `iss` [default: the setting oidc_issuer]
    #[arg(long)]
    issuer: Option<String>,
    /// Who they are to it, by `sub`
    #[arg(long)]
    subject: String,
    /// What they may do: owner, admin, editor or viewer
    #[arg(long, default_value = "editor", value_parser = Role::parse)]
    role: Role,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Remove {
    /// The user's id
    user: String,
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
    let (Action::Add(Add { place, .. }) | Action::List(List { place }) | Action::Remove(Remove { place, .. })) =
        &arguments.action;
    let settings = Settings::load(&place.flags.0)?;
    crate::logging::start(&settings, "warn");
    let store = Store::open(&settings).await?;
    let done = act(&arguments.action, place, &settings, &store).await;
    store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn act(action: &Action, place: &Place, settings: &Settings, store: &Store) -> Result<(), Failure> {
    let workspace = store.platform.credentials.workspace(&place.workspace).await?.id;
    let (who, members) = (store.operator(workspace), &store.platform.members);
    match action {
        Action::Add(add) => {
            let issuer = add.issuer.clone().or_else(|| settings.oidc.issuer.clone());
            let issuer = issuer.ok_or_else(|| {
                Failure::usage("--issuer: is missing; name the provider by its `iss`, or give the setting oidc_issuer")
            })?;
            let (subject, role) = (add.subject.clone(), add.role);
            let known = members.list(&who).await?;
            let known = known.iter().find(|member| member.user.issuer == issuer && member.user.subject == subject);
            let member = match known {
                Some(member) => members.set_role(&who, member.user.id, role).await?,
                None => members.add(&who, NewMember { issuer, subject, role }).await?,
            };
            println!("{}", line(&member));
        }
        Action::List(_) => {
            for member in members.list(&who).await? {
                println!("{}", line(&member));
            }
        }
        Action::Remove(remove) => {
            let user = UserId::parse(&remove.user)
                .map_err(|fault| Failure::usage(format!("USER: {fault}; `waypost members list` shows the ids")))?;
            let member = members.remove(&who, user).await?;
            println!("{} is no member any more", member.user.id);
        }
    }
    Ok(())
}

fn line(member: &Member) -> String {
    let user = &member.user;
    let seen = user.signed_in_at.map_or("never signed in".to_owned(), |at| format!("signed in {at:.0}"));
    let name = user.name.as_deref().or(user.email.as_deref()).unwrap_or("-");
    format!("{}  {}  {seen}  {} {}  {name}", user.id, member.role, user.issuer, user.subject)
}
