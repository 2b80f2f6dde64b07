//! The kind of device.

pub(super) const OTHER: &str = "other";

const TELEVISIONS: [&str; 15] = [
    "smart-tv",
    "smarttv",
    "smart tv",
    "appletv",
    "apple tv",
    "googletv",
    "google tv",
    "android tv",
    "hbbtv",
    "netcast",
    "web0s",
    "bravia",
    "roku",
    "crkey",
    // Fire TV sticks by their model names.
    "; aft",
];
const CONSOLES: [&str; 3] = ["playstation", "xbox", "nintendo"];
const TABLETS: [&str; 4] = ["ipad", "tablet", "kindle", "playbook"];
const PHONES: [&str; 10] =
    ["mobile", "iphone", "ipod", "windows phone", "opera mini", "opera mobi", "blackberry", "bb10", "kaios", "symbian"];
const COMPUTERS: [&str; 5] = ["windows", "macintosh", "x11", "linux", "cros "];

/// The kind of device that a user agent, in lower case, tells of.
///
/// Windows tablets call themselves computers, but for a `Tablet PC` that old computers bear too, so they count as such.
/// Android devices that do not say `Mobile` are tablets, as their makers are told to do.
pub(super) fn of(user_agent: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| user_agent.contains(word));
    let android = user_agent.contains("android");
    if says(&TELEVISIONS) || (user_agent.contains("tizen") && user_agent.contains(" tv")) {
        "tv"
    } else if says(&CONSOLES) {
        OTHER
    } else if (says(&TABLETS) && !user_agent.contains("windows nt")) || (android && !says(&PHONES)) {
        "tablet"
    } else if says(&PHONES) {
        "mobile"
    } else if says(&COMPUTERS) {
        "desktop"
    } else {
        OTHER
    }
}
