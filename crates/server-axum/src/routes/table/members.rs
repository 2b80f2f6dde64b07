//! Members.

use std::sync::Arc;

use waypost_core::credentials::Scope;
use waypost_core::wire::v1::{self, ErrorCode as Code};

use crate::app::App;
use crate::routes::{BODY, JSON, MERGE_PATCH, Parameter, Route, members};

pub(in crate::routes) fn routes() -> Vec<Route<Arc<App>>> {
    let member_id = || Parameter::path("id", "The user's id.");
    vec![
        Route::get("/v1/members", Scope::MembersRead, members::list)
            .says("members", "listMembers", "List the members of the workspace, the longest first")
            .answers::<v1::Page<v1::Member>>(200, "MemberPage", "All of them.", &[]),
        Route::post("/v1/members", Scope::MembersWrite, members::add)
            .says("members", "addMember", "Make somebody a member")
            .reads::<v1::AddMember>("AddMember", BODY, JSON)
            .keyed()
            .answers::<v1::Member>(201, "Member", "They are a member.", &["Location"])
            .fails(&[Code::Conflict, Code::NotFound]),
        Route::get("/v1/members/{id}", Scope::MembersRead, members::read)
            .says("members", "readMember", "Read a member")
            .takes([member_id()])
            .answers::<v1::Member>(200, "Member", "The member.", &[])
            .fails(&[Code::NotFound]),
        Route::patch("/v1/members/{id}", Scope::MembersWrite, members::update)
            .says("members", "updateMember", "Give a member another role")
            .takes([member_id()])
            .reads::<v1::UpdateMember>("UpdateMember", BODY, MERGE_PATCH)
            .keyed()
            .answers::<v1::Member>(200, "Member", "The member as it is now.", &[])
            .fails(&[Code::NotFound, Code::Conflict]),
        Route::delete("/v1/members/{id}", Scope::MembersWrite, members::remove)
            .says("members", "removeMember", "Take somebody out of the workspace, and end their sessions there")
            .takes([member_id()])
            .answers_nothing(204, "They are no member any more.")
            .fails(&[Code::NotFound, Code::Conflict]),
    ]
}
