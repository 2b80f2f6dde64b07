//! What a user agent says.

use std::sync::OnceLock;

use isbot::Bots;
use woothee::parser::Parser;

use super::bots;
use super::device;

/// What is known of a user agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agent {
    pub(super) is_bot: bool,
    pub(super) browser: Option<&'static str>,
    pub(super) os: Option<&'static str>,
    pub(super) device: &'static str,
}

impl Agent {
    const BOT: Self = Self { is_bot: true, browser: None, os: None, device: device::OTHER };
}

/// Apps with a browser in them, and browsers that the collection does not know or takes for the one that they are built
/// on. What the user agent holds, in lower case, and the family.
const BROWSERS: [(&str, &str); 33] = [
    ("instagram", "Instagram"),
    ("fban/", "Facebook"),
    ("fbav/", "Facebook"),
    ("fb_iab", "Facebook"),
    ("micromessenger", "WeChat"),
    ("linkedinapp", "LinkedIn"),
    ("snapchat", "Snapchat"),
    ("pinterest/", "Pinterest"),
    ("musical_ly", "TikTok"),
    ("bytedancewebview", "TikTok"),
    ("tiktok", "TikTok"),
    ("twitter for", "X"),
    (" line/", "LINE"),
    ("kakaotalk", "KakaoTalk"),
    ("duckduckgo/", "DuckDuckGo"),
    (" ddg/", "DuckDuckGo"),
    ("samsungbrowser/", "Samsung Internet"),
    ("huaweibrowser/", "Huawei Browser"),
    ("miuibrowser/", "Mi Browser"),
    ("heytapbrowser/", "HeyTap Browser"),
    ("vivobrowser/", "Vivo Browser"),
    ("ucbrowser/", "UC Browser"),
    ("qqbrowser/", "QQ Browser"),
    ("whale/", "Whale"),
    ("silk/", "Silk"),
    ("brave", "Brave"),
    ("opr/", "Opera"),
    ("opt/", "Opera"),
    ("opx/", "Opera"),
    ("opera mini", "Opera"),
    ("yabrowser/", "Yandex Browser"),
    ("coc_coc_browser", "Cốc Cốc"),
    ("puffin/", "Puffin"),
];

/// Systems that the collection does not know, or takes for the ones that they are built on.
const SYSTEMS: [(&str, &str); 15] = [
    ("kaios", "KaiOS"),
    ("harmonyos", "HarmonyOS"),
    ("openharmony", "HarmonyOS"),
    ("tizen", "Tizen"),
    ("web0s", "webOS"),
    ("webos", "webOS"),
    ("appletv", "tvOS"),
    ("apple tv", "tvOS"),
    ("roku", "Roku"),
    ("sailfish", "Sailfish OS"),
    ("ubuntu touch", "Ubuntu Touch"),
    ("playstation", "PlayStation"),
    ("xbox", "Xbox"),
    ("nintendo", "Nintendo"),
    ("fuchsia", "Fuchsia"),
];

/// Reads user agents. It makes itself ready at the first one (some 5 ms), so that an idle server does not pay for it.
#[derive(Default)]
pub(super) struct AgentParser {
    bots: OnceLock<Bots>,
    families: Parser,
}

impl AgentParser {
    /// What `user_agent` says.
    pub(super) fn parse(&self, user_agent: &str) -> Agent {
        let lower = user_agent.to_ascii_lowercase();
        if bots::is_listed(&lower) {
            return Agent::BOT;
        }
        let families = self.families.parse(user_agent);
        if families.as_ref().is_some_and(|families| families.category == "crawler") {
            return Agent::BOT;
        }
        // A maker of phones whose name ends like that of a program.
        if self.bots.get_or_init(Bots::default).is_bot(&lower.replace("cubot", "")) {
            return Agent::BOT;
        }
        let (name, system) = families.map_or(("", ""), |families| (families.name, families.os));
        Agent {
            is_bot: false,
            browser: listed(&BROWSERS, &lower).or_else(|| browser(name)),
            os: listed(&SYSTEMS, &lower).or_else(|| os(system)),
            device: device::of(&lower),
        }
    }
}

fn listed(list: &[(&str, &'static str)], user_agent: &str) -> Option<&'static str> {
    list.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, family)| *family)
}

fn browser(name: &str) -> Option<&'static str> {
    Some(match name {
        "Chrome" => "Chrome",
        "Firefox" => "Firefox",
        "Safari" => "Safari",
        "Edge" => "Edge",
        "Internet Explorer" => "Internet Explorer",
        "Opera" => "Opera",
        "Vivaldi" => "Vivaldi",
        "Sleipnir" => "Sleipnir",
        "Webview" => "WebView",
        "Google Search App" => "Google App",
        _ => return None,
    })
}

fn os(name: &str) -> Option<&'static str> {
    Some(match name {
        "Windows Phone OS" => "Windows Phone",
        "Mac OSX" | "Mac OS Classic" => "macOS",
        "iPhone" | "iPad" | "iPod" | "iOS" => "iOS",
        "Android" => "Android",
        "Linux" => "Linux",
        "ChromeOS" => "ChromeOS",
        "BSD" => "BSD",
        "BlackBerry" | "BlackBerry 10" => "BlackBerry",
        "Firefox OS" => "Firefox OS",
        "SymbianOS" => "Symbian",
        windows if windows.starts_with("Windows") => "Windows",
        _ => return None,
    })
}
